//! Flags about who calls.

use base::flags::pflag::{Flag, Kind};

use super::{later, row};

const CONFIG: &str = "authenticators are not read from a file yet; use the other flags of this section";
const OIDC: &str = "OpenID Connect is not offered yet; leave the flag out";
const WEBHOOK: &str = "nobody else is asked about tokens yet; leave the flag out";

pub(super) const ROWS: &[Flag] = &[
    row(
        "anonymous-auth",
        Kind::Bool,
        "true",
        "Take requests that nothing identifies as from system:anonymous in the group system:unauthenticated.",
    ),
    row(
        "api-audiences",
        Kind::Texts,
        "",
        "Names of this API, one of which a service account's token must be for; without it those of --service-account-issuer.",
    ),
    later(
        row(
            "authentication-config",
            Kind::Text,
            "",
            "File that says how tokens are checked and who may be anonymous.",
        ),
        CONFIG,
    ),
    later(
        row(
            "authentication-token-webhook-cache-ttl",
            Kind::Duration,
            "2m0s",
            "For how long a webhook's answer about a token is remembered.",
        ),
        WEBHOOK,
    ),
    later(
        row(
            "authentication-token-webhook-config-file",
            Kind::Text,
            "",
            "Kubeconfig that says who is asked about tokens.",
        ),
        WEBHOOK,
    ),
    later(
        row(
            "authentication-token-webhook-version",
            Kind::Text,
            "v1beta1",
            "Version of the TokenReview that a webhook is sent.",
        ),
        WEBHOOK,
    ),
    row(
        "client-ca-file",
        Kind::Text,
        "",
        "File with the authorities whose certificates identify clients: the CN is the user, each O a group.",
    ),
    row(
        "enable-bootstrap-token-auth",
        Kind::Bool,
        "false",
        "Take tokens of secrets of type bootstrap.kubernetes.io/token in kube-system.",
    ),
    later(
        row(
            "oidc-ca-file",
            Kind::Text,
            "",
            "File with the authorities that the issuer's certificate may come from.",
        ),
        OIDC,
    ),
    later(
        row("oidc-client-id", Kind::Text, "", "Client that tokens must be for."),
        OIDC,
    ),
    later(
        row(
            "oidc-groups-claim",
            Kind::Text,
            "",
            "Claim that holds the user's groups.",
        ),
        OIDC,
    ),
    later(
        row(
            "oidc-groups-prefix",
            Kind::Text,
            "",
            "What groups of tokens are made to begin with.",
        ),
        OIDC,
    ),
    later(
        row("oidc-issuer-url", Kind::Text, "", "https URL of the issuer of tokens."),
        OIDC,
    ),
    later(
        row(
            "oidc-required-claim",
            Kind::Claims,
            "",
            "A key=value pair that tokens must claim; may be repeated.",
        ),
        OIDC,
    ),
    later(
        row(
            "oidc-signing-algs",
            Kind::Texts,
            "RS256",
            "Algorithms that tokens may be signed with.",
        ),
        OIDC,
    ),
    later(
        row(
            "oidc-username-claim",
            Kind::Text,
            "sub",
            "Claim that holds the user's name.",
        ),
        OIDC,
    ),
    later(
        row(
            "oidc-username-prefix",
            Kind::Text,
            "",
            "What users of tokens are made to begin with; '-' means nothing.",
        ),
        OIDC,
    ),
    row(
        "requestheader-allowed-names",
        Kind::Texts,
        "",
        "CNs of proxies that may say who calls; none means all with a certificate of --requestheader-client-ca-file.",
    ),
    row(
        "requestheader-client-ca-file",
        Kind::Text,
        "",
        "File with the authorities of proxies that say in headers who calls.",
    ),
    row(
        "requestheader-extra-headers-prefix",
        Kind::Texts,
        "",
        "What headers with the user's extra fields begin with; usually X-Remote-Extra-.",
    ),
    row(
        "requestheader-group-headers",
        Kind::Texts,
        "",
        "Headers with the user's groups; usually X-Remote-Group.",
    ),
    row(
        "requestheader-uid-headers",
        Kind::Texts,
        "",
        "Headers with the user's UID; usually X-Remote-Uid.",
    ),
    row(
        "requestheader-username-headers",
        Kind::Texts,
        "",
        "Headers with the user's name; usually X-Remote-User.",
    ),
    row(
        "service-account-extend-token-expiration",
        Kind::Bool,
        "true",
        "Let tokens that admission puts into pods live up to a year, for programs that do not read them again.",
    ),
    row(
        "service-account-issuer",
        Kind::Array,
        "",
        "Issuer of service accounts' tokens, best an https URL; if repeated, the first signs and all are taken.",
    ),
    row(
        "service-account-jwks-uri",
        Kind::Text,
        "",
        "https URL of the keys in the discovery document, if it is not this apiserver's own.",
    ),
    row(
        "service-account-key-file",
        Kind::Array,
        "",
        "File with public or private keys, any of which may have signed a service account's token; may be repeated.",
    ),
    row(
        "service-account-lookup",
        Kind::Bool,
        "true",
        "Check that the secret or object of a service account's token still exists.",
    ),
    row(
        "service-account-max-token-expiration",
        Kind::Duration,
        "0s",
        "Longest life of a service account's token, from an hour on; 0 means no limit.",
    ),
    row(
        "token-auth-file",
        Kind::Text,
        "",
        "CSV file with tokens that identify users: token,user,uid,\"group,group\".",
    ),
];
