//! Flags about the store and what is kept in it.

use base::flags::pflag::{Flag, Kind};

use super::{later, retired, row};

const ENCRYPTION: &str = "objects are not encrypted at rest yet; leave the flag out";

pub(super) const ROWS: &[Flag] = &[
    retired(
        row(
            "default-watch-cache-size",
            Kind::Int,
            "100",
            "Without effect; caches grow as they need to.",
        ),
        "watch caches are sized automatically and this flag will be removed in a future version",
    ),
    row(
        "delete-collection-workers",
        Kind::Int,
        "1",
        "How many objects of a collection are deleted at a time.",
    ),
    row(
        "enable-garbage-collector",
        Kind::Bool,
        "true",
        "Keep objects until their dependents are gone where a deletion asks for it; must be as the controller manager's.",
    ),
    later(
        row(
            "encryption-provider-config",
            Kind::Text,
            "",
            "File that says which objects are encrypted in the store, and how.",
        ),
        ENCRYPTION,
    ),
    later(
        row(
            "encryption-provider-config-automatic-reload",
            Kind::Bool,
            "false",
            "Read the file of --encryption-provider-config again when it changes.",
        ),
        ENCRYPTION,
    ),
    row(
        "etcd-cafile",
        Kind::Text,
        "",
        "File with the authorities that the store's certificate may come from.",
    ),
    row(
        "etcd-certfile",
        Kind::Text,
        "",
        "File with the certificate shown to the store.",
    ),
    row(
        "etcd-compaction-interval",
        Kind::Duration,
        "5m0s",
        "How often old revisions are compacted away; 0 leaves that to others.",
    ),
    row(
        "etcd-count-metric-poll-period",
        Kind::Duration,
        "1m0s",
        "How often the objects of each kind are counted for the metrics; 0 means never.",
    ),
    row(
        "etcd-db-metric-poll-interval",
        Kind::Duration,
        "30s",
        "How often the store is asked for its size for the metrics; 0 means never.",
    ),
    row(
        "etcd-healthcheck-timeout",
        Kind::Duration,
        "2s",
        "How long /livez and /healthz wait for the store.",
    ),
    row(
        "etcd-keyfile",
        Kind::Text,
        "",
        "File with the private key of --etcd-certfile.",
    ),
    row(
        "etcd-prefix",
        Kind::Text,
        "/registry",
        "What all keys in the store begin with.",
    ),
    row(
        "etcd-readycheck-timeout",
        Kind::Duration,
        "2s",
        "How long /readyz waits for the store.",
    ),
    row(
        "etcd-servers",
        Kind::Texts,
        "",
        "URLs of the store's members (scheme://host:port), separated by commas.",
    ),
    row(
        "etcd-servers-overrides",
        Kind::Texts,
        "",
        "Stores of single resources as group/resource#servers, separated by commas, their URLs by semicolons.",
    ),
    row(
        "lease-reuse-duration-seconds",
        Kind::Int,
        "60",
        "For how many seconds objects that expire are put on the same lease.",
    ),
    row(
        "storage-backend",
        Kind::Text,
        "",
        "Kind of store; 'etcd3' is the only one, and the default.",
    ),
    row(
        "storage-media-type",
        Kind::Text,
        "application/vnd.kubernetes.protobuf",
        "Form of objects in the store; they are written as JSON here, with the default too.",
    ),
    row(
        "watch-cache",
        Kind::Bool,
        "true",
        "Answer clients that are content with any resourceVersion from memory; false asks the store first, for all resources.",
    ),
    row(
        "watch-cache-sizes",
        Kind::Texts,
        "",
        "As resource[.group]#size; the size 0 is --watch-cache=false for one built-in resource, others mean nothing.",
    ),
];
