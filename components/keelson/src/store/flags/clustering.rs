//! Flags about the cluster a member belongs to.

use base::flags::{Fate, Flag, Kind};

use super::row;

/// What to do in place of a discovery service.
const STATIC: &str = "discovery services are not supported; list the members with --initial-cluster";

const fn discovery(name: &'static str, kind: Kind, default: &'static str) -> Flag {
    Flag {
        fate: Fate::Refused(STATIC),
        ..row(name, kind, default, "")
    }
}

pub(super) const ROWS: &[Flag] = &[
    row(
        "initial-advertise-peer-urls",
        Kind::Text,
        "http://localhost:2380",
        "List of this member's peer URLs as the other members reach them.",
    ),
    row(
        "advertise-client-urls",
        Kind::Text,
        "http://localhost:2379",
        "List of this member's client URLs as clients reach them.",
    ),
    row(
        "initial-cluster",
        Kind::Text,
        "",
        "All first members as name=peer-url pairs (default: this member alone).",
    ),
    row(
        "initial-cluster-state",
        Kind::Text,
        "new",
        "'new' for the first members of a cluster, 'existing' for one that was added with member add.",
    ),
    row(
        "initial-cluster-token",
        Kind::Text,
        "etcd-cluster",
        "A text that sets this cluster apart from others.",
    ),
    row(
        "strict-reconfig-check",
        Kind::Bool,
        "true",
        "Refuse changes of membership that would cost the quorum.",
    ),
    row(
        "pre-vote",
        Kind::Bool,
        "true",
        "Ask for votes before an election disturbs the leader.",
    ),
    row(
        "auto-compaction-mode",
        Kind::Text,
        "periodic",
        "How to read --auto-compaction-retention: periodic|revision.",
    ),
    row(
        "auto-compaction-retention",
        Kind::Text,
        "0",
        "How much history is kept: a duration (hours without a unit), or a number of revisions; 0 keeps all.",
    ),
    row(
        "force-new-cluster",
        Kind::Bool,
        "false",
        "Unsafe: make a cluster of this member alone from its data.",
    ),
    Flag {
        fate: Fate::Refused(STATIC),
        ..row(
            "discovery",
            Kind::Text,
            "",
            "Not supported, nor are the others of this name.",
        )
    },
    discovery("discovery-endpoints", Kind::Text, ""),
    discovery("discovery-token", Kind::Text, ""),
    discovery("discovery-dial-timeout", Kind::Duration, "2s"),
    discovery("discovery-request-timeout", Kind::Duration, "5s"),
    discovery("discovery-keepalive-time", Kind::Duration, "2s"),
    discovery("discovery-keepalive-timeout", Kind::Duration, "6s"),
    discovery("discovery-insecure-transport", Kind::Bool, "true"),
    discovery("discovery-insecure-skip-tls-verify", Kind::Bool, "false"),
    discovery("discovery-cert", Kind::Text, ""),
    discovery("discovery-key", Kind::Text, ""),
    discovery("discovery-cacert", Kind::Text, ""),
    discovery("discovery-user", Kind::Text, ""),
    discovery("discovery-password", Kind::Text, ""),
    discovery("discovery-srv", Kind::Text, ""),
    discovery("discovery-srv-name", Kind::Text, ""),
    discovery("discovery-proxy", Kind::Text, ""),
    discovery("discovery-fallback", Kind::Text, "exit"),
];
