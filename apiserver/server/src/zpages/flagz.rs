//! `/flagz`: every flag and its value.

use std::collections::BTreeMap;
use std::fmt::Write;

use apiserver_api::tree::Tree;

use super::heading;

/// What the page shows.
pub(super) struct Flagz {
    flags: BTreeMap<String, String>,
    /// Flags do not change, so it is written once.
    text: String,
}

impl Flagz {
    pub(super) fn new(flags: BTreeMap<String, String>, delimiter: &str) -> Self {
        let mut text = heading("flagz");
        for (name, value) in &flags {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{name}{delimiter}{value}");
        }
        Self { flags, text }
    }

    /// As text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// As an object.
    pub(super) fn fill(&self, tree: &mut Tree) {
        if self.flags.is_empty() {
            return;
        }
        let mut flags = Tree::map();
        for (name, value) in &self.flags {
            flags.set(name, value.as_str());
        }
        tree.set("flags", flags);
    }
}
