//! Objects by what they say they are.

use std::sync::LazyLock;

use apiserver_api::tree::Tree;

use super::wire::bytes;
use super::{encode, seal};
use crate::model::TypeId;
use crate::table::built_in;

/// The types that all groups share.
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

/// The type of an object of an API version and kind; nothing where it is not built in, or has no form in protobuf.
pub fn type_of(api_version: &str, kind: &str) -> Option<TypeId> {
    let schema = built_in();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let package = match group {
        "" => "io.k8s.api.core",
        "apiextensions.k8s.io" => "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
        "apiregistration.k8s.io" => "io.k8s.kube-aggregator.pkg.apis.apiregistration",
        "internal.apiserver.k8s.io" => "io.k8s.api.apiserverinternal",
        named => &format!("io.k8s.api.{}", named.split('.').next().unwrap_or_default()),
    };
    let id = schema.named(&format!("{package}.{version}.{kind}")).or_else(|| {
        // What tells of the API itself may say no version.
        let shared = group.is_empty() && matches!(version, "" | "v1");
        shared.then(|| schema.named(&format!("{META}.{kind}")))?
    })?;
    schema.get(id).typed.then_some(id)
}

/// The message of an object that says what it is; nothing where it has no form in protobuf.
pub fn message(tree: &Tree) -> Option<Vec<u8>> {
    let (api_version, kind) = (tree.text("apiVersion"), tree.text("kind"));
    if kind == "PartialObjectMetadata" && api_version.starts_with("meta.k8s.io/") {
        return Some(partial(tree.at("metadata")));
    }
    Some(encode(type_of(api_version, kind)?, tree))
}

/// The same in an envelope.
pub fn object(tree: &Tree) -> Option<Vec<u8>> {
    Some(seal(tree.text("apiVersion"), tree.text("kind"), &message(tree)?))
}

/// The message of an object of which nothing but its metadata is told.
pub fn partial(metadata: &Tree) -> Vec<u8> {
    static OBJECT: LazyLock<Option<TypeId>> = LazyLock::new(|| built_in().named(&format!("{META}.ObjectMeta")));
    let mut out = Vec::new();
    if let Some(id) = *OBJECT {
        bytes(1, &encode(id, metadata), &mut out);
    }
    out
}

/// The message of a list's own metadata.
pub fn list_metadata(metadata: &Tree) -> Vec<u8> {
    static LIST: LazyLock<Option<TypeId>> = LazyLock::new(|| built_in().named(&format!("{META}.ListMeta")));
    LIST.map(|id| encode(id, metadata)).unwrap_or_default()
}
