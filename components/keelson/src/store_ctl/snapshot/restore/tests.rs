//! Snapshot files restored, hashed and refused.

use bytes::Bytes;
use clap::Parser;
use prost::Message;
use proto::mvcc::KeyValue;
use store_bolt::etcd::{Lease, Version, measure, write};

use super::super::super::data::Data;
use super::super::super::print::Format;
use super::super::{Command, run as snapshot};
use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

fn line(words: &[&str]) -> Result<String> {
    let line = Line::try_parse_from(std::iter::once(&"snapshot").chain(words));
    snapshot(
        &line.map_err(|error| Error::usage(error.to_string()))?.command,
        Format::Simple,
    )
}

fn put(main: i64, key: &str, value: &str, create: i64) -> Version {
    let kv = KeyValue {
        key: Bytes::copy_from_slice(key.as_bytes()),
        value: Bytes::copy_from_slice(value.as_bytes()),
        create_revision: create,
        mod_revision: main,
        version: main - create + 1,
        lease: 0,
    };
    Version {
        main,
        sub: 0,
        tombstone: false,
        value: kv.encode_to_vec().into(),
    }
}

fn snapshot_file(dir: &Path) -> PathBuf {
    let path = dir.join("snapshot.db");
    let contents = Contents {
        leases: vec![Lease {
            id: 7,
            ttl: 60,
            remaining_ttl: 0,
        }],
        cluster_version: Some("3.6.0".into()),
        auth_revision: 1,
        ..Contents::default()
    };
    let versions = || [put(2, "a", "1", 2), put(3, "a", "2", 2), put(4, "b", "1", 4)].map(Ok);
    let plan = measure(&contents, versions()).unwrap();
    write(fs::File::create(&path).unwrap(), &plan, &contents, versions()).unwrap();
    path
}

#[test]
fn a_restored_folder_holds_the_keys_and_knows_its_cluster() {
    let dir = tempfile::tempdir().unwrap();
    let file = snapshot_file(dir.path()).display().to_string();
    let data = dir.path().join("m1.data");
    let said = line(&[
        "restore",
        &file,
        "--name=m1",
        "--initial-cluster=m1=http://10.0.0.1:2380,m2=http://10.0.0.2:2380",
        "--initial-advertise-peer-urls=http://10.0.0.1:2380",
        &format!("--data-dir={}", data.display()),
    ])
    .unwrap();
    assert!(
        said.contains("revision 1000000004") && said.contains("the other 1 members"),
        "{said}"
    );
    let restored = Data::open(&data, None).unwrap();
    let state = restored.machine.reader().state();
    assert_eq!((state.revision, state.compacted), (1_000_000_004, 1_000_000_004));
    assert_eq!(state.members.len(), 2);
    assert!(state.members.get(restored.identity.member_id).is_some() && state.leases.contains(7));
    assert_eq!(state.members.cluster_id(), restored.identity.cluster_id);
    assert!(!beside(&data).exists());
}

#[test]
fn the_revision_stays_when_asked_to() {
    let dir = tempfile::tempdir().unwrap();
    let file = snapshot_file(dir.path()).display().to_string();
    let data = dir.path().join("data");
    let data = data.display().to_string();
    line(&["restore", &file, "--bump-revision=0", "--data-dir", &data]).unwrap();
    let state = Data::open(Path::new(&data), None).unwrap().machine.reader().state();
    assert_eq!((state.revision, state.compacted), (4, -1));
    let again = line(&["restore", &file, "--data-dir", &data]).unwrap_err().text;
    assert!(again.contains("not empty or could not be read"), "{again}");
    let saved = dir.path().join("saved.db").display().to_string();
    line(&["save", &saved, "--data-dir", &data]).unwrap();
    assert!(
        line(&["save", &saved, "--data-dir", &data])
            .unwrap_err()
            .text
            .contains("exists")
    );
    let hash = |path: &str| crate::store_ctl::hashkv::run(Path::new(path), 0, Format::Simple).unwrap();
    assert_eq!((hash(&file), hash(&file)), (hash(&data), hash(&saved)));
}

#[test]
fn what_does_not_fit_together_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = snapshot_file(dir.path()).display().to_string();
    let data = format!("--data-dir={}", dir.path().join("data").display());
    for (words, expected) in [
        (
            &["restore", &file, &data, "--mark-compacted=false"][..],
            "--mark-compacted required if --bump-revision > 0",
        ),
        (
            &["restore", &file, &data, "--bump-revision=0", "--mark-compacted"],
            "--mark-compacted required if",
        ),
        (
            &["restore", &file, &data, "--name=x", "--initial-cluster=y=http://h:1"],
            "couldn't find local name \"x\"",
        ),
        (
            &["restore", &file, &data, "--initial-cluster=default=http://h:1"],
            "--initial-cluster has default=http://h:1 but --initial-advertise-peer-urls is http://localhost:2380",
        ),
        (&["restore", "/nowhere.db", &data], "cannot open /nowhere.db: "),
        (
            &["restore", &file, &data, "--initial-advertise-peer-urls=h:1"],
            "invalid value \"h:1\" for",
        ),
    ] {
        let text = line(words).unwrap_err().text;
        assert!(text.starts_with(expected), "{text}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_damaged_file_is_refused_unless_told_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    let path = snapshot_file(dir.path());
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let file = path.display().to_string();
    let data = format!("--data-dir={}", dir.path().join("data").display());
    let text = line(&["restore", &file, &data]).unwrap_err().text;
    assert!(
        text.contains("is not usable: snapshot hash mismatch") && text.contains("--skip-hash-check"),
        "{text}"
    );
    assert!(line(&["status", &file]).is_err());
    fs::write(&path, &bytes[..bytes.len() - 32]).unwrap();
    let text = line(&["restore", &file, &data]).unwrap_err().text;
    assert!(text.contains("snapshot missing hash"), "{text}");
    let status = line(&["status", &file]).unwrap();
    assert!(status.contains(", 4, ") && status.contains(" kB, "), "{status}");
    line(&["restore", &file, &data, "--skip-hash-check"]).unwrap();
}
