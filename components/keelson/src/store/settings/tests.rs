//! Options that fit together, and those that do not.

use base::flags::Outcome;

use super::super::flags::TABLE;
use super::*;

fn settings(args: &[&str]) -> Result<Settings> {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    match TABLE.parse(&args)? {
        Outcome::Values(parsed) => Settings::new(Options {
            parsed,
            ..Options::default()
        }),
        Outcome::Help => Err(Error::new("help")),
    }
}

fn refused(args: &[&str]) -> String {
    settings(args).unwrap_err().text
}

#[test]
fn the_defaults_are_upstreams() {
    let settings = settings(&[]).unwrap();
    assert_eq!(settings.data_dir.to_str(), Some("default.etcd"));
    assert_eq!(settings.listen.client, ["http://localhost:2379"]);
    assert_eq!(settings.cluster.advertise_client, ["http://localhost:2379"]);
    assert_eq!(settings.cluster.initial["default"], ["http://localhost:2380"]);
    assert_eq!(
        (settings.cluster.heartbeat, settings.cluster.election),
        (Duration::from_millis(100), Duration::from_secs(1))
    );
    assert_eq!(
        (
            settings.limits.txn_ops,
            settings.limits.request_bytes,
            settings.limits.streams
        ),
        (128, 1_572_864, u32::MAX)
    );
    assert_eq!(settings.limits.keepalive_interval, Duration::from_secs(7200));
    assert!(settings.cluster.pre_vote && settings.cluster.strict && settings.gateway && !settings.extensive_metrics);
    assert_eq!(
        (settings.access.cors, settings.access.hosts),
        (vec!["*".to_owned()], vec!["*".to_owned()])
    );
    assert_eq!(settings.notes.len(), 2);
}

#[test]
fn a_name_alone_makes_a_cluster_of_one() {
    let settings = settings(&["--name=m1", "--initial-advertise-peer-urls=http://10.0.0.1:2380"]).unwrap();
    assert_eq!(
        settings.cluster.initial,
        BTreeMap::from([("m1".into(), vec!["http://10.0.0.1:2380".into()])])
    );
    assert_eq!(settings.data_dir.to_str(), Some("m1.etcd"));
}

#[test]
fn the_command_line_of_kubeadm_is_taken() {
    let dir = "/var/lib/etcd";
    let settings = settings(&[
        "--advertise-client-urls=https://10.0.0.1:2379",
        "--cert-file=/etc/kubernetes/pki/etcd/server.crt",
        "--client-cert-auth=true",
        "--data-dir=/var/lib/etcd",
        "--experimental-initial-corrupt-check=true",
        "--experimental-watch-progress-notify-interval=5s",
        "--initial-advertise-peer-urls=https://10.0.0.1:2380",
        "--initial-cluster=cp=https://10.0.0.1:2380",
        "--key-file=/etc/kubernetes/pki/etcd/server.key",
        "--listen-client-urls=https://127.0.0.1:2379,https://10.0.0.1:2379",
        "--listen-metrics-urls=http://127.0.0.1:2381",
        "--listen-peer-urls=https://10.0.0.1:2380",
        "--name=cp",
        "--peer-cert-file=/etc/kubernetes/pki/etcd/peer.crt",
        "--peer-client-cert-auth=true",
        "--peer-key-file=/etc/kubernetes/pki/etcd/peer.key",
        "--peer-trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt",
        "--snapshot-count=10000",
        "--trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt",
    ])
    .unwrap();
    assert_eq!(settings.data_dir.to_str(), Some(dir));
    assert_eq!(settings.limits.progress_interval, Duration::from_secs(5));
    assert!(settings.gates.on("InitialCorruptCheck") && settings.access.client.client_cert_auth);
    assert_eq!(
        settings.listen.client,
        ["https://10.0.0.1:2379", "https://127.0.0.1:2379"]
    );
}

