//! Flags about requests in general, starting and ending, and which version is played.

use base::flags::pflag::{Flag, Kind};

use super::row;
use crate::apiserver::gates;

pub(super) const ROWS: &[Flag] = &[
    row(
        "advertise-address",
        Kind::Ip,
        "",
        "IP address that the cluster reaches this apiserver at; without it --bind-address, or the address of the default route.",
    ),
    row(
        "cors-allowed-origins",
        Kind::Texts,
        "",
        "Origins that browsers may call from, as regular expressions that are tied to both ends of the host.",
    ),
    row(
        "emulated-version",
        Kind::Texts,
        "",
        "Version whose behaviour is played, as [kube=]major.minor; only this program's own, 1.36, is offered.",
    ),
    row(
        "emulation-forward-compatible",
        Kind::Bool,
        "false",
        "Also serve newer versions of what the emulated version serves; needs an older --emulated-version.",
    ),
    row(
        "external-hostname",
        Kind::Text,
        "",
        "Host name in URLs that are told to clients; without it the advertised address.",
    ),
    Flag {
        more: Some(gates::help),
        ..row(
            "feature-gates",
            Kind::Lists,
            "",
            "Switches of features as [kube:]name=true|false, separated by commas; the flag may be repeated. There are:",
        )
    },
    row(
        "goaway-chance",
        Kind::Float,
        "0",
        "Share of requests after which a client is asked to connect anew, up to 0.02; for several apiservers behind a balancer.",
    ),
    row(
        "livez-grace-period",
        Kind::Duration,
        "0s",
        "How long after the start /livez takes unfinished start hooks for finished.",
    ),
    row(
        "max-mutating-requests-inflight",
        Kind::Int,
        "200",
        "Most writing requests at a time; 0 means no limit.",
    ),
    row(
        "max-requests-inflight",
        Kind::Int,
        "400",
        "Most reading requests at a time; 0 means no limit.",
    ),
    row(
        "min-compatibility-version",
        Kind::Texts,
        "",
        "Oldest version that the other parts of the control plane may have, as [kube=]major.minor; only 1.35 is offered.",
    ),
    row(
        "min-request-timeout",
        Kind::Int,
        "1800",
        "Least seconds after which a watch is ended by the apiserver; each gets a random time above it.",
    ),
    row(
        "request-timeout",
        Kind::Duration,
        "1m0s",
        "How long a request may take, unless it is of a kind that lasts.",
    ),
    row(
        "runtime-config-emulation-forward-compatible",
        Kind::Bool,
        "false",
        "Also serve what --runtime-config names of newer versions; needs an older --emulated-version.",
    ),
    row(
        "shutdown-delay-duration",
        Kind::Duration,
        "0s",
        "How long requests are still served after the end was asked for, while /readyz already fails.",
    ),
    row(
        "shutdown-send-retry-after",
        Kind::Bool,
        "false",
        "Answer 429 with Retry-After to new requests while the running ones end, instead of closing the port.",
    ),
    row(
        "shutdown-watch-termination-grace-period",
        Kind::Duration,
        "0s",
        "How long the end waits for watches to be drained.",
    ),
    row(
        "storage-initialization-timeout",
        Kind::Duration,
        "1m0s",
        "Longest wait for the store's objects to be read before the apiserver says that it is ready.",
    ),
    row(
        "strict-transport-security-directives",
        Kind::Texts,
        "",
        "Directives of the Strict-Transport-Security header, such as max-age=31536000,includeSubDomains; none leaves it out.",
    ),
];
