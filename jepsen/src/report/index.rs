//! One page over many runs, newest first.

use std::path::Path;

use anyhow::Context;
use serde_json::Value;

use super::html::{cut, escape};
use crate::run::Folder;

const STYLE: &str = include_str!("timeline.css");
/// The page.
const FILE: &str = "index.html";
/// Runs of one page.
const RUNS: usize = 500;
/// Letters of a reason.
const LETTERS: usize = 300;

/// Writes the page over all runs in a folder.
///
/// # Errors
/// The folder cannot be read or written. A run without a verdict, or with one that cannot be read, is left out.
pub(crate) fn write_index(out: &Path) -> anyhow::Result<()> {
    let entries = std::fs::read_dir(out).with_context(|| format!("{}", out.display()))?;
    let mut names: Vec<String> = Vec::new();
    for entry in entries {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    // Names begin with the time of the run.
    names.sort_unstable_by(|one, other| other.cmp(one));
    let rows: Vec<String> = names.iter().filter_map(|name| row(out, name)).take(RUNS).collect();
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Runs</title>\n<style>\n{STYLE}\
         </style>\n</head>\n<body>\n<h1>Runs</h1>\n<table>\n<tr><th>run</th><th>verdict</th><th>workload</th>\
         <th>faults</th><th>store</th><th>answered</th><th>unknown</th><th>why</th></tr>\n{}</table>\n</body>\n</html>\n",
        rows.concat()
    );
    let path = out.join(FILE);
    std::fs::write(&path, page).with_context(|| format!("{}", path.display()))
}

/// The row of one run.
fn row(out: &Path, name: &str) -> Option<String> {
    let text = std::fs::read(Folder::of(&out.join(name)).verdict()).ok()?;
    let verdict: Value = serde_json::from_slice(&text).ok()?;
    let outcome = verdict["outcome"].as_str()?;
    let facts = &verdict["facts"];
    let said = |value: &Value| escape(value.as_str().unwrap_or_default());
    let count = |what: &str| verdict["calls"]["all"][what].as_u64().unwrap_or(0);
    let reason = verdict["reasons"][0].as_str().unwrap_or_default();
    let name = escape(name);
    Some(format!(
        "<tr><td><a href=\"{name}/timeline.html\">{name}</a></td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
         <td>{}</td><td>{}</td></tr>\n",
        escape(outcome),
        said(&facts["workload"]),
        said(&facts["nemesis"]),
        said(&facts["product"]),
        count("ok"),
        count("unknown"),
        escape(&cut(reason, LETTERS)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_listed_newest_first_and_nothing_is_markup() {
        let out = tempfile::tempdir().unwrap();
        for (name, workload) in [("2025-a", "set"), ("2026-b", "<b>"), ("2027-broken", "")] {
            let folder = out.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            let verdict = if workload.is_empty() {
                "{".to_owned()
            } else {
                format!(
                    r#"{{"outcome":"valid","reasons":[],"calls":{{"all":{{"ok":7,"unknown":1}}}},"facts":{{"workload":"{workload}"}}}}"#
                )
            };
            std::fs::write(folder.join("verdict.json"), verdict).unwrap();
        }
        write_index(out.path()).unwrap();
        let page = std::fs::read_to_string(out.path().join(FILE)).unwrap();
        let (first, second) = (page.find("2026-b").unwrap(), page.find("2025-a").unwrap());
        assert!(first < second && !page.contains("2027"), "{page}");
        assert!(page.contains("&lt;b&gt;") && !page.contains("<b>"), "{page}");
        assert!(page.contains("<td>7</td><td>1</td>"), "{page}");
        assert!(write_index(&out.path().join("nowhere")).is_err());
    }
}
