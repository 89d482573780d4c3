//! Starts that must fail, and say in one line why.

use std::path::Path;

use crate::harness::{Cluster, Kind, Member, Output, Setup, skip, tools, until, until_async};

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
    until("it refuses, or goes on as the member it was", || {
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
        (
            &[
                "--cert-file=/nowhere/cert",
                "--key-file=/nowhere/key",
                "--listen-client-urls=https://127.0.0.1:0",
                "--client-cert-auth",
            ],
            &["--client-cert-auth needs --trusted-ca-file"],
        ),
        (
            &[
                "--peer-auto-tls",
                "--listen-peer-urls=https://127.0.0.1:0",
                "--peer-client-cert-auth",
            ],
            &["--peer-client-cert-auth needs --peer-trusted-ca-file"],
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

/// `--initial-cluster` and what it must fit, tried on etcd, whose words are expected of both.
#[test]
fn the_initial_cluster_fits_the_member_or_is_refused_in_etcds_words() {
    if let Err(why) = tools() {
        return skip(why);
    }
    const ABSENT: &str = "couldn't find local name \"m0\" in the initial cluster configuration";
    // Flags beside the usual ones of m0, which advertises PEER; what the refusal says, or that it starts.
    let cases: &[(&[&str], Option<&str>)] = &[
        (&[], None),
        (&["--initial-cluster=default=http://localhost:2380"], None),
        (
            &["--name=default"],
            Some(
                "--initial-cluster has default=http://localhost:2380 but missing from --initial-advertise-peer-urls=PEER (",
            ),
        ),
        (&["--name=default", "--initial-cluster=default=PEER"], None),
        (&["--initial-cluster="], Some(ABSENT)),
        (&["--initial-cluster=x=PEER"], Some(ABSENT)),
        (
            &["--initial-cluster=x=PEER", "--initial-cluster-state=existing"],
            Some(ABSENT),
        ),
        (
            &["--initial-cluster=m0=http://127.0.0.1:1"],
            Some("--initial-cluster has m0=http://127.0.0.1:1 but missing from --initial-advertise-peer-urls=PEER ("),
        ),
        (
            &[
                "--initial-advertise-peer-urls=PEER,http://127.0.0.1:1",
                "--initial-cluster=m0=PEER",
            ],
            Some("--initial-advertise-peer-urls has http://127.0.0.1:1 but missing from --initial-cluster=m0="),
        ),
        (
            &["--initial-cluster=m0=PEER,x=PEER"],
            Some("initial cluster m0=PEER,x=PEER has duplicate url"),
        ),
        (
            &["--initial-cluster-state=existing"],
            Some(
                "cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs",
            ),
        ),
    ];
    for kind in [Kind::Etcd, Kind::Keelson] {
        for (flags, refusal) in cases {
            let mut cluster = Cluster::prepare(kind, Setup::of(1));
            let member = &mut cluster.members[0];
            let filled = |text: &str| text.replace("PEER", &member.peer_url);
            let flags: Vec<String> = flags.iter().map(|flag| filled(flag)).collect();
            let refusal = refusal.map(filled);
            member.arguments.retain(|flag| !flag.starts_with("--initial-cluster"));
            member.arguments.extend(flags.iter().cloned());
            match refusal {
                None => {
                    member.start();
                    member.wait_healthy();
                }
                // etcd says it as a JSON text.
                Some(text) => {
                    let output = member.run_to_end();
                    assert!(
                        matches!(output.code, Some(code) if code != 0),
                        "{kind:?} {flags:?}: {output:?}"
                    );
                    let said = format!("{}{}", output.stdout, output.stderr).replace("\\\"", "\"");
                    assert!(said.contains(&text), "{kind:?} {flags:?}: {text} is not in {said}");
                }
            }
        }
    }
}

/// A newcomer whose cluster does not answer waits for it; it must not have to be killed.
#[test]
fn a_member_that_waits_for_its_cluster_can_be_stopped() {
    let mut cluster = Cluster::prepare(Kind::Keelson, Setup::of(2));
    let member = &mut cluster.members[1];
    member.arguments.extend([
        "--initial-cluster-state=existing".to_owned(),
        "--log-level=warn".to_owned(),
    ]);
    member.start();
    until("it asks the others", || {
        member.log().contains("failed to get cluster info").then_some(())
    });
    assert!(member.terminate().success());
}

/// Who joins must stand in the cluster's own list; what else its flags say of itself does not matter any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_is_held_against_the_cluster_it_joins() {
    if let Err(why) = tools() {
        return skip(why);
    }
    for kind in [Kind::Etcd, Kind::Keelson] {
        let mut cluster = Cluster::start(kind, Setup::of(1));
        let client = cluster.client();
        let newcomer = cluster.newcomer();
        let refused = |newcomer: &Member, reason: &str| {
            let output = newcomer.run_to_end();
            let said = format!("{}{}", output.stdout, output.stderr);
            for words in ["error validating peerURLs", reason] {
                assert!(said.contains(words), "{kind:?}: {said}");
            }
        };
        refused(newcomer, "member count is unequal");
        client.member_add(vec![newcomer.peer_url.clone()], true).await.unwrap();
        let arguments = newcomer.arguments.clone();
        for argument in &mut newcomer.arguments {
            if argument.starts_with("--initial-cluster=") {
                *argument = argument.replace(&newcomer.peer_url, "http://127.0.0.1:1");
            }
        }
        refused(newcomer, "PeerURLs: no match found for existing member");

        newcomer.arguments = arguments;
        let elsewhere = "--initial-advertise-peer-urls=http://127.0.0.1:1";
        newcomer.arguments.push(elsewhere.to_owned());
        newcomer.start();
        let name = newcomer.name.clone();
        until_async("it has joined", || async {
            let members = client.members().await.ok()?;
            members.iter().any(|member| member.name == name).then_some(())
        })
        .await;
    }
}
