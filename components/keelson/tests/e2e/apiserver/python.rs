//! The client of Python, as its manual shows it.

use std::process::Command;
use std::time::Duration;

use crate::apiserver::clients::fetched;
use crate::apiserver::pair::Pair;
use crate::harness::{Kind, run_for, skip, tools};

/// Runs a program with the kubeconfig of an admin; it must end well and say so.
fn play(kind: Kind, program: &str) {
    let folder = match fetched("python") {
        Ok(folder) => folder,
        Err(why) => return skip(&why),
    };
    let pair = Pair::start_on(kind);
    let config = pair.folder().join("config");
    pair.kubeconfig(&config, "default");
    let mut command = Command::new(folder.join("bin/python"));
    command.args(["-c", program]).env("KUBECONFIG", config);
    // Loading all its types takes seconds on a machine under load.
    let output = run_for(&mut command, Duration::from_secs(100));
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "ok\n"),
        "{}",
        output.stderr
    );
}

#[test]
fn python_makes_changes_patches_and_deletes_objects() {
    play(Kind::Keelson, include_str!("python/objects.py"));
}

#[test]
fn python_watches() {
    play(Kind::Keelson, include_str!("python/watches.py"));
}

#[test]
fn python_applies_and_finds_kinds_by_discovery() {
    play(Kind::Keelson, include_str!("python/dynamic.py"));
}

#[test]
fn python_does_the_same_on_etcd() {
    if let Err(why) = tools() {
        return skip(why);
    }
    play(Kind::Etcd, include_str!("python/objects.py"));
}
