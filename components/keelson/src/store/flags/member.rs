//! Flags about where a member lives and listens.

use base::flags::{Flag, Kind};

use super::row;

pub(super) const ROWS: &[Flag] = &[
    row("name", Kind::Text, "default", "Human-readable name for this member."),
    row(
        "data-dir",
        Kind::Text,
        "",
        "Path to the data folder (default: the name with .etcd).",
    ),
    row(
        "wal-dir",
        Kind::Text,
        "",
        "Path to a folder for the raft log alone, for example on a faster disk.",
    ),
    row(
        "listen-peer-urls",
        Kind::Text,
        "http://localhost:2380",
        "List of URLs to listen on for peers.",
    ),
    row(
        "listen-client-urls",
        Kind::Text,
        "http://localhost:2379",
        "List of URLs to listen on for clients: gRPC, and HTTP unless --listen-client-http-urls is given.",
    ),
    row(
        "listen-client-http-urls",
        Kind::Text,
        "",
        "List of URLs to listen on for HTTP clients only. With it --listen-client-urls serves gRPC only.",
    ),
    row(
        "listen-metrics-urls",
        Kind::Text,
        "",
        "List of URLs to listen on for /metrics and the health checks.",
    ),
    row(
        "heartbeat-interval",
        Kind::Uint,
        "100",
        "Milliseconds between a leader's heartbeats.",
    ),
    row(
        "election-timeout",
        Kind::Uint,
        "1000",
        "Milliseconds without a leader until an election.",
    ),
    row(
        "config-file",
        Kind::Text,
        "",
        "Path to a YAML file; all other flags and the environment are then ignored.",
    ),
    row("version", Kind::Bool, "false", "Print the version and exit."),
];
