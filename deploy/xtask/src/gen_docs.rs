//! The generated parts of documents: the table of crates in ARCHITECTURE.md.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;

use crate::layers::LAYERS;
use crate::workspace::Workspace;

const OPEN: &str = "<!-- generated: crates -->";
const CLOSE: &str = "<!-- end -->";

/// Writes the generated parts, or with `check` names those that are out of date.
pub(crate) fn run(workspace: &Workspace, check: bool) -> anyhow::Result<Vec<String>> {
    let path = Path::new("ARCHITECTURE.md");
    let text = workspace.read(path)?;
    let wanted = replace(&text, &table(workspace)).context("ARCHITECTURE.md has no generated part")?;
    if text == wanted {
        return Ok(Vec::new());
    }
    if check {
        return Ok(vec!["ARCHITECTURE.md: the table of crates is out of date".into()]);
    }
    std::fs::write(workspace.root.join(path), wanted).context("cannot write ARCHITECTURE.md")?;
    Ok(Vec::new())
}

/// The text with everything between the marks replaced.
fn replace(text: &str, part: &str) -> Option<String> {
    let (before, rest) = text.split_once(OPEN)?;
    let (_, after) = rest.split_once(CLOSE)?;
    Some(format!("{before}{OPEN}\n{part}{CLOSE}{after}"))
}

/// Crates, highest layer first, each with its folder and its one sentence.
fn table(workspace: &Workspace) -> String {
    let mut table = String::from("| layer | crate | folder | what it is |\n| --- | --- | --- | --- |\n");
    for (layer, names) in LAYERS.iter().rev() {
        for name in *names {
            if let Some(one) = workspace.crates.get(*name) {
                // Writing to a String cannot fail.
                let _ = writeln!(table, "| {layer} | `{name}` | {} | {} |", one.folder, one.description);
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_marked_part_changes() {
        let text = format!("before\n{OPEN}\nold\n{CLOSE}\nafter\n");
        assert_eq!(
            replace(&text, "new\n"),
            Some(format!("before\n{OPEN}\nnew\n{CLOSE}\nafter\n"))
        );
        assert_eq!(replace("no marks", "new"), None);
    }
}
