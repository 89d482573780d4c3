//! What a patch makes of a config map, and how a result that is none is refused.

use apiserver_api::status::Status;
use apiserver_api::tree::{Tree, parse};
use bytes::Bytes;

use super::{Patch, PatchKind, Write, go_map};
use crate::catalog::Catalog;
use crate::discovery::Served;
use crate::options::WriteOptions;
use crate::request::tests::call;

const OLD: &str = r#"{"kind":"ConfigMap","apiVersion":"v1","data":{"b":"1","a":"2"},
    "metadata":{"name":"c","namespace":"t","uid":"u","resourceVersion":"1","labels":{"x":"y"}}}"#;

/// The object that comes of a patch, and what the client is warned of.
fn patched(kind: PatchKind, validation: &str, patch: &str) -> Result<(Tree, Vec<String>), Status> {
    let catalog = Catalog::new(&Served::default(), |_| None);
    let resource = catalog.find("", "v1", "configmaps").unwrap();
    let call = call("PATCH", &format!("/?fieldManager=m&fieldValidation={validation}"));
    let options = WriteOptions::of_patch(&call.query, false).unwrap();
    let write = Write {
        call: &call,
        resource,
        speech: &**resource,
        subresource: "",
        namespace: "t",
        name: "c",
        options: &options,
    };
    let bytes = Bytes::copy_from_slice(patch.as_bytes());
    let patch = Patch { kind, bytes: &bytes };
    let old = parse(OLD.as_bytes()).unwrap().tree;
    let new = patch.apply(&write, Some(&old))?;
    Ok((new, call.warnings.into_inner().texts().to_vec()))
}

fn refused(kind: PatchKind, patch: &str) -> String {
    patched(kind, "Strict", patch).unwrap_err().message
}

