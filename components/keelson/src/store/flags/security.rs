//! Flags about TLS and authentication.

use base::flags::{Flag, Kind};

use super::{renamed, row};

pub(super) const ROWS: &[Flag] = &[
    row("cert-file", Kind::Text, "", "Path to the certificate shown to clients."),
    row("key-file", Kind::Text, "", "Path to its private key."),
    row(
        "client-cert-auth",
        Kind::Bool,
        "false",
        "Clients must show a certificate; its CN is the user.",
    ),
    row(
        "trusted-ca-file",
        Kind::Text,
        "",
        "Path to the CA that clients' certificates must come from.",
    ),
    row(
        "client-crl-file",
        Kind::Text,
        "",
        "Path to the list of clients' certificates that are revoked.",
    ),
    row(
        "client-cert-allowed-hostname",
        Kind::Text,
        "",
        "List of hosts, one of which a client's certificate must name.",
    ),
    row(
        "client-cert-file",
        Kind::Text,
        "",
        "Path to the certificate that the REST gateway shows (default: --cert-file).",
    ),
    row("client-key-file", Kind::Text, "", "Path to its private key."),
    row(
        "auto-tls",
        Kind::Bool,
        "false",
        "Make a certificate for clients in the data folder.",
    ),
    row(
        "peer-cert-file",
        Kind::Text,
        "",
        "Path to the certificate shown to peers.",
    ),
    row("peer-key-file", Kind::Text, "", "Path to its private key."),
    row(
        "peer-client-cert-auth",
        Kind::Bool,
        "false",
        "Peers must show a certificate.",
    ),
    row(
        "peer-trusted-ca-file",
        Kind::Text,
        "",
        "Path to the CA that peers' certificates must come from.",
    ),
    row(
        "peer-crl-file",
        Kind::Text,
        "",
        "Path to the list of peers' certificates that are revoked.",
    ),
    row(
        "peer-cert-allowed-cn",
        Kind::Text,
        "",
        "List of CNs, one of which a peer's certificate must have.",
    ),
    row(
        "peer-cert-allowed-hostname",
        Kind::Text,
        "",
        "List of hosts, one of which a peer's certificate must name.",
    ),
    row(
        "peer-client-cert-file",
        Kind::Text,
        "",
        "Path to the certificate for calling peers (default: --peer-cert-file).",
    ),
    row("peer-client-key-file", Kind::Text, "", "Path to its private key."),
    row(
        "peer-auto-tls",
        Kind::Bool,
        "false",
        "Make a certificate for peers in the data folder.",
    ),
    renamed(
        row(
            "peer-skip-client-san-verification",
            Kind::Bool,
            "false",
            "Let peers call from hosts that their certificate does not name.",
        ),
        &["experimental-peer-skip-client-san-verification"],
    ),
    row(
        "self-signed-cert-validity",
        Kind::Uint,
        "1",
        "Years until a certificate of --auto-tls or --peer-auto-tls expires.",
    ),
    row(
        "cipher-suites",
        Kind::Text,
        "",
        "List of TLS cipher suites (default: all).",
    ),
    row(
        "tls-min-version",
        Kind::Text,
        "TLS1.2",
        "The oldest TLS version: TLS1.2 or TLS1.3.",
    ),
    row(
        "tls-max-version",
        Kind::Text,
        "",
        "The newest TLS version: TLS1.2 or TLS1.3 (default: no limit).",
    ),
    row("cors", Kind::Text, "*", "List of origins that browsers may call from."),
    row(
        "host-whitelist",
        Kind::Text,
        "*",
        "List of host names that HTTP requests without TLS may ask for.",
    ),
    row(
        "auth-token",
        Kind::Text,
        "simple",
        "The kind of tokens: 'simple', or 'jwt' with its options.",
    ),
    row(
        "auth-token-ttl",
        Kind::Uint,
        "300",
        "Seconds until a simple token expires.",
    ),
    row(
        "bcrypt-cost",
        Kind::Uint,
        "10",
        "Cost of hashing a password, from 4 to 31.",
    ),
];
