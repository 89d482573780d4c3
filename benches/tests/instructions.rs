//! Counts the instructions of a put and of a get, so that a change that makes them dearer is seen.
//!
//! The figures stand in `instructions.json`, one set for each profile that was written. `cargo xtask instructions` counts with
//! optimisation, and with `--write` writes the figures anew.

#![expect(clippy::unwrap_used, reason = "this is a test")]
#![expect(clippy::cast_precision_loss, reason = "the counts are small")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A put or a get may need so many times the committed figure; compilers and libraries move it a little.
const TOLERANCE: f64 = 1.25;
/// Below this share of the committed figure the figure should be written anew.
const STALE: f64 = 0.6;
const FEW: u64 = 50;
const MANY: u64 = 250;

type Figures = BTreeMap<String, BTreeMap<String, f64>>;

#[test]
fn a_put_and_a_get_cost_what_they_did() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no valgrind here, so no instructions are counted; `deploy/setup.sh test` installs it");
        return;
    }
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let path = Path::new("instructions.json");
    let mut figures: Figures = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let counted: BTreeMap<String, f64> = ["put", "get"]
        .map(|what| (what.to_owned(), instructions_of_one(what)))
        .into();
    println!("{profile}: {counted:?}");
    if std::env::var_os("KEELSON_WRITE_INSTRUCTIONS").is_some() {
        figures.insert(profile.to_owned(), counted);
        std::fs::write(path, serde_json::to_string_pretty(&figures).unwrap() + "\n").unwrap();
        return;
    }
    let Some(committed) = figures.get(profile) else {
        panic!("there are no figures of the profile {profile}; write them with `cargo xtask instructions --write`");
    };
    for (what, count) in counted {
        let ratio = count / committed[&what];
        assert!(
            ratio <= TOLERANCE,
            "a {what} needs {count} instructions, {ratio:.2} times the committed figure; find out why, or write the \
             figures anew with `cargo xtask instructions --write`"
        );
        if ratio < STALE {
            println!("a {what} needs only {ratio:.2} times the committed figure; write it anew to hold it there");
        }
    }
}

/// The difference between many and few, so that what happens once does not count.
fn instructions_of_one(what: &str) -> f64 {
    let (few, many) = (instructions(what, FEW), instructions(what, MANY));
    ((many - few) as f64 / (MANY - FEW) as f64).round()
}

fn instructions(what: &str, count: u64) -> u64 {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("callgrind");
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program())
        .args([what, &count.to_string()])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let collected = errors.lines().find_map(|line| line.split_once("Collected :"));
    let (_, count) = collected.unwrap_or_else(|| panic!("no count in {errors}"));
    count.trim().parse().unwrap()
}

/// The example of the same name, which is built along with the tests.
fn program() -> PathBuf {
    let bench = Path::new(env!("CARGO_BIN_EXE_keelson-bench"));
    bench.parent().unwrap().join("examples/instructions")
}
