//! A disk that reports an error when it is asked to make data durable.
//!
//! After such an error nobody knows what is on the disk: the system may drop what it could not write and call the next
//! attempt a success. So a member does not try again: it ends, and starts from what is really there. The error comes from
//! a small library that is loaded before the C library and stands in for its `fsync` and `fdatasync`.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use base::task::Tasks;
use store_client::{Client, Options, Put};

use crate::crashes::hashes_agree;
use crate::harness::{Cluster, Kind, Setup, exists, run, skip, until_async};
use crate::load::{Load, check_nothing_lost};

/// Fails for descriptors whose path contains the text in the file `BREAK_SYNC`, and notes each failure beside it.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int broken(int fd) {
    char part[256], name[64], path[4096], note[4096];
    const char *order = getenv("BREAK_SYNC");
    int file = order ? open(order, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return 0;
    ssize_t got = read(file, part, sizeof part - 1);
    close(file);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(name, path, sizeof path - 1);
    if (got <= 0 || length <= 0) return 0;
    part[got] = path[length] = 0;
    if (!strstr(path, part)) return 0;
    snprintf(note, sizeof note, "%s.failed", order);
    file = open(note, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file >= 0 && write(file, ".", 1) == 1) close(file);
    errno = EIO;
    return 1;
}

int fsync(int fd) { return broken(fd) ? -1 : (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return broken(fd) ? -1 : (int)syscall(SYS_fdatasync, fd); }
"#;

/// The file whose text says which syncs fail.
struct Order(PathBuf);

impl Order {
    /// Syncs of files whose path contains this fail from now on.
    fn fail(&self, part: &str) {
        // At once, not in two steps: a half-written text would mean other files.
        let new = self.0.with_extension("new");
        std::fs::write(&new, part).unwrap();
        std::fs::rename(&new, &self.0).unwrap();
    }

    fn heal(&self) {
        std::fs::remove_file(&self.0).unwrap();
    }

    fn failures(&self) -> u64 {
        let note = format!("{}.failed", self.0.display());
        std::fs::metadata(note).map_or(0, |metadata| metadata.len())
    }
}

fn compile(folder: &Path) -> PathBuf {
    let (source, library) = (folder.join("shim.c"), folder.join("shim.so"));
    std::fs::write(&source, SHIM).unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source);
    let compiled = run(&mut cc);
    assert_eq!(compiled.code, Some(0), "{compiled:?}");
    library
}

/// A cluster whose members' disks can be broken, each by its own order.
fn start(members: usize) -> (Cluster, Vec<Order>) {
    let mut cluster = Cluster::prepare(Kind::Keelson, Setup::of(members));
    let library = compile(cluster.folder());
    let folder = cluster.folder().to_owned();
    let mut orders = Vec::new();
    for member in &mut cluster.members {
        let order = folder.join(format!("break-{}", member.name));
        let before = [
            format!("LD_PRELOAD={}", library.display()),
            format!("BREAK_SYNC={}", order.display()),
            member.program.display().to_string(),
        ];
        member.arguments.splice(0..0, before);
        member.program = PathBuf::from("/usr/bin/env");
        orders.push(Order(order));
    }
    cluster.members.iter_mut().for_each(crate::harness::Member::start);
    cluster
        .members
        .iter_mut()
        .for_each(crate::harness::Member::wait_healthy);
    (cluster, orders)
}

/// A client of one member that gives up soon.
fn impatient(cluster: &Cluster, member: usize) -> Client {
    let options = Options {
        retry_for: Duration::from_millis(100),
        ..Options::new([&*cluster.members[member].client_url])
    };
    Client::new(options, &Tasks::new()).unwrap()
}

/// Writes until the member does not answer any more; answers how many it has acknowledged.
async fn write_to_the_end(client: &Client, prefix: &str, value: &[u8]) -> usize {
    for n in 0..1000 {
        let put = client.put(Put::new(format!("{prefix}{n:03}"), value.to_vec()));
        let answer = tokio::time::timeout(Duration::from_secs(20), put).await;
        if answer.expect("a write is answered or refused").is_err() {
            return n;
        }
    }
    panic!("writes go on as if the disk were well");
}

