//! A seed gives the same run each time, and a number of them pass.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::process::Command;

fn sim(args: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_keelson-sim"))
        .args(args)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

#[test]
fn a_seed_gives_the_same_trace_twice() {
    let dir = tempfile::tempdir().unwrap();
    let mut traces = Vec::new();
    for turn in ["one", "two"] {
        let (trace, history) = (dir.path().join(turn), dir.path().join(format!("{turn}.jsonl")));
        let (passed, text) = sim(&[
            "one",
            "1",
            "--trace",
            trace.to_str().unwrap(),
            "--history",
            history.to_str().unwrap(),
        ]);
        assert!(passed, "{text}");
        traces.push((std::fs::read_to_string(trace).unwrap(), std::fs::read(history).unwrap()));
    }
    assert!(traces[0].0.lines().count() > 50);
    assert!(traces[0] == traces[1], "the same seed went two ways");
}

/// `make test` runs 2,000, and some of them twice, with the profile that is made for it.
#[test]
fn some_seeds_pass_and_go_the_same_way_twice() {
    let (passed, text) = sim(&["many", "--first", "100", "--count", "2", "--keep-going", "--twice"]);
    assert!(passed, "{text}");
}
