//! A pod held against a level: which checks apply to a version, and what they say together.

use super::checks::{ALL, Check, Judge, Violation};
use super::pods::Pod;
use super::policy::{Standard, Version};

/// The newest version with a check of its own; `latest` and all after it are the same.
pub(super) const NEWEST: i64 = 35;

/// What all checks say.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    violations: Vec<Violation>,
}

impl Verdict {
    /// What is wrong, each with its detail; `None` where nothing is.
    pub(super) fn detail(&self) -> Option<String> {
        self.join(|violation| format!("{} ({})", violation.reason, violation.detail))
    }

    /// What is wrong, in short; `None` where nothing is.
    pub(super) fn reason(&self) -> Option<String> {
        self.join(|violation| violation.reason.to_owned())
    }

    /// Whether nothing is wrong.
    pub(super) fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    fn join(&self, text: impl Fn(&Violation) -> String) -> Option<String> {
        let texts: Vec<String> = self.violations.iter().map(text).collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    }
}

/// Holds a pod against a level.
pub(super) fn evaluate(standard: Standard, pod: &Pod<'_>) -> Verdict {
    let judges = judges(standard);
    Verdict {
        violations: judges.iter().filter_map(|judge| judge(pod)).collect(),
    }
}

/// The checks of a level, in the order of messages: those of the baseline, then those of the restricted level, which stand
/// in for some of the former.
fn judges(standard: Standard) -> Vec<Judge> {
    let minor = match standard.version {
        Version::Latest => NEWEST,
        Version::Minor(minor) => minor.min(NEWEST),
    };
    let active = || ALL.iter().filter(move |check| check.level <= standard.level);
    let replaced: Vec<&str> = active()
        .filter(|check| check.at(minor).is_some())
        .flat_map(|check| check.replaces)
        .copied()
        .collect();
    active()
        .filter(|check| !replaced.contains(&check.id))
        .filter_map(|check| check.at(minor))
        .collect()
}

impl Check {
    /// As a version defined it; `None` for versions before it.
    fn at(&self, minor: i64) -> Option<Judge> {
        let revisions = self.revisions.iter().rev();
        let mut fitting = revisions.filter(|(since, _)| *since <= minor);
        fitting.next().map(|(_, judge)| *judge)
    }
}

#[cfg(test)]
mod tests {
    use super::super::checks::ALL;
    use super::super::policy::Level;
    use super::{NEWEST, Standard, Version, judges};

    #[test]
    fn checks_stand_in_the_order_of_messages() {
        let keys: Vec<_> = ALL.iter().map(|check| (check.level, check.id)).collect();
        assert!(keys.is_sorted(), "{keys:?}");
        let newest = ALL
            .iter()
            .flat_map(|check| check.revisions)
            .map(|(since, _)| *since)
            .max();
        assert_eq!(newest, Some(NEWEST));
        for check in ALL {
            assert!(check.revisions.is_sorted_by(|(a, _), (b, _)| a < b), "{}", check.id);
            for id in check.replaces {
                assert!(
                    ALL.iter()
                        .any(|other| other.id == *id && other.level == Level::Baseline),
                    "{id}"
                );
            }
        }
    }

    #[test]
    fn versions_have_the_checks_that_they_knew() {
        let count = |level, version| judges(Standard { level, version }).len();
        assert_eq!(count(Level::Privileged, Version::Latest), 0);
        assert_eq!(count(Level::Baseline, Version::Minor(0)), 11);
        assert_eq!(count(Level::Baseline, Version::Minor(34)), 12);
        assert_eq!(count(Level::Baseline, Version::Latest), 12);
        // Volumes stand in for paths of hosts from the first version on.
        assert_eq!(count(Level::Restricted, Version::Minor(0)), 12);
        assert_eq!(count(Level::Restricted, Version::Latest), 15);
        assert_eq!(count(Level::Restricted, Version::Minor(99)), 15);
    }
}