#[test]
fn a_refusal_quotes_the_result_as_upstream_holds_it() {
    let quoted = |labels: &str| {
        let shown = format!(r#"{{"apiVersion":"v1","data":{{"a":"2","b":1}},"kind":"ConfigMap","metadata":{labels}}}"#);
        let shown = apiserver_api::go::quote(&shown);
        format!(
            " \"\" is invalid: patch: Invalid value: {shown}: json: cannot unmarshal number into Go struct field \
             ConfigMap.data of type string"
        )
    };
    let untouched = quoted(r#"{"name":"c","namespace":"t","uid":"u","resourceVersion":"1","labels":{"x":"y"}}"#);
    assert_eq!(refused(PatchKind::Merge, r#"{"data":{"b":1}}"#), untouched);
    let replace = r#"[{"op":"replace","path":"/data/b","value":1}]"#;
    assert_eq!(refused(PatchKind::Json, replace), untouched);
    let opened = quoted(r#"{"labels":{"x":"y"},"name":"c","namespace":"t","resourceVersion":"1","uid":"u"}"#);
    let both = r#"{"data":{"b":1},"metadata":{"name":"c"}}"#;
    assert_eq!(refused(PatchKind::Merge, both), opened);
}

#[test]
fn a_strategic_result_is_read_by_the_converter() {
    assert_eq!(
        refused(PatchKind::Strategic, r#"{"data":{"b":{"c":"d"}}}"#),
        " \"\" is invalid: patch: Invalid value: \"map[data:map[b:map[c:d]]]\": unrecognized type: string"
    );
    // Unknown fields are told in the order of their names, and the kind is known already.
    let patch = r#"{"kind":"Secret","z":1,"metadata":{"y":1}}"#;
    let (new, warnings) = patched(PatchKind::Strategic, "Warn", patch).unwrap();
    assert_eq!(new.text("kind"), "ConfigMap");
    assert_eq!(warnings, [r#"unknown field "metadata.y""#, r#"unknown field "z""#]);
    let told = refused(PatchKind::Strategic, r#"{"z":1}"#);
    assert!(
        told.ends_with(r#": strict decoding error: unknown field "z""#),
        "{told}"
    );
}

#[test]
fn a_configuration_whose_values_do_not_fit_is_the_client_s_mistake() {
    let config = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"binaryData":{"b":"?"}}"#;
    let status = patched(PatchKind::Apply, "Strict", config).unwrap_err();
    assert_eq!(
        (status.code, status.message.as_str()),
        (
            400,
            "failed to convert new object (/c; /v1, Kind=ConfigMap) to proper version: unable to convert unstructured \
             object to /v1, Kind=ConfigMap: error decoding from json: illegal base64 data at input byte 0"
        )
    );
}

#[test]
fn a_value_that_reads_itself_is_refused_in_its_own_words_when_it_is_applied() {
    let config = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c","creationTimestamp":"x"}}"#;
    let told = refused(PatchKind::Apply, config);
    assert!(
        told.contains("unstructured object to /v1, Kind=ConfigMap: parsing time \"x\""),
        "{told}"
    );
}

#[test]
fn a_result_without_a_version_has_no_name() {
    let undeterminable = "the name of the object (c based on URL) was undeterminable: name must be provided";
    for (kind, patch) in [
        (PatchKind::Merge, r#"{"apiVersion":null}"#),
        (PatchKind::Merge, r#"{"apiVersion":""}"#),
        (PatchKind::Json, r#"[{"op":"remove","path":"/apiVersion"}]"#),
    ] {
        for validation in ["Ignore", "Warn"] {
            let status = patched(kind, validation, patch).unwrap_err();
            assert_eq!((status.code, status.message.as_str()), (400, undeterminable));
        }
        let told = refused(kind, patch);
        assert!(
            told.ends_with(r#": strict decoding error: unknown field "data", unknown field "metadata""#),
            "{told}"
        );
    }
    let secret = |patch| patched(PatchKind::Merge, "Ignore", patch).unwrap_err().message;
    assert!(
        secret(r#"{"apiVersion":"","kind":"Secret"}"#)
            .ends_with(": converting (core.Secret) to (core.ConfigMap): unknown conversion")
    );
    assert!(secret(r#"{"apiVersion":"","kind":"X"}"#).ends_with(
        r#": no kind "X" is registered for the internal version of group "" in scheme "pkg/api/legacyscheme/scheme.go:30""#
    ));
    let (new, _) = patched(PatchKind::Strategic, "Strict", r#"{"apiVersion":null}"#).unwrap();
    assert_eq!(new.text("apiVersion"), "v1");
}

#[test]
fn numbers_that_no_double_holds_are_no_patch() {
    let large = |kind, validation, patch| match patched(kind, validation, patch) {
        Err(status) => (status.code, status.message),
        Ok(_) => (200, String::new()),
    };
    let told = "json: cannot unmarshal number 1e400 into Go";
    let patch = r#"{"foo":1e400}"#;
    let strategic = (400, format!("{told} value of type float64"));
    assert_eq!(large(PatchKind::Strategic, "Ignore", patch), strategic);
    let merge = (400, format!("error decoding patch: {told} value of type float64"));
    assert_eq!(large(PatchKind::Merge, "Warn", patch), merge);
    assert_eq!(large(PatchKind::Merge, "Ignore", patch).0, 200);
    let operation = r#"[{"op":"add","path":"/foo","value":[1e400]}]"#;
    let json = format!("error decoding patch: {told} struct field jsonPatchOp.value of type float64");
    assert_eq!(large(PatchKind::Json, "Strict", operation), (400, json));
    assert_eq!(large(PatchKind::Json, "Ignore", operation).0, 200);
}

#[test]
fn a_patch_is_quoted_as_go_prints_a_map() {
    let quoted = |patch: &str| {
        let mut out = String::new();
        go_map(&parse(patch.as_bytes()).unwrap().tree, &mut out);
        out
    };
    assert_eq!(
        quoted(r#"{"b":{},"a":[1,null,"x y",[],true,{"d":1.5,"c":"<"}]}"#),
        "map[a:[1 <nil> x y [] true map[c:< d:1.5]] b:map[]]"
    );
    let text = "x".repeat(1_000_000);
    let deep = format!(r#"{}"{text}"{}"#, "[".repeat(300), "]".repeat(300));
    assert!(quoted(&deep) == format!("{}{text}{}", "[".repeat(300), "]".repeat(300)));
}
