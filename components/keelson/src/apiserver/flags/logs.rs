//! Flags about logs and traces.

use base::flags::pflag::{Flag, Kind};

use super::{later, row};

pub(super) const ROWS: &[Flag] = &[
    row(
        "log-flush-frequency",
        Kind::Duration,
        "5s",
        "How long lines may wait to be written; they are written at once here.",
    ),
    row(
        "log-json-info-buffer-size",
        Kind::Quantity,
        "0",
        "[Alpha] Bytes of info lines that wait to be written as JSON; needs the gate LoggingAlphaOptions.",
    ),
    row(
        "log-json-split-stream",
        Kind::Bool,
        "false",
        "[Alpha] Write JSON info lines to stdout, errors to stderr; needs the gate LoggingAlphaOptions.",
    ),
    row(
        "log-text-info-buffer-size",
        Kind::Quantity,
        "0",
        "[Alpha] Bytes of info lines that wait to be written as text; needs the gate LoggingAlphaOptions.",
    ),
    row(
        "log-text-split-stream",
        Kind::Bool,
        "false",
        "[Alpha] Write info lines to stdout, errors to stderr; needs the gate LoggingAlphaOptions.",
    ),
    row("logging-format", Kind::Text, "text", "Form of log lines: text or json."),
    Flag {
        short: Some('v'),
        ..row(
            "v",
            Kind::Level,
            "0",
            "How much is logged: from 4 on also what is for debugging.",
        )
    },
    later(
        row(
            "vmodule",
            Kind::Patterns,
            "",
            "Levels of single source files as pattern=level, separated by commas.",
        ),
        "there are no Go source files here; use --v",
    ),
];

pub(super) const TRACES: &[Flag] = &[later(
    row(
        "tracing-config-file",
        Kind::Text,
        "",
        "File that says where traces are sent, and of how many requests.",
    ),
    "traces are not sent yet; leave the flag out",
)];
