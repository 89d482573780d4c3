//! The media types that operations send and answer.

use super::Options;

const JSON: &str = "application/json";
const YAML: &str = "application/yaml";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const CBOR: &str = "application/cbor";

/// The media types of objects.
pub(super) fn object_types(options: &Options) -> Vec<&'static str> {
    let cbor = options.cbor.then_some(CBOR);
    [JSON, YAML, PROTOBUF].into_iter().chain(cbor).collect()
}

/// The media types of what is no resource.
pub(super) const PLAIN_TYPES: [&str; 3] = [JSON, YAML, PROTOBUF];

/// The media types of lists that may go on as watches.
pub(super) fn stream_types(options: &Options) -> Vec<&'static str> {
    let streams = [
        "application/json;stream=watch",
        "application/vnd.kubernetes.protobuf;stream=watch",
    ];
    let cbor = options.cbor.then_some("application/cbor-seq");
    object_types(options).into_iter().chain(streams).chain(cbor).collect()
}

/// The media types of patches.
pub(super) fn patch_types(options: &Options) -> Vec<&'static str> {
    let types = [
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
    ];
    let cbor = options.cbor.then_some("application/apply-patch+cbor");
    types.into_iter().chain(cbor).collect()
}
