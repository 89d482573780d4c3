//! Sessions of kubectl as text files, which say what each version of it must print.
//!
//! A file is a list of commands, each followed by what it printed when it was recorded:
//!
//! - `$ WORDS`: a command; words may be quoted as in a shell, and `NAME=value` words in front are its environment
//! - `< LINE`: its standard input, or the content of the file that `write` writes
//! - `| LINE`, `! LINE`, `= CODE`: its standard output, its standard error, and how it ended if not with 0
//! - `[1.27 1.28]`: these versions printed what follows; without such lines all printed the same
//! - anything else is for the reader
//!
//! The commands are `kubectl`, `write FILE`, `cat FILE`, `start WORDS` and `stop`. `@` lines are about the command below them:
//!
//! - `@save NAME`: what it prints gets a name; `$NAME` puts it into commands, and it is shown as `<NAME>`
//! - `@until N`: of `start`, go on once it has printed N lines; of `stop`, stop what was started once it has printed N
//! - `@watches RESOURCE`: of `start`, go on once the apiserver serves it a watch of these
//! - `@sort`: the order of lines is left to chance
//!
//! `KEELSON_RECORD=1` writes what was printed into the file instead of comparing with it.

mod normal;
mod parse;
mod play;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::apiserver::pair::Pair;
use parse::{Item, Script};

/// All that a transcript tells apart, oldest first.
pub(crate) const MINORS: &[u32] = &[27, 28, 29, 30, 31, 32, 33, 37];

/// Plays transcripts by one version of kubectl on one apiserver, and fails if anything was printed that is not on record.
pub(crate) fn check(pair: &Pair, minor: u32, kubectl: &Path, names: &[&str]) {
    let record = std::env::var_os("KEELSON_RECORD").is_some();
    let mut wrong = String::new();
    for name in names {
        let script = Script::parse(&fs::read_to_string(file(name)).unwrap());
        let printed = play::play(pair, kubectl, name, &script);
        if record {
            keep(name, minor, &printed);
        } else {
            compare(name, minor, &script, &printed, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "kubectl 1.{minor} prints something else:\n{wrong}");
}

fn file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/apiserver/transcripts");
    folder.join(name).with_extension("txt")
}

/// Tells what differs.
fn compare(name: &str, minor: u32, script: &Script, printed: &[String], wrong: &mut String) {
    for (step, printed) in script.steps().zip(printed) {
        match step.printed_by(minor) {
            Some(expected) if expected == printed => {}
            Some(expected) => {
                let _ = writeln!(wrong, "== {name}.txt, line {}: $ {}", step.line, step.command);
                wrong.push_str(&marked(expected, printed));
            }
            None => {
                let _ = writeln!(
                    wrong,
                    "== {name}.txt, line {}: $ {}\nnot recorded for 1.{minor} (KEELSON_RECORD=1 does it):\n{printed}",
                    step.line, step.command
                );
            }
        }
    }
}

/// Both, with a mark at what only one of them has.
fn marked(expected: &str, printed: &str) -> String {
    let mut text = String::new();
    for (mark, these, those) in [('-', expected, printed), ('+', printed, expected)] {
        for line in these.lines().filter(|line| !those.lines().any(|other| other == *line)) {
            let _ = writeln!(text, "{mark} {line}");
        }
    }
    if text.is_empty() {
        text = format!("the same lines in another order or number:\n{expected}-- but\n{printed}");
    }
    text
}

/// Writes what was printed into the file; tests for other versions may do so at the same time.
fn keep(name: &str, minor: u32, printed: &[String]) {
    let path = file(name);
    let guard = File::open(&path).unwrap();
    guard.lock().unwrap();
    let mut script = Script::parse(&fs::read_to_string(&path).unwrap());
    let steps = script.items.iter_mut().filter_map(|item| match item {
        Item::Step(step) => Some(step),
        Item::Text(_) => None,
    });
    for (step, printed) in steps.zip(printed) {
        let recorded = MINORS
            .iter()
            .filter_map(|minor| Some((*minor, step.printed_by(*minor)?.to_owned())));
        let mut all: BTreeMap<u32, String> = recorded.collect();
        all.insert(minor, printed.clone());
        step.set(&all);
    }
    fs::write(&path, script.to_string()).unwrap();
}
