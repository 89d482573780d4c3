//! Flags about who may do what.

use base::flags::pflag::{Flag, Kind};

use super::{later, row};

const CONFIG: &str = "authorizers are not read from a file yet; use --authorization-mode";
const WEBHOOK: &str = "nobody else is asked for authorization yet; use --authorization-mode with Node, RBAC or ABAC";

pub(super) const ROWS: &[Flag] = &[
    later(
        row(
            "authorization-config",
            Kind::Text,
            "",
            "File that says which authorizers are asked, in which order.",
        ),
        CONFIG,
    ),
    row(
        "authorization-mode",
        Kind::Texts,
        "",
        "Authorizers in the order they are asked: AlwaysAllow (the default), AlwaysDeny, ABAC, RBAC, Node; not yet Webhook.",
    ),
    row(
        "authorization-policy-file",
        Kind::Text,
        "",
        "File with the rules of the mode ABAC, one JSON object a line.",
    ),
    later(
        row(
            "authorization-webhook-cache-authorized-ttl",
            Kind::Duration,
            "5m0s",
            "For how long a webhook's yes is remembered.",
        ),
        WEBHOOK,
    ),
    later(
        row(
            "authorization-webhook-cache-unauthorized-ttl",
            Kind::Duration,
            "30s",
            "For how long a webhook's no is remembered.",
        ),
        WEBHOOK,
    ),
    later(
        row(
            "authorization-webhook-config-file",
            Kind::Text,
            "",
            "Kubeconfig that says how the mode Webhook asks.",
        ),
        WEBHOOK,
    ),
    later(
        row(
            "authorization-webhook-version",
            Kind::Text,
            "v1beta1",
            "Version of the SubjectAccessReview that a webhook is sent.",
        ),
        WEBHOOK,
    ),
];
