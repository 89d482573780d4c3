//! Flags about /metrics.

use base::flags::pflag::{Flag, Kind};

use super::row;

pub(super) const ROWS: &[Flag] = &[
    row(
        "allow-metric-labels",
        Kind::Pairs,
        "",
        "Values that a label may have, as metric,label='a,b' pairs; others are written as 'unexpected'.",
    ),
    row(
        "allow-metric-labels-manifest",
        Kind::Text,
        "",
        "YAML file with what --allow-metric-labels takes; only one of the two can be given.",
    ),
    row(
        "disabled-metrics",
        Kind::Texts,
        "",
        "Full names of metrics that are not written.",
    ),
    row(
        "show-hidden-metrics-for-version",
        Kind::Text,
        "",
        "Also write metrics that this version hides; must name the version before it, 1.35.",
    ),
];
