//! Flags about the HTTPS port.

use base::flags::pflag::{Flag, Kind};

use super::row;
use crate::apiserver::settings::suites;

pub(super) const ROWS: &[Flag] = &[
    row(
        "bind-address",
        Kind::Ip,
        "0.0.0.0",
        "IP address to listen on; 0.0.0.0 and :: mean all addresses of both families.",
    ),
    row(
        "cert-dir",
        Kind::Text,
        "/var/run/kubernetes",
        "Folder for a certificate that is made if --tls-cert-file and --tls-private-key-file are not given.",
    ),
    row("disable-http2-serving", Kind::Bool, "false", "Speak HTTP/1.1 only."),
    row(
        "http2-max-streams-per-connection",
        Kind::Int,
        "0",
        "Most requests at a time on a connection of HTTP/2; 0 means the program's own limit.",
    ),
    row(
        "permit-address-sharing",
        Kind::Bool,
        "false",
        "Listen with SO_REUSEADDR: beside others on single addresses, and without waiting for old connections.",
    ),
    row(
        "permit-port-sharing",
        Kind::Bool,
        "false",
        "Listen with SO_REUSEPORT, so that several processes may have the port.",
    ),
    row(
        "secure-port",
        Kind::Int,
        "6443",
        "Port to listen on; it cannot be turned off.",
    ),
    row(
        "tls-cert-file",
        Kind::Text,
        "",
        "File with the certificate shown to clients, and the authorities in between.",
    ),
    Flag {
        more: Some(suites::help),
        ..row(
            "tls-cipher-suites",
            Kind::Texts,
            "",
            "Cipher suites of TLS 1.2 by their IANA names, separated by commas; without it all of these are offered:",
        )
    },
    row(
        "tls-curve-preferences",
        Kind::Ints,
        "",
        "Curves for the exchange of keys by their numbers, in any order: 23 (P-256), 24 (P-384), 29 (X25519); without it all.",
    ),
    row(
        "tls-min-version",
        Kind::Text,
        "",
        "Oldest TLS version: VersionTLS12 (the default) or VersionTLS13; older ones are not spoken.",
    ),
    row(
        "tls-private-key-file",
        Kind::Text,
        "",
        "File with the private key of --tls-cert-file.",
    ),
    row(
        "tls-sni-cert-key",
        Kind::CertKeys,
        "",
        "Certificate and key for clients that ask for certain hosts, as cert,key[:host,host]; may be repeated.",
    ),
];
