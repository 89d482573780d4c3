//! What a checker says of a history.

use std::fmt;

use serde::Serialize;

/// So many violations are printed; all are in the list.
const PRINTED: usize = 10;

/// Operations that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The broken rule by its name in the checker's documentation: "G1c", "real time".
    pub rule: &'static str,
    /// The contradiction, in words.
    pub message: String,
    /// The operations that contradict each other, by their index in the history.
    pub operations: Vec<usize>,
}

/// The judgement of one checker on one history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No rule is broken.
    Pass {
        /// How many facts of the history were held against a rule; never 0.
        checked: usize,
    },
    /// Rules are broken; never empty.
    Fail(Vec<Violation>),
    /// The history does not say enough, or the search was given up. A caller treats it as a failure.
    Unknown(String),
}

impl Verdict {
    /// True only if every rule was checked and holds.
    pub const fn passed(&self) -> bool {
        matches!(self, Self::Pass { .. })
    }

    /// What was found; empty where nothing was.
    pub fn violations(&self) -> &[Violation] {
        match self {
            Self::Fail(violations) => violations,
            Self::Pass { .. } | Self::Unknown(_) => &[],
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass { checked } => write!(out, "pass: {checked} facts checked"),
            Self::Unknown(reason) => write!(out, "unknown: {reason}"),
            Self::Fail(violations) => {
                writeln!(out, "fail: {} found", violations.len())?;
                for one in violations.iter().take(PRINTED) {
                    writeln!(out, "- {}: {}", one.rule, one.message)?;
                }
                match violations.len().saturating_sub(PRINTED) {
                    0 => Ok(()),
                    more => writeln!(out, "and {more} more"),
                }
            }
        }
    }
}

/// What a checker gathers on its way to a verdict.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    violations: Vec<Violation>,
    doubts: Vec<String>,
    checked: usize,
}

impl Findings {
    /// A fact was held against a rule.
    pub(crate) fn check(&mut self) {
        self.checked += 1;
    }

    /// So many facts were.
    pub(crate) fn check_many(&mut self, count: usize) {
        self.checked += count;
    }

    /// A rule is broken by these operations.
    pub(crate) fn report(&mut self, rule: &'static str, operations: &[usize], message: String) {
        self.violations.push(Violation {
            rule,
            message,
            operations: operations.to_vec(),
        });
    }

    /// The history does not say enough.
    pub(crate) fn doubt(&mut self, reason: String) {
        self.doubts.push(reason);
    }

    /// The verdict; `nothing` says what is missing from a history in which nothing was checked.
    pub(crate) fn verdict(self, nothing: &str) -> Verdict {
        if !self.violations.is_empty() {
            return Verdict::Fail(self.violations);
        }
        if !self.doubts.is_empty() {
            return Verdict::Unknown(self.doubts.join("; "));
        }
        if self.checked == 0 {
            return Verdict::Unknown(nothing.to_owned());
        }
        Verdict::Pass { checked: self.checked }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_outweighs_a_doubt_and_nothing_checked_is_no_pass() {
        assert_eq!(
            Findings::default().verdict("no reads"),
            Verdict::Unknown("no reads".into())
        );
        let mut findings = Findings::default();
        findings.check();
        findings.doubt("a gap".into());
        findings.report("stale", &[1, 2], "old".into());
        let verdict = findings.verdict("");
        assert!(!verdict.passed());
        assert_eq!(verdict.violations()[0].operations, vec![1, 2]);
    }

    #[test]
    fn a_long_list_is_cut_when_printed() {
        let mut findings = Findings::default();
        for n in 0..PRINTED + 3 {
            findings.report("rule", &[n], format!("number {n}"));
        }
        let text = findings.verdict("").to_string();
        assert!(text.contains("number 9") && !text.contains("number 10"), "{text}");
        assert!(text.contains("13 found") && text.contains("and 3 more"), "{text}");
    }
}