#[test]
fn what_weakens_promises_is_off_and_told_when_on() {
    let plain = settings(&[]).unwrap();
    assert!(!plain.cluster.lease_reads && !plain.unsafe_no_fsync);
    let weak = settings(&["--experimental-lease-reads", "--unsafe-no-fsync"]).unwrap();
    assert!(weak.cluster.lease_reads && weak.unsafe_no_fsync);
    assert!(super::super::convert::node(&weak).unwrap().lease_reads);
    for flag in ["--experimental-lease-reads: ", "--unsafe-no-fsync: "] {
        assert!(weak.notes.iter().any(|note| note.starts_with(flag)), "{:?}", weak.notes);
    }
}

#[test]
fn contradictions_name_the_flags() {
    for (args, expected) in [
        (
            &["--listen-client-urls=http://localhost:1"][..],
            "--advertise-client-urls is required when --listen-client-urls is set explicitly",
        ),
        (
            &["--listen-peer-urls=http://localhost:2379"],
            "--listen-client-urls and --listen-peer-urls both listen on http://localhost:2379; give each a port of its own",
        ),
        (
            &["--listen-peer-urls=http://node1:2380"],
            "--listen-peer-urls: expected IP in URL for binding (http://node1:2380); give an IP address or localhost",
        ),
        (
            &["--listen-peer-urls="],
            "--listen-peer-urls must name at least one URL",
        ),
        (
            &["--heartbeat-interval=0"],
            "--heartbeat-interval must be >0 (set to 0ms)",
        ),
        (
            &["--heartbeat-interval=500"],
            "--election-timeout[1000ms] should be at least as 5 times as --heartbeat-interval[500ms]",
        ),
        (
            &["--election-timeout=60000"],
            "--election-timeout[60000ms] is too long, and should be set less than 50000ms",
        ),
        (
            &["--compact-hash-check-time=0s"],
            "--compact-hash-check-time must be >0 (set to 0s)",
        ),
        (
            &["--initial-cluster-state=old"],
            "invalid value \"old\" for --initial-cluster-state: expected new or existing",
        ),
        (
            &["--auto-compaction-mode=hourly"],
            "invalid value \"hourly\" for --auto-compaction-mode: expected periodic or revision",
        ),
        (
            &["--max-learners=-1"],
            "invalid value \"-1\" for --max-learners: expected a whole number, zero or more",
        ),
        (
            &["--max-concurrent-streams=5000000000"],
            "invalid value \"5000000000\" for --max-concurrent-streams: expected a smaller number",
        ),
        (
            &["--name=a=b"],
            "--name \"a=b\" is not usable: give a text without '=' and ','",
        ),
        (
            &["--log-level=loud"],
            "log level \"loud\" is not known; accepted: debug, info, warn, error, panic, fatal",
        ),
        (
            &["--cert-file=c"],
            "--cert-file and --key-file belong together; only one is given",
        ),
    ] {
        assert_eq!(refused(args), expected);
    }
    assert!(
        refused(&["--initial-cluster=http://a:1"]).starts_with("invalid value \"http://a:1\" for --initial-cluster: ")
    );
    assert!(refused(&["--cipher-suites=NONE"]).starts_with("--cipher-suites: unexpected TLS cipher suite \"NONE\""));
    assert!(refused(&["--tls-min-version=TLS1.3", "--tls-max-version=TLS1.2"]).starts_with("min version (TLS1.3)"));
    assert!(refused(&["--listen-peer-urls=https://localhost:2380"]).starts_with("TLS key/cert (--peer-cert-file"));
}

#[test]
fn port_zero_may_be_listened_on_twice() {
    let args = [
        "--listen-peer-urls=http://127.0.0.1:0",
        "--listen-client-urls=http://127.0.0.1:0",
    ];
    assert!(settings(&[args[0], args[1], "--advertise-client-urls=http://127.0.0.1:0"]).is_ok());
}

#[test]
fn what_upstream_warns_of_is_noted() {
    let settings = settings(&[
        "--name=m",
        "--data-dir=d",
        "--cert-file=c",
        "--key-file=k",
        "--bcrypt-cost=50",
    ])
    .unwrap();
    assert_eq!(settings.access.bcrypt_cost, 10);
    assert_eq!(settings.notes.len(), 2, "{:?}", settings.notes);
    assert!(settings.notes[1].starts_with("scheme is HTTP while key and cert files are present"));
}
