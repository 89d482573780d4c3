//! What tests of these rules share.

use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Tree, parse};

/// A tree from its text.
pub(crate) fn json(text: &str) -> Tree {
    parse(text.as_bytes()).expect("a test's own JSON").tree
}

/// All refusals, one a line.
pub(crate) fn words(refusals: &Refusals) -> String {
    let lines: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
