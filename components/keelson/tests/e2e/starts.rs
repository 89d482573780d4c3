//! Starts that must fail, and say in one line why.

use std::path::Path;

use crate::harness::{Cluster, Kind, Output, Setup};

/// The last line of what a start said, which must be all that a user needs.
fn refusal(output: &Output) -> String {
    assert!(
        matches!(output.code, Some(code) if code != 0),
        "it must not start: {output:?}"
    );
    let all = format!("{}{}", output.stdout, output.stderr);
    assert!(!all.contains("panicked"), "{all}");
    all.lines().last().unwrap_or_default().to_owned()
}

fn assert_says(output: &Output, words: &[&str]) {
    let line = refusal(output);
    for word in words {
        assert!(line.contains(word), "{word:?} is not in: {line}");
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let cluster = Cluster::prepare(Kind::Keelson, Setup::of(1));
    let member = &cluster.members[0];
    for port in [member.client_port, member.peer_port] {
        let taken = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        assert_says(&member.run_to_end(), &[&port.to_string()]);
        drop(taken);
    }
}

#[test]
fn a_data_folder_is_used_by_one_process() {
    let cluster = Cluster::start(Kind::Keelson, Setup::of(1));
    let mut second = Cluster::prepare(Kind::Keelson, Setup::of(1));
    let data = cluster.members[0].data.display().to_string();
    second.members[0].arguments.push(format!("--data-dir={data}"));
    assert_says(&second.members[0].run_to_end(), &[&data]);
}

#[test]
fn a_data_folder_that_is_none_is_named() {
    let mut cluster = Cluster::prepare(Kind::Keelson, Setup::of(1));
    let file = cluster.folder().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let data = file.display().to_string();
    cluster.members[0].arguments.push(format!("--data-dir={data}"));
    assert_says(&cluster.members[0].run_to_end(), &[&data]);
}

#[test]
fn the_data_of_etcd_is_not_taken_for_ours() {
    let mut cluster = Cluster::prepare(Kind::Keelson, Setup::of(1));
    let data = cluster.folder().join("etcd");
    // As etcd lays it out: its log and its database.
    std::fs::create_dir_all(data.join("member/wal")).unwrap();
    std::fs::create_dir_all(data.join("member/snap")).unwrap();
    std::fs::write(data.join("member/snap/db"), [0; 4096]).unwrap();
    std::fs::write(data.join("member/wal/0000000000000000-0000000000000000.wal"), [0; 4096]).unwrap();
    let data = data.display().to_string();
    cluster.members[0].arguments.push(format!("--data-dir={data}"));
    assert_says(&cluster.members[0].run_to_end(), &[&data, "etcd"]);
    assert!(Path::new(&data).join("member/snap/db").exists(), "and left as it is");
}

#[test]
fn the_data_of_another_member_are_not_taken() {
    let mut first = Cluster::start(Kind::Keelson, Setup::of(1));
    first.members[0].kill();
    let mut other = Cluster::prepare(Kind::Keelson, Setup::of(1));
    let data = first.members[0].data.display().to_string();
    other.members[0].arguments.push(format!("--data-dir={data}"));
    // As etcd, a member knows itself by what is on its disk, whatever the flags for a first start say: it goes on as
    // the member it was, or refuses. It must not begin anew in the same folder.
    let member = &mut other.members[0];
    member.start();
    crate::harness::until("it refuses, or goes on as the member it was", || {
        (!member.is_running() || member.is_healthy()).then_some(())
    });
}

#[test]
fn flags_that_do_not_fit_are_named() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["--no-such-flag=1"], &["no-such-flag"]),
        (&["--heartbeat-interval=abc"], &["heartbeat-interval", "abc"]),
        (&["--election-timeout=100"], &["election"]),
        (&["--initial-cluster=other=http://127.0.0.1:1"], &["initial-cluster"]),
        (&["--listen-client-urls=nonsense"], &["listen-client-urls", "nonsense"]),
        (&["--auth-token=nonsense"], &["auth-token"]),
        (
            &[
                "--cert-file=/nowhere/cert",
                "--key-file=/nowhere/key",
                "--listen-client-urls=https://127.0.0.1:0",
            ],
            &["/nowhere/"],
        ),
        (&["--auto-compaction-mode=nonsense"], &["auto-compaction-mode"]),
        (&["--quota-backend-bytes=many"], &["quota-backend-bytes"]),
        (&["--log-level=loud"], &["log level", "loud"]),
        (&["--config-file=/nowhere/config"], &["/nowhere/config"]),
    ];
    for (flags, words) in cases {
        let mut cluster = Cluster::prepare(Kind::Keelson, Setup::of(1));
        cluster.members[0]
            .arguments
            .extend(flags.iter().map(|flag| (*flag).to_owned()));
        let output = cluster.members[0].run_to_end();
        assert!(!output.timed_out, "{flags:?} are taken");
        assert_says(&output, words);
    }
}
