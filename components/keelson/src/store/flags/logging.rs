//! Flags about what a member reports.

use base::flags::{Fate, Flag, Kind};

use super::{renamed, row};

const TRACING: Fate = Fate::Ignored("distributed tracing is not offered");

const fn tracing(name: &'static str, kind: Kind, default: &'static str, aliases: &'static [&'static str]) -> Flag {
    Flag {
        fate: TRACING,
        aliases,
        ..row(name, kind, default, "")
    }
}

pub(super) const ROWS: &[Flag] = &[
    Flag {
        fate: Fate::Refused("there is one logger, under the name zap; leave the flag out"),
        ..row("logger", Kind::Text, "zap", "Only 'zap'.")
    },
    row(
        "log-level",
        Kind::Text,
        "info",
        "debug, info, warn, error, panic or fatal.",
    ),
    row("log-format", Kind::Text, "json", "json or console."),
    row(
        "log-outputs",
        Kind::Text,
        "default",
        "List of 'stderr', 'stdout', 'default' (stderr) and files.",
    ),
    row(
        "enable-log-rotation",
        Kind::Bool,
        "false",
        "Begin a new log file when one is full.",
    ),
    row(
        "log-rotation-config-json",
        Kind::Text,
        r#"{"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}"#,
        "When a log file is full (MB), and for how many days or how many of them full ones are kept.",
    ),
    row(
        "metrics",
        Kind::Text,
        "basic",
        "'extensive' adds the latencies of every call to /metrics.",
    ),
    Flag {
        fate: Fate::Ignored("there are no Go profiles to serve"),
        ..row(
            "enable-pprof",
            Kind::Bool,
            "false",
            "Accepted; there are no Go profiles to serve.",
        )
    },
    Flag {
        fate: Fate::Ignored("no log line is left out"),
        ..row("disable-log-sampling", Kind::Bool, "false", "")
    },
    renamed(
        Flag {
            fate: TRACING,
            ..row(
                "enable-distributed-tracing",
                Kind::Bool,
                "false",
                "Accepted; traces are not offered.",
            )
        },
        &["experimental-enable-distributed-tracing"],
    ),
    tracing(
        "distributed-tracing-address",
        Kind::Text,
        "localhost:4317",
        &["experimental-distributed-tracing-address"],
    ),
    tracing(
        "distributed-tracing-service-name",
        Kind::Text,
        "etcd",
        &["experimental-distributed-tracing-service-name"],
    ),
    tracing(
        "distributed-tracing-instance-id",
        Kind::Text,
        "",
        &["experimental-distributed-tracing-instance-id"],
    ),
    tracing(
        "distributed-tracing-sampling-rate",
        Kind::Int,
        "0",
        &["experimental-distributed-tracing-sampling-rate"],
    ),
];
