//! Flags that every program has.

use base::flags::pflag::{Flag, Kind};

use super::row;

pub(super) const ROWS: &[Flag] = &[
    Flag {
        short: Some('h'),
        ..row("help", Kind::Bool, "false", "Print this help.")
    },
    row(
        "version",
        Kind::Version,
        "false",
        "Print the version, in full as --version=raw; --version=v1.36.2-x changes what clients are told.",
    ),
];