const ABORTED: i32 = 6;

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_synced_ends_the_member_at_once() {
    if !exists("cc") {
        return skip("no C compiler");
    }
    let (mut cluster, orders) = start(1);
    let client = impatient(&cluster, 0);
    client.put(Put::new("before", "")).await.unwrap();
    orders[0].fail("/member/log/");
    let acknowledged = write_to_the_end(&client, "late", b"v").await;
    assert_eq!(acknowledged, 0, "nothing is acknowledged that is not on the disk");
    let ended = cluster.members[0].wait_ended();
    assert_eq!(ended.signal(), Some(ABORTED), "{ended:?}");
    assert_eq!(orders[0].failures(), 1, "a failed sync is not tried again");
    let log = cluster.members[0].log();
    assert!(log.contains("the member cannot go on; aborting"), "{log}");
    assert!(
        log.contains("the log failed") && log.contains("Input/output error"),
        "{log}"
    );
    assert!(!log.contains("panicked"), "{log}");

    // While the disk is ill, a start fails in words, too.
    let again = cluster.members[0].run_to_end();
    assert!(!again.timed_out && again.code != Some(0), "{again:?}");
    assert!(
        !format!("{}{}", again.stdout, again.stderr).contains("panicked"),
        "{again:?}"
    );

    orders[0].heal();
    cluster.members[0].start();
    cluster.members[0].wait_healthy();
    let client = cluster.client();
    assert!(client.get_key("before").await.unwrap().is_some());
    client.put(Put::new("after", "")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_goes_on_without_the_member_whose_disk_fails() {
    if !exists("cc") {
        return skip("no C compiler");
    }
    let (mut cluster, orders) = start(3);
    let load = Load::start(&cluster, 4);
    load.progress(100).await;
    for _ in 0..2 {
        let leader = cluster.leader().await;
        orders[leader].fail("/member/log/");
        let ended = cluster.members[leader].wait_ended();
        assert_eq!(ended.signal(), Some(ABORTED), "{ended:?}");
        load.progress(100).await;
        orders[leader].heal();
        cluster.members[leader].start();
        cluster.members[leader].wait_healthy();
        assert_eq!(orders[leader].failures(), 1, "a failed sync is not tried again");
        std::fs::remove_file(format!("{}.failed", orders[leader].0.display())).unwrap();
    }
    check_nothing_lost(&cluster.client(), &load.stop().await).await;
    hashes_agree(&cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_synced_ends_the_member_and_loses_nothing() {
    if !exists("cc") {
        return skip("no C compiler");
    }
    let (mut cluster, orders) = start(1);
    let client = impatient(&cluster, 0);
    client.put(Put::new("before", "")).await.unwrap();
    orders[0].fail("/member/db/");
    // The database writes its tables when a buffer is full, and none is lost: they are in the log.
    let big = vec![b'x'; 1 << 20];
    let acknowledged = write_to_the_end(&client, "big", &big).await;
    let ended = cluster.members[0].wait_ended();
    assert_eq!(ended.signal(), Some(ABORTED), "{ended:?}");
    assert!(orders[0].failures() > 0);
    let log = cluster.members[0].log();
    assert!(log.contains("the member cannot go on; aborting"), "{log}");
    assert!(log.contains("Input/output error") && !log.contains("panicked"), "{log}");

    orders[0].heal();
    cluster.members[0].start();
    cluster.members[0].wait_healthy();
    let client = cluster.client();
    assert!(client.get_key("before").await.unwrap().is_some());
    for n in 0..acknowledged {
        let kv = client.get_key(format!("big{n:03}")).await.unwrap();
        assert_eq!(
            kv.map(|kv| kv.value.len()),
            Some(big.len()),
            "write {n} of {acknowledged}"
        );
    }
    until_async("it takes writes", || async {
        client.put(Put::new("after", "")).await.ok()
    })
    .await;
}
