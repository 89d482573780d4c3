//! Flags about what may change or refuse a write.

use base::flags::pflag::{Flag, Kind};

use super::row;
use crate::apiserver::settings::plugins;

pub(super) const ROWS: &[Flag] = &[
    Flag {
        deprecated: "Use --enable-admission-plugins or --disable-admission-plugins instead. Will be removed in a future version.",
        ..row(
            "admission-control",
            Kind::Texts,
            "",
            "All admission plugins that are on, in any order, instead of the default ones.",
        )
    },
    row(
        "admission-control-config-file",
        Kind::Text,
        "",
        "File with the configurations of admission plugins.",
    ),
    row(
        "default-not-ready-toleration-seconds",
        Kind::Int,
        "300",
        "How many seconds pods that say nothing of it stay on a node that is not ready.",
    ),
    row(
        "default-unreachable-toleration-seconds",
        Kind::Int,
        "300",
        "How many seconds pods that say nothing of it stay on a node that cannot be reached.",
    ),
    Flag {
        more: Some(plugins::on_by_default),
        ..row(
            "disable-admission-plugins",
            Kind::Texts,
            "",
            "Admission plugins to turn off, in any order. On by default:",
        )
    },
    Flag {
        more: Some(plugins::off_by_default),
        ..row(
            "enable-admission-plugins",
            Kind::Texts,
            "",
            "Admission plugins to turn on, in any order. Off by default:",
        )
    },
];
