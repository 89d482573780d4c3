//! Flags that tune what does not exist here, or that upstream itself has dropped.

use base::flags::{Fate, Flag, Kind};

use super::row;

const NO_BBOLT: &str = "data is not kept in bbolt";
const BY_BYTES: &str = "snapshots and log files are kept by their bytes, not by their number";
const NO_V2: &str = "the v2 API does not exist here; leave the flag out";

const fn ignored(name: &'static str, kind: Kind, default: &'static str, why: &'static str) -> Flag {
    Flag {
        fate: Fate::Ignored(why),
        ..row(name, kind, default, "")
    }
}

const fn refused(name: &'static str, kind: Kind, default: &'static str, why: &'static str) -> Flag {
    Flag {
        fate: Fate::Refused(why),
        ..row(name, kind, default, "")
    }
}

pub(super) const ROWS: &[Flag] = &[
    ignored("snapshot-count", Kind::Uint, "10000", BY_BYTES),
    Flag {
        aliases: &["experimental-snapshot-catchup-entries"],
        ..ignored("snapshot-catchup-entries", Kind::Uint, "5000", BY_BYTES)
    },
    ignored("max-snapshots", Kind::Uint, "5", BY_BYTES),
    ignored("max-wals", Kind::Uint, "5", BY_BYTES),
    ignored("backend-bbolt-freelist-type", Kind::Text, "map", NO_BBOLT),
    ignored("backend-batch-interval", Kind::Duration, "0s", NO_BBOLT),
    ignored("backend-batch-limit", Kind::Int, "0", NO_BBOLT),
    Flag {
        aliases: &["experimental-memory-mlock"],
        ..ignored("memory-mlock", Kind::Bool, "false", NO_BBOLT)
    },
    Flag {
        aliases: &["experimental-bootstrap-defrag-threshold-megabytes"],
        ..ignored(
            "bootstrap-defrag-threshold-megabytes",
            Kind::Uint,
            "0",
            "space is given back without defragmentation",
        )
    },
    Flag {
        aliases: &["experimental-downgrade-check-time"],
        ..ignored(
            "downgrade-check-time",
            Kind::Duration,
            "5s",
            "a downgrade is noticed at once",
        )
    },
    ignored(
        "initial-election-tick-advance",
        Kind::Bool,
        "true",
        "a first election does not wait longer than others",
    ),
    ignored(
        "raft-read-timeout",
        Kind::Duration,
        "5s",
        "silent peers are noticed by their missing answers",
    ),
    ignored(
        "raft-write-timeout",
        Kind::Duration,
        "5s",
        "silent peers are noticed by their missing answers",
    ),
    ignored(
        "socket-reuse-port",
        Kind::Bool,
        "false",
        "a port has one owner, so that a second member is noticed",
    ),
    ignored("socket-reuse-address", Kind::Bool, "false", "it is always on"),
    ignored("v2-deprecation", Kind::Text, "not-yet", "there are no v2 data"),
    ignored(
        "debug",
        Kind::Bool,
        "false",
        "upstream dropped it; use --log-level=debug",
    ),
    ignored(
        "log-package-levels",
        Kind::Text,
        "",
        "upstream dropped it; use --log-level",
    ),
    refused("enable-v2", Kind::Bool, "false", NO_V2),
    refused("experimental-enable-v2v3", Kind::Text, "", NO_V2),
    refused("proxy", Kind::Text, "off", "there is no v2 proxy; leave the flag out"),
    ignored("proxy-failure-wait", Kind::Uint, "5000", "there is no v2 proxy"),
    ignored("proxy-refresh-interval", Kind::Uint, "30000", "there is no v2 proxy"),
    ignored("proxy-dial-timeout", Kind::Uint, "1000", "there is no v2 proxy"),
    ignored("proxy-write-timeout", Kind::Uint, "5000", "there is no v2 proxy"),
    ignored("proxy-read-timeout", Kind::Uint, "0", "there is no v2 proxy"),
];
