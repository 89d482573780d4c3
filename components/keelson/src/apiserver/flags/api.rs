//! Flags about which APIs are served, and through what other networks are reached.

use base::flags::pflag::{Flag, Kind};

use super::{later, row};

pub(super) const ENABLEMENT: &[Flag] = &[row(
    "runtime-config",
    Kind::Options,
    "",
    "Built-in APIs that are served or not, as key=true|false pairs. Keys are:\n\
     v1 for the core group\n\
     <group>/<version> for one version of a group (apps/v1)\n\
     <group>/<version>/<resource> for one resource of it\n\
     api/all, api/ga, api/beta and api/alpha for all versions, or those of the form v1, v1beta1 and v1alpha1",
)];

pub(super) const EGRESS: &[Flag] = &[later(
    row(
        "egress-selector-config-file",
        Kind::Text,
        "",
        "File that says through which proxies nodes, the control plane and others are called.",
    ),
    "everything is called directly; leave the flag out",
)];
