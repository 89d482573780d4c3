//! The flags of `keelson store`: etcd's, one row a flag.
//!
//! A row's name is also its key in the configuration file, and with `ETCD_` in front its environment variable.

mod clustering;
mod limits;
mod logging;
mod member;
mod retired;
mod security;

use base::flags::{Fate, Flag, Group, Kind, Table};

/// Every flag that a member takes.
pub(crate) const TABLE: Table = Table {
    groups: &[
        Group {
            title: "Member",
            rows: member::ROWS,
        },
        Group {
            title: "Clustering",
            rows: clustering::ROWS,
        },
        Group {
            title: "Security",
            rows: security::ROWS,
        },
        Group {
            title: "Limits and timing",
            rows: limits::ROWS,
        },
        Group {
            title: "Logging and monitoring",
            rows: logging::ROWS,
        },
        Group {
            title: "Accepted for compatibility",
            rows: retired::ROWS,
        },
    ],
};

/// The start of a row; the rest of it is set by struct update where it differs.
const fn row(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Flag {
    Flag {
        name,
        kind,
        default,
        aliases: &[],
        help,
        fate: Fate::Used,
    }
}

/// A row that is also known by older names.
const fn renamed(row: Flag, aliases: &'static [&'static str]) -> Flag {
    Flag { aliases, ..row }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use base::flags::Parsed;

    use super::*;

    #[test]
    fn every_name_is_there_once_and_every_default_is_of_its_kind() {
        let mut seen = BTreeSet::new();
        for row in TABLE.rows() {
            for name in std::iter::once(&row.name).chain(row.aliases) {
                assert!(seen.insert(*name), "{name} is there twice");
            }
            let set = |text: &str| Parsed::default().set(row, text.to_owned(), row.name, base::flags::Source::Default);
            assert!(
                row.default.is_empty() && row.kind == Kind::Text || set(row.default).is_ok(),
                "{}",
                row.name
            );
        }
    }

    #[test]
    fn no_flag_of_upstream_is_missing() {
        for name in include_str!("upstream.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
        {
            assert!(TABLE.find(name).is_some(), "--{name}");
        }
    }
}
