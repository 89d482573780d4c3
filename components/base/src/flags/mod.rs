//! Command lines as Go programs read them: by the rules of its flag package, and in [`pflag`] by those of pflag.

pub mod go;
mod parse;
pub mod pflag;
mod urls;
mod value;

pub use parse::{Fate, Flag, Group, Kind, Outcome, ParseError, Parsed, Source, Table, Value, env_name};
pub use urls::{host_port, name_urls, urls};
pub use value::{boolean, duration, format_duration, integer, list, unsigned};

/// A value that cannot be used. The text is one line: what it was, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid value {got:?} for {flag}: expected {expected}")]
pub struct Error {
    /// The flag, variable or key as the user wrote it, for example `--data-dir` or `ETCD_DATA_DIR`.
    pub flag: String,
    /// What was given.
    pub got: String,
    /// What would have been right.
    pub expected: String,
}

impl Error {
    /// An error about the value `got` of `flag`.
    pub fn new(flag: &str, got: &str, expected: impl Into<String>) -> Self {
        Self {
            flag: flag.to_owned(),
            got: got.to_owned(),
            expected: expected.into(),
        }
    }
}
