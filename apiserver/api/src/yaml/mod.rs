//! YAML into trees and back, as `sigs.k8s.io/yaml` does it: YAML 1.1 as Go's package of old reads it, then JSON.
//!
//! So `yes` and `y` are true, `0777` is octal, keys become strings, and of a stream only the first document counts. Aliases
//! may not blow a small document up.

mod events;
mod flow;
mod key;
mod keys;
mod letters;
mod marks;
mod nested;
mod order;
mod read;
mod resolve;
mod scalars;
mod scan;
mod style;
mod syntax;
mod token;
mod write;

use thiserror::Error;

use crate::tree::Tree;
pub use read::{ALIASED_MAX, MAX_DEPTH};
pub use write::to_yaml;

/// Why a text is no YAML, or YAML that is no JSON, in the words of Go's packages: `yaml: line 4: did not find expected key`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Error(String);

impl Error {
    fn yaml(message: impl std::fmt::Display) -> Self {
        Self(format!("yaml: {message}"))
    }
}

/// A document and what is odd about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The value. Of keys that stand twice in a map the last counts.
    pub tree: Tree,
    /// Keys that stand more than once, as strict decoding tells of them: `line 4: key "k" already set in map`. They are
    /// warnings, or the error of [`strict_error`]. As many as are [`Told`](crate::tree::Told).
    pub duplicates: Vec<String>,
}

/// Reads the first document of a stream; none reads as `null`.
///
/// # Errors
/// [`Error`].
pub fn parse(document: &[u8]) -> Result<Parsed, Error> {
    read::parse(document)
}

/// What strict decoding says of keys that stand more than once.
pub fn strict_error(duplicates: &[String]) -> String {
    format!("yaml: unmarshal errors:\n  {}", duplicates.join("\n  "))
}

#[cfg(test)]
mod tests;
