//! `store-ctl` on the folder of a stopped member looks and touches nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use store_client::Put;

use crate::harness::{Cluster, Kind, Output, Setup, run};

/// Every file and folder below, with its time of change and contents.
fn contents(path: &Path) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        let changed = path.metadata().unwrap().modified().unwrap();
        if path.is_dir() {
            all.extend(contents(&path));
            all.insert(path, (changed, Vec::new()));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            all.insert(path, (changed, bytes));
        }
    }
    all
}

fn store_ctl(args: &[&str]) -> Output {
    run(Command::new(env!("CARGO_BIN_EXE_keelson")).arg("store-ctl").args(args))
}

/// Leaves at the end of the log what a crash leaves of a write: bytes that are no record.
fn tear(member: &Path) -> PathBuf {
    let mut segments: Vec<PathBuf> = std::fs::read_dir(member.join("log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "log"))
        .collect();
    segments.sort();
    let last = segments.pop().unwrap();
    let mut bytes = std::fs::read(&last).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let end = end.next_multiple_of(8);
    bytes[end..end + 20].fill(7);
    std::fs::write(&last, bytes).unwrap();
    last
}

#[tokio::test]
async fn a_look_at_a_folder_changes_nothing_in_it() {
    let mut cluster = Cluster::start(Kind::Keelson, Setup::of(1));
    let client = cluster.client();
    for n in 0..50 {
        client.put(Put::new(format!("k{n}"), "v")).await.unwrap();
    }
    let data = cluster.members[0].data.clone();
    let folder = data.display().to_string();
    let busy = store_ctl(&["check", &folder]);
    assert_eq!(busy.code, Some(1));
    assert!(busy.stderr.contains("stop the member first"), "{}", busy.stderr);

    // One end that flushes, so that the database has something to hash, and one like a power cut.
    assert!(cluster.members[0].terminate().success());
    cluster.members[0].start();
    cluster.members[0].wait_healthy();
    cluster.client().put(Put::new("last", "v")).await.unwrap();
    cluster.members[0].kill();
    let segment = tear(&data.join("member"));
    let name = segment.file_name().unwrap().to_str().unwrap().to_owned();
    let before = contents(&data);

    let checked = store_ctl(&["check", &folder]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    assert!(checked.stdout.contains("torn     20 bytes at "), "{}", checked.stdout);
    assert!(checked.stdout.contains(&name), "{}", checked.stdout);
    let hash = store_ctl(&["hashkv", &folder, "-w", "json"]);
    assert!(hash.stdout.contains("\"hashRevision\":"), "{hash:?}");
    let file = cluster.folder().join("saved.db").display().to_string();
    let saved = store_ctl(&["snapshot", "save", &file, "--data-dir", &folder]);
    assert_eq!(saved.code, Some(0), "{}", saved.stderr);
    assert!(contents(&data) == before, "a file was changed, made or removed");

    cluster.members[0].start();
    cluster.members[0].wait_healthy();
    assert!(cluster.client().get_key("last").await.unwrap().is_some());
    assert!(cluster.members[0].terminate().success());
    let checked = store_ctl(&["check", &folder]);
    assert!(!checked.stdout.contains("torn"), "{}", checked.stdout);
}
