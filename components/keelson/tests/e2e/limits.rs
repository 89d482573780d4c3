//! Full disks, torn logs, quotas, and ten thousand watches.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use proto::fault::Fault;
use store_client::{Client, Put};

use crate::harness::{Cluster, Kind, Setup, run, skip, until_async};
use crate::load::{Load, check_nothing_lost};

/// A small file system in memory, gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn new(at: &Path, size: &str) -> Result<Self, String> {
        std::fs::create_dir_all(at).unwrap();
        let mounted = run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(at));
        if mounted.code == Some(0) {
            Ok(Self(at.to_owned()))
        } else {
            Err(mounted.stderr)
        }
    }

    fn resize(&self, size: &str) {
        let resized = run(Command::new("mount")
            .args(["-o", &format!("remount,size={size}")])
            .arg(&self.0));
        assert_eq!(resized.code, Some(0), "{resized:?}");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        run(Command::new("umount").arg("-l").arg(&self.0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing_and_heals() {
    let folder = tempfile::tempdir().unwrap();
    let disk = match SmallDisk::new(&folder.path().join("disk"), "256m") {
        Ok(disk) => disk,
        Err(why) => return skip(&format!("no tmpfs can be mounted here: {why}")),
    };
    let setup = Setup {
        data: Some(disk.0.clone()),
        ..Setup::of(1)
    };
    let mut cluster = Cluster::start(Kind::Keelson, setup);
    let client = Client::new(
        store_client::Options {
            retry_for: Duration::from_secs(1),
            ..store_client::Options::new(cluster.endpoints())
        },
        &base::task::Tasks::new(),
    )
    .unwrap();
    let load = Load::start(&cluster, 2);
    load.progress(50).await;
    // What is left is taken by somebody else.
    let ballast = disk.0.join("ballast");
    run(Command::new("dd").args(["if=/dev/zero", "bs=64k", &format!("of={}", ballast.display())]));
    let big = vec![b'x'; 256 * 1024];
    let refused = until_async("a write is refused", || async {
        let put = client.put(Put::new("big", big.clone()));
        match tokio::time::timeout(Duration::from_secs(5), put).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("no answer".to_owned()),
        }
    })
    .await;
    let acknowledged = load.stop().await;
    eprintln!("on a full disk: {refused}");
    disk.resize("512m");
    if cluster.members[0].is_running() {
        cluster.members[0].kill();
    } else {
        cluster.members[0].process = None;
        let log = cluster.members[0].log();
        assert!(!log.contains("panicked"), "it must end in words: {log}");
    }
    cluster.members[0].start();
    cluster.members[0].wait_healthy();
    let client = cluster.client();
    check_nothing_lost(&client, &acknowledged).await;
    client.put(Put::new("after", "")).await.unwrap();
}

/// The file of the log that was written last, and the end of what is written in it.
fn end_of_log(data: &Path) -> (PathBuf, u64) {
    let mut files: Vec<PathBuf> = std::fs::read_dir(data.join("member/log"))
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    files.retain(|path| std::fs::metadata(path).unwrap().len() > 0);
    files.sort();
    // Space may be set aside before it is written.
    let written = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map(|at| (path.clone(), at as u64 + 1))
    };
    files.iter().rev().find_map(written).expect("a log is written")
}

fn overwrite(file: &Path, at: u64, bytes: &[u8]) {
    use std::os::unix::fs::FileExt;
    std::fs::OpenOptions::new()
        .write(true)
        .open(file)
        .unwrap()
        .write_all_at(bytes, at)
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_log_is_cut_where_it_was_torn() {
    let mut cluster = Cluster::start(Kind::Keelson, Setup::of(1));
    let load = Load::start(&cluster, 2);
    load.progress(200).await;
    cluster.members[0].kill();
    let acknowledged = load.stop().await;
    // A power cut in the middle of a write leaves part of it, or anything.
    let (file, end) = end_of_log(&cluster.members[0].data);
    overwrite(&file, end, &[0xa5; 100]);
    cluster.members[0].start();
    cluster.members[0].wait_healthy();
    let client = cluster.client();
    check_nothing_lost(&client, &acknowledged).await;
    client.put(Put::new("after", "")).await.unwrap();
    cluster.restart(0);
    cluster.members[0].wait_healthy();
    assert!(client.get_key("after").await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_damaged_inside_is_not_taken() {
    let mut cluster = Cluster::start(Kind::Keelson, Setup::of(1));
    let load = Load::start(&cluster, 2);
    load.progress(400).await;
    cluster.members[0].kill();
    load.stop().await;
    // Acknowledged records follow the damage: to cut there would lose them without a word.
    let (file, end) = end_of_log(&cluster.members[0].data);
    overwrite(&file, end / 2, &[0xa5; 4]);
    let start = cluster.members[0].run_to_end();
    assert!(!start.timed_out, "it starts as if nothing had been");
    assert_ne!(start.code, Some(0));
    let said = format!("{}{}", start.stdout, start.stderr);
    assert!(!said.contains("panicked"), "{said}");
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(said.contains(name), "{name} is not in: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_raises_an_alarm_that_can_be_lifted() {
    let cluster = Cluster::start(Kind::Keelson, Setup::of(1).flag("--quota-backend-bytes=4000000"));
    let client = cluster.client();
    let big = vec![b'x'; 200 * 1024];
    let mut written = 0;
    let refused = loop {
        match client.put(Put::new(format!("big/{written}"), big.clone())).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 100, "no quota");
    };
    assert_eq!(refused.fault(), Some(Fault::NoSpace));
    // It is raised through the log, a moment after the refusal.
    let alarms = until_async("the alarm is raised", || async {
        let alarms = client.alarms().await.unwrap();
        (!alarms.is_empty()).then_some(alarms)
    })
    .await;
    assert_eq!(
        client.put(Put::new("small", "")).await.unwrap_err().fault(),
        Some(Fault::NoSpace)
    );
    // The way out that etcd's manual describes.
    let revision = client
        .delete(store_client::Delete::prefix("big/"))
        .await
        .unwrap()
        .revision;
    client.compact(revision, true).await.unwrap();
    client.defragment().await.unwrap();
    client
        .disarm(alarms[0].member_id, proto::etcd::AlarmType::Nospace)
        .await
        .unwrap();
    client.put(Put::new("small", "")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_idle_watches_cost_little() {
    const WATCHES: usize = 10_000;
    let cluster = Cluster::start(Kind::Keelson, Setup::of(1));
    let client = cluster.client();
    let before = resident_kib(&cluster);
    let began = Instant::now();
    let mut watchers = Vec::with_capacity(WATCHES);
    for chunk in 0..WATCHES / 500 {
        let started = (0..500).map(|n| client.watch(format!("idle/{}", chunk * 500 + n)));
        watchers.extend(join_all(started).await.into_iter().map(Result::unwrap));
    }
    let (made, grown) = (began.elapsed(), resident_kib(&cluster).saturating_sub(before));
    eprintln!("{WATCHES} watches in {made:?}, {grown} KiB more");
    assert!(grown < 100 * 1024, "{grown} KiB for {WATCHES} idle watches");
    // Writes that concern none of them are taken, and one that does finds its watch.
    let began = Instant::now();
    for n in 0..200 {
        client.put(Put::new(format!("busy/{n}"), "")).await.unwrap();
    }
    eprintln!("200 writes beside them in {:?}", began.elapsed());
    let put = client.put(Put::new("idle/7777", "")).await.unwrap();
    let update = tokio::time::timeout(Duration::from_secs(10), watchers[7777].next())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(update.revision, put.revision);
}

fn resident_kib(cluster: &Cluster) -> u64 {
    let id = cluster.members[0].process.as_ref().unwrap().id();
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
