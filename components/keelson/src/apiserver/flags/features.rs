//! Flags about profiles, and about how requests are limited.

use base::flags::pflag::{Flag, Kind};

use super::{later, row};

const NO_PROFILES: &str = "there are no Go profiles to serve; leave the flag out";

pub(super) const ROWS: &[Flag] = &[
    row(
        "contention-profiling",
        Kind::Bool,
        "false",
        "Also record where threads wait for one another, if --profiling is on.",
    ),
    later(
        row(
            "debug-socket-path",
            Kind::Text,
            "",
            "Unix socket that serves profiles without asking who calls.",
        ),
        NO_PROFILES,
    ),
    row(
        "enable-priority-and-fairness",
        Kind::Bool,
        "true",
        "Accepted; requests are limited by the two numbers of requests in flight either way.",
    ),
    row(
        "enable-swagger-ui",
        Kind::Bool,
        "false",
        "Serve Swagger UI at /swagger-ui: a page for browsers that shows what can be asked.",
    ),
    row(
        "profiling",
        Kind::Bool,
        "true",
        "Serve /debug/pprof, as far as there is something to serve.",
    ),
];
