//! Flags about the record of who did what.

use base::flags::pflag::{Flag, Kind};

use super::{later, retired, row};

const AUDIT: &str = "requests are not audited yet; leave the flag out";

const fn late(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Flag {
    later(row(name, kind, default, help), AUDIT)
}

pub(super) const ROWS: &[Flag] = &[
    late(
        "audit-log-batch-buffer-size",
        Kind::Int,
        "10000",
        "Most events that wait to be written, in the mode batch.",
    ),
    late(
        "audit-log-batch-max-size",
        Kind::Int,
        "1",
        "Most events written at a time, in the mode batch.",
    ),
    late(
        "audit-log-batch-max-wait",
        Kind::Duration,
        "0s",
        "How long events wait for others to be written with, in the mode batch.",
    ),
    late(
        "audit-log-batch-throttle-burst",
        Kind::Int,
        "0",
        "Most batches written at once after a pause.",
    ),
    late(
        "audit-log-batch-throttle-enable",
        Kind::Bool,
        "false",
        "Limit how many batches are written a second.",
    ),
    late(
        "audit-log-batch-throttle-qps",
        Kind::Float32,
        "0",
        "Most batches written a second.",
    ),
    late(
        "audit-log-compress",
        Kind::Bool,
        "false",
        "Compress files that are full.",
    ),
    late("audit-log-format", Kind::Text, "json", "Form of lines: json or legacy."),
    late(
        "audit-log-maxage",
        Kind::Int,
        "366",
        "Days that full files are kept; 0 means for ever.",
    ),
    late(
        "audit-log-maxbackup",
        Kind::Int,
        "100",
        "Most full files that are kept; 0 means all.",
    ),
    late(
        "audit-log-maxsize",
        Kind::Int,
        "100",
        "Megabytes at which a file is full; 0 means never.",
    ),
    late(
        "audit-log-mode",
        Kind::Text,
        "blocking",
        "When lines are written: batch, blocking or blocking-strict.",
    ),
    late(
        "audit-log-path",
        Kind::Text,
        "",
        "File that events are written to; '-' means stdout.",
    ),
    late(
        "audit-log-truncate-enabled",
        Kind::Bool,
        "false",
        "Cut what is larger than the two sizes that follow.",
    ),
    late(
        "audit-log-truncate-max-batch-size",
        Kind::Int,
        "10485760",
        "Most bytes written at a time.",
    ),
    late(
        "audit-log-truncate-max-event-size",
        Kind::Int,
        "102400",
        "Most bytes of an event.",
    ),
    late(
        "audit-log-version",
        Kind::Text,
        "audit.k8s.io/v1",
        "Version of events that are written.",
    ),
    late(
        "audit-policy-file",
        Kind::Text,
        "",
        "File that says which requests make events, and how much these hold.",
    ),
    late(
        "audit-webhook-batch-buffer-size",
        Kind::Int,
        "10000",
        "Most events that wait to be sent, in the mode batch.",
    ),
    late(
        "audit-webhook-batch-max-size",
        Kind::Int,
        "400",
        "Most events sent at a time, in the mode batch.",
    ),
    late(
        "audit-webhook-batch-max-wait",
        Kind::Duration,
        "30s",
        "How long events wait for others to be sent with, in the mode batch.",
    ),
    late(
        "audit-webhook-batch-throttle-burst",
        Kind::Int,
        "15",
        "Most batches sent at once after a pause.",
    ),
    late(
        "audit-webhook-batch-throttle-enable",
        Kind::Bool,
        "true",
        "Limit how many batches are sent a second.",
    ),
    late(
        "audit-webhook-batch-throttle-qps",
        Kind::Float32,
        "10",
        "Most batches sent a second.",
    ),
    late(
        "audit-webhook-config-file",
        Kind::Text,
        "",
        "Kubeconfig that says where events are sent to.",
    ),
    late(
        "audit-webhook-initial-backoff",
        Kind::Duration,
        "10s",
        "How long the first repetition of a failed call waits.",
    ),
    late(
        "audit-webhook-mode",
        Kind::Text,
        "batch",
        "When events are sent: batch, blocking or blocking-strict.",
    ),
    late(
        "audit-webhook-truncate-enabled",
        Kind::Bool,
        "false",
        "Cut what is larger than the two sizes that follow.",
    ),
    late(
        "audit-webhook-truncate-max-batch-size",
        Kind::Int,
        "10485760",
        "Most bytes sent at a time.",
    ),
    late(
        "audit-webhook-truncate-max-event-size",
        Kind::Int,
        "102400",
        "Most bytes of an event.",
    ),
    late(
        "audit-webhook-version",
        Kind::Text,
        "audit.k8s.io/v1",
        "Version of events that are sent.",
    ),
    retired(
        late(
            "audit-webhook-batch-initial-backoff",
            Kind::Duration,
            "10s",
            "Older name of --audit-webhook-initial-backoff.",
        ),
        "Deprecated, use --audit-webhook-initial-backoff instead.",
    ),
];
