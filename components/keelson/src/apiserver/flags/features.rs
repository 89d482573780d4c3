//! Flags about profiles, and about how requests are limited.

use base::flags::pflag::{Flag, Kind};

use super::{later, row};

const NO_SOCKET: &str = "profiles are served at /debug/pprof of the HTTPS port only; leave the flag out";

pub(super) const ROWS: &[Flag] = &[
    row(
        "contention-profiling",
        Kind::Bool,
        "false",
        "Accepted; where threads wait for one another is not recorded.",
    ),
    later(
        row(
            "debug-socket-path",
            Kind::Text,
            "",
            "Unix socket that serves profiles without asking who calls.",
        ),
        NO_SOCKET,
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
        "Serve /debug/pprof: profiles of the processors' time, and the names behind addresses.",
    ),
];
