//! The bytes of answers.

use apiserver_api::tree::Tree;
use apiserver_api::yaml;
use apiserver_schema::protobuf;
use bytes::{Bytes, BytesMut};

use super::order;
use crate::request::Call;
use crate::request::accept::{Form, Wanted};

/// A tree in the form that is wanted; nothing where it does not have it.
pub(super) fn write(call: &Call, wanted: Wanted, tree: &Tree) -> Option<Vec<u8>> {
    Some(match wanted.form {
        Form::Protobuf => protobuf::object(tree)?,
        Form::Yaml => yaml::to_yaml(tree).into_bytes(),
        Form::Json if wanted.pretty || call.is_pretty() => tree.to_pretty_json(order::of(tree)),
        Form::Json => {
            let mut out = Vec::with_capacity(256);
            compact(tree, &mut out);
            out.push(b'\n');
            out
        }
    })
}

/// Appends a tree as JSON, its fields in upstream's order where that is known.
pub(crate) fn compact(tree: &Tree, out: &mut Vec<u8>) {
    tree.write_json_in(order::of(tree), out);
}

/// A stored body with the type of a version before it.
pub(super) fn joined(head: &str, body: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(head.len() + body.len() + 2);
    join(head, body, &mut out);
    out.extend_from_slice(b"\n");
    out.freeze()
}

/// Appends a stored body with the type of a version before it.
pub(super) fn join(head: &str, body: &[u8], out: &mut BytesMut) {
    out.extend_from_slice(b"{");
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(b",");
    out.extend_from_slice(&body[1..]);
}

/// The metadata of an object alone, without those of its annotations that upstream has as fields.
pub(crate) fn metadata(version: &str, object: &Tree, fields: &[&str]) -> Tree {
    let mut metadata = object.at("metadata").clone();
    if let Some(annotations) = metadata.get_mut("annotations") {
        for name in fields {
            annotations.remove(name);
        }
        if annotations.is_zero() {
            metadata.remove("annotations");
        }
    }
    let mut partial = Tree::map();
    partial.set("kind", "PartialObjectMetadata");
    partial.set("apiVersion", version);
    partial.set("metadata", metadata);
    partial
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::parse;

    use super::metadata;

    #[test]
    fn metadata_alone_has_no_annotation_that_is_a_field() {
        let shown = |annotations: &str| {
            let object = format!(r#"{{"metadata":{{"name":"n","annotations":{annotations}}},"spec":{{}}}}"#);
            let object = parse(object.as_bytes()).unwrap().tree;
            let metadata = metadata("v1", &object, &["field"]).at("metadata").to_json();
            String::from_utf8(metadata).unwrap()
        };
        assert_eq!(shown(r#"{"field":"1"}"#), r#"{"name":"n"}"#);
        assert_eq!(
            shown(r#"{"a":"b","field":"1"}"#),
            r#"{"annotations":{"a":"b"},"name":"n"}"#
        );
    }
}
