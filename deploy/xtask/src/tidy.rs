//! The habits of the house, checked in every file.

use std::path::Path;

use crate::workspace::Workspace;

/// Lines of non-test code that a file may have.
const LINES_MAX: usize = 600;

/// Words that must not be left in the tree, each with what to write instead. Split so that this file passes.
const BANNED: &[(&str, &str)] = &[
    (
        concat!("TO", "DO"),
        "finish it, or leave it out and say so in the document a user reads",
    ),
    (concat!("FIX", "ME"), "mend it"),
    (concat!("todo", "!("), "write it"),
    (concat!("unimplemented", "!("), "write it"),
    (concat!("dbg", "!("), "use tracing"),
    (concat!("#[allow(", "dead_code"), "remove the code"),
];

/// One line for every habit broken.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    let files = workspace.files()?;
    for path in &files {
        let extension = path.extension().and_then(|one| one.to_str()).unwrap_or_default();
        if !matches!(extension, "rs" | "md" | "toml" | "proto" | "sh" | "yml" | "yaml") {
            continue;
        }
        let text = workspace.read(path)?;
        findings.extend(check_text(path, &text));
        if extension == "rs" {
            findings.extend(check_rust(path, &text));
        }
        if extension == "md" {
            findings.extend(check_links(workspace, path, &text));
        }
    }
    for required in [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        ".ci/run",
    ] {
        if !files.iter().any(|path| path == Path::new(required)) {
            findings.push(format!("{required}: missing"));
        }
    }
    Ok(findings)
}

fn check_text(path: &Path, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let name = path.display();
    for (number, line) in text.lines().enumerate() {
        let number = number + 1;
        if line.ends_with(' ') || line.ends_with('\t') {
            findings.push(format!("{name}:{number}: white space at the end"));
        }
        for (word, instead) in BANNED {
            if line.contains(word) {
                findings.push(format!("{name}:{number}: `{word}`: {instead}"));
            }
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        findings.push(format!("{name}: no newline at the end"));
    }
    findings
}

fn check_rust(path: &Path, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let name = path.display();
    if !text.starts_with("//! ") {
        findings.push(format!(
            "{name}: open the file with one `//!` sentence that says what it is for"
        ));
    }
    if path.ends_with("src/lib.rs") && !text.contains("must not know") {
        findings.push(format!(
            "{name}: say what this crate must not know, and where to start reading"
        ));
    }
    let is_test = path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs");
    let code = text
        .lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .count();
    if !is_test && code > LINES_MAX {
        findings.push(format!(
            "{name}: {code} lines of code; {LINES_MAX} is the limit, 350 the habit"
        ));
    }
    findings
}

/// Links to files of this tree must lead somewhere.
fn check_links(workspace: &Workspace, path: &Path, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let folder = workspace.root.join(path.parent().unwrap_or(Path::new("")));
    for piece in text.split("](").skip(1) {
        let Some((target, _)) = piece.split_once(')') else {
            continue;
        };
        let target = target.split('#').next().unwrap_or_default();
        if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        if !folder.join(target).exists() {
            findings.push(format!("{}: the link to {target} leads nowhere", path.display()));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_habits_are_named() {
        let long = format!("//! Long.\n{}", "fn f() {}\n".repeat(LINES_MAX + 1));
        for (path, text, expected) in [
            ("a/src/b.rs", "fn f() {}\n", "open the file"),
            ("a/src/lib.rs", "//! Does things.\n", "must not know"),
            ("a/src/b.rs", long.as_str(), "is the limit"),
        ] {
            let findings = check_rust(Path::new(path), text);
            assert!(
                findings.iter().any(|one| one.contains(expected)),
                "{path}: {findings:?}"
            );
        }
        for (text, expected) in [
            ("a \n", "white space"),
            (concat!("// TO", "DO later\n"), "finish it"),
            ("no newline", "no newline"),
        ] {
            let findings = check_text(Path::new("a.rs"), text);
            assert!(
                findings.iter().any(|one| one.contains(expected)),
                "{text:?}: {findings:?}"
            );
        }
    }

    #[test]
    fn tests_may_be_long() {
        let long = format!("//! Long.\n#[cfg(test)]\n{}", "fn f() {}\n".repeat(LINES_MAX + 1));
        assert_eq!(check_rust(Path::new("a/src/b.rs"), &long), Vec::<String>::new());
    }
}
