//! Flags about how much, how large, how long and how often.

use base::flags::{Flag, Kind};

use super::{renamed, row};

pub(super) const ROWS: &[Flag] = &[
    row(
        "quota-backend-bytes",
        Kind::Int,
        "0",
        "Bytes of data until writes are refused; 0 is 2 GiB, below 0 no limit.",
    ),
    row("max-txn-ops", Kind::Uint, "128", "Most operations in one transaction."),
    row("max-request-bytes", Kind::Uint, "1572864", "Most bytes in one request."),
    row(
        "max-concurrent-streams",
        Kind::Uint,
        "4294967295",
        "Most streams that one client may have open.",
    ),
    renamed(
        row("max-learners", Kind::Int, "1", "Most members that do not vote yet."),
        &["experimental-max-learners"],
    ),
    row(
        "grpc-keepalive-min-time",
        Kind::Duration,
        "5s",
        "The least time between a client's pings.",
    ),
    row(
        "grpc-keepalive-interval",
        Kind::Duration,
        "2h",
        "Time between a member's pings to a client; 0 sends none.",
    ),
    row(
        "grpc-keepalive-timeout",
        Kind::Duration,
        "20s",
        "Time a client has to answer a ping.",
    ),
    row(
        "enable-grpc-gateway",
        Kind::Bool,
        "true",
        "Serve the REST form of the API.",
    ),
    renamed(
        row(
            "watch-progress-notify-interval",
            Kind::Duration,
            "10m",
            "Time between progress notices of a quiet watch.",
        ),
        &["experimental-watch-progress-notify-interval"],
    ),
    renamed(
        row(
            "warning-apply-duration",
            Kind::Duration,
            "100ms",
            "Log entries that take longer than this to apply are reported.",
        ),
        &["experimental-warning-apply-duration"],
    ),
    renamed(
        row(
            "warning-unary-request-duration",
            Kind::Duration,
            "300ms",
            "Requests that take longer than this are reported.",
        ),
        &["experimental-warning-unary-request-duration"],
    ),
    renamed(
        row(
            "compaction-batch-limit",
            Kind::Int,
            "1000",
            "Most revisions removed in one step after a compaction.",
        ),
        &["experimental-compaction-batch-limit"],
    ),
    renamed(
        row(
            "compaction-sleep-interval",
            Kind::Duration,
            "10ms",
            "Rest between two such steps.",
        ),
        &["experimental-compaction-sleep-interval"],
    ),
    renamed(
        row(
            "corrupt-check-time",
            Kind::Duration,
            "0s",
            "Time between comparisons of all members' data; 0 makes none.",
        ),
        &["experimental-corrupt-check-time"],
    ),
    renamed(
        row(
            "compact-hash-check-time",
            Kind::Duration,
            "1m",
            "Time between comparisons of what was compacted.",
        ),
        &["experimental-compact-hash-check-time"],
    ),
    row(
        "feature-gates",
        Kind::Text,
        "",
        "List of name=true|false pairs that switch features.",
    ),
    row("experimental-initial-corrupt-check", Kind::Bool, "false", ""),
    row("experimental-compact-hash-check-enabled", Kind::Bool, "false", ""),
    row("experimental-enable-lease-checkpoint", Kind::Bool, "false", ""),
    row("experimental-enable-lease-checkpoint-persist", Kind::Bool, "false", ""),
    row("experimental-stop-grpc-service-on-defrag", Kind::Bool, "false", ""),
    row("experimental-txn-mode-write-with-shared-buffer", Kind::Bool, "true", ""),
    row(
        "experimental-lease-reads",
        Kind::Bool,
        "false",
        "A leader answers reads for half an election timeout after a majority has answered it, without asking again. \
         On all members or on none; stale where clocks or processes stand still.",
    ),
    row(
        "unsafe-no-fsync",
        Kind::Bool,
        "false",
        "Unsafe: do not wait for the disk; a crash loses data.",
    ),
];
