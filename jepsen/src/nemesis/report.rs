//! What a storm did, and whether it proves anything.

use std::collections::BTreeMap;

use jepsen_check::history::Phase;
use serde::Serialize;

use super::Kind;

/// A fault begins or ends; to be written into the history at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The fault's name.
    pub(crate) name: &'static str,
    /// Whether it begins or ends.
    pub(crate) phase: Phase,
    /// To whom, in words.
    pub(crate) detail: String,
    /// While it is on nobody can be answered, or perhaps nobody.
    pub(crate) stands_still: bool,
}

/// What came of the attempt to make a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It was there.
    Installed,
    /// It was not tried.
    Skipped,
    /// Nobody knows what the attempt did.
    Indeterminate,
}

/// One fault that was made, or not.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Done {
    /// Its name.
    pub(crate) name: &'static str,
    /// What came of it.
    pub(crate) state: State,
    /// To whom, or why not.
    pub(crate) detail: String,
    /// Whether it was seen to be there.
    pub(crate) seen: bool,
    /// By what that is known.
    pub(crate) evidence: String,
}

/// All that a storm did.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Report {
    /// In the order in which they ended.
    pub(crate) faults: Vec<Done>,
    /// Faults that could not be taken back, and members that did not come back after one.
    pub(crate) troubles: Vec<String>,
    /// Why not all was well in the end.
    pub(crate) not_healed: Option<String>,
    /// The watchdog had to act.
    pub(crate) rescued: bool,
    /// Kinds that were asked for by name, and must all be made.
    named: Vec<&'static str>,
    /// So many must be on at once, at least once.
    together: usize,
    /// So many were, at most.
    pub(super) at_once: usize,
}

impl Report {
    /// Of a storm that has not begun: of these kinds so many come at once. Where that is all of them, each must.
    pub(super) fn of(kinds: &[Kind], together: usize) -> Self {
        let all = together == kinds.len();
        Self {
            named: kinds.iter().filter(|_| all).map(|kind| kind.name()).collect(),
            together,
            ..Self::default()
        }
    }

    fn made(&self) -> impl Iterator<Item = &Done> {
        self.faults.iter().filter(|fault| fault.state == State::Installed)
    }

    /// No fault was made, or one of a kind that was never seen, or not all that were asked for, or not at once.
    pub(super) fn shows_too_little(&self) -> bool {
        let was_seen = |name: &str| self.made().any(|fault| fault.name == name && fault.seen);
        let too_few = self.at_once < self.together || self.named.iter().any(|name| !was_seen(name));
        too_few || self.made().next().is_none() || self.made().any(|fault| !was_seen(fault.name))
    }

    /// Why the run proves nothing, or shows that the cluster did not recover. Empty: neither.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = self.troubles.clone();
        problems.extend(self.not_healed.iter().map(|why| format!("not healed: {why}")));
        if self.rescued {
            problems.push("the watchdog had to act".to_owned());
        }
        let mut tried: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for fault in self.made() {
            let (made, seen) = tried.entry(fault.name).or_default();
            *made += 1;
            *seen += usize::from(fault.seen);
        }
        if tried.is_empty() {
            problems.push("no fault was made".to_owned());
        }
        for name in self.named.iter().filter(|name| !tried.contains_key(*name)) {
            problems.push(format!("{name} was never made"));
        }
        if self.at_once < self.together {
            problems.push(format!(
                "{} faults were to be on at once, and never more than {} were",
                self.together, self.at_once
            ));
        }
        for (name, (made, seen)) in tried {
            if seen == 0 {
                problems.push(format!("{name} was made {made} times and never seen"));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(name: &'static str, state: State, seen: bool) -> Done {
        Done {
            name,
            state,
            detail: String::new(),
            seen,
            evidence: String::new(),
        }
    }

    #[test]
    fn a_storm_proves_something_if_each_of_its_faults_was_seen_once() {
        let good = Report {
            faults: vec![
                done("kill", State::Installed, false),
                done("kill", State::Installed, true),
                done("pause", State::Skipped, false),
                done("member", State::Indeterminate, false),
            ],
            ..Report::default()
        };
        assert_eq!(good.problems(), Vec::<String>::new());
        assert!(!good.shows_too_little());
        let mut unseen = good.clone();
        unseen.faults.push(done("loss", State::Installed, false));
        assert_eq!(unseen.problems(), ["loss was made 1 times and never seen"]);
        assert!(unseen.shows_too_little() && Report::default().shows_too_little());
        assert_eq!(Report::default().problems(), ["no fault was made"]);
        let broken = Report {
            not_healed: Some("n1 does not serve".to_owned()),
            rescued: true,
            troubles: vec!["kill: n2 does not start".to_owned()],
            ..good
        };
        assert_eq!(broken.problems().len(), 3);
    }

    #[test]
    fn faults_that_are_to_come_at_once_must() {
        let mut pair = Report::of(&[Kind::Kill, Kind::Loss], 2);
        pair.faults.push(done("kill", State::Installed, true));
        pair.at_once = 1;
        assert!(pair.shows_too_little());
        assert_eq!(
            pair.problems(),
            [
                "loss was never made",
                "2 faults were to be on at once, and never more than 1 were"
            ]
        );
        pair.faults.push(done("loss", State::Installed, true));
        assert_eq!(pair.problems().len(), 1);
        pair.at_once = 2;
        assert!(!pair.shows_too_little() && pair.problems().is_empty());
        // Of a mix nobody knows which come.
        assert_eq!(
            Report::of(Kind::ALL, 1).problems(),
            [
                "no fault was made",
                "1 faults were to be on at once, and never more than 0 were"
            ]
        );
    }
}
