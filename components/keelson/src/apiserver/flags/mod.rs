//! The flags of `keelson apiserver`: kube-apiserver's, one row a flag, a file a section of its help.
//!
//! A row whose `later` is not empty is known and refused: take the text away when the feature is there.

mod admission;
mod api;
mod auditing;
mod authentication;
mod authorization;
mod etcd;
mod features;
mod generic;
mod global;
mod logs;
mod metrics;
mod misc;
mod serving;
mod shown;

use base::flags::pflag::{Flag, Group, Kind, Table};

pub(crate) use shown::shown;

/// Every flag that the apiserver takes.
pub(crate) const TABLE: Table = Table {
    groups: &[
        group("Generic", generic::ROWS),
        group("Etcd", etcd::ROWS),
        group("Secure serving", serving::ROWS),
        group("Auditing", auditing::ROWS),
        group("Features", features::ROWS),
        group("Authentication", authentication::ROWS),
        group("Authorization", authorization::ROWS),
        group("API enablement", api::ENABLEMENT),
        group("Egress selector", api::EGRESS),
        group("Admission", admission::ROWS),
        group("Metrics", metrics::ROWS),
        group("Logs", logs::ROWS),
        group("Traces", logs::TRACES),
        group("Misc", misc::ROWS),
        group("Global", global::ROWS),
    ],
};

const fn group(title: &'static str, rows: &'static [Flag]) -> Group {
    Group { title, rows }
}

/// The start of a row; the rest of it is set by what follows or by struct update.
const fn row(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Flag {
    Flag {
        name,
        short: None,
        kind,
        default,
        help,
        more: None,
        later: "",
        deprecated: "",
        hidden: false,
    }
}

/// A row whose feature is not here yet.
const fn later(row: Flag, later: &'static str) -> Flag {
    Flag { later, ..row }
}

/// A row that upstream no longer shows, and what it says when it is used.
const fn retired(row: Flag, deprecated: &'static str) -> Flag {
    Flag {
        deprecated,
        hidden: true,
        ..row
    }
}

#[cfg(test)]
mod tests;
