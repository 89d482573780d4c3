//! Metadata: reading, writing, and what a real server refuses.

use super::{
    add_finalizer, annotation, controller, finalizers, generation, is_deleting, label, remove_finalizer, set,
    set_annotation, set_label, set_name, validate, validate_known_finalizers, validate_update,
};
use crate::names;
use crate::path::Path;
use crate::refusal::Refusals;
use crate::tree::{Tree, parse};

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
    start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
    alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

fn tree(text: &str) -> Tree {
    parse(text.as_bytes()).unwrap().tree
}

fn refusals(metadata: &str) -> Vec<String> {
    let metadata = tree(metadata);
    let path = Path::of("metadata");
    let mut refusals = Refusals::new();
    validate(&path, &metadata, true, names::name_is_dns_subdomain, &mut refusals);
    validate_known_finalizers(&path.field("finalizers"), metadata.items("finalizers"), &mut refusals);
    refusals.iter().map(ToString::to_string).collect()
}

fn update(new: &str, old: &str) -> Vec<String> {
    let mut refusals = Refusals::new();
    validate_update(&Path::of("metadata"), &tree(new), &tree(old), &mut refusals);
    refusals.iter().map(ToString::to_string).collect()
}

/// Checks objects that are fine but for one field, which stands twice in them: the last counts.
fn check(cases: &[(&str, Vec<String>)]) {
    for (field, expected) in cases {
        let metadata = format!(r#"{{"name":"a","namespace":"t",{field}}}"#);
        assert_eq!(refusals(&metadata), *expected, "{field}");
    }
}

#[test]
fn new_objects_are_refused_as_a_real_server_does() {
    check(&[
        (r#""name":"""#, vec!["metadata.name: Required value: name or generateName is required".to_owned()]),
        (r#""name":"A""#, vec![format!("metadata.name: Invalid value: \"A\": {SUBDOMAIN}")]),
        (r#""generateName":"G""#, vec![format!("metadata.generateName: Invalid value: \"G\": {SUBDOMAIN}")]),
        (r#""generateName":"g-""#, vec![]),
        (r#""namespace":"""#, vec!["metadata.namespace: Required value".to_owned()]),
        (r#""namespace":"a.b""#, vec!["metadata.namespace: Invalid value: \"a.b\": must not contain dots".to_owned()]),
        (
            r#""generation":-1"#,
            vec!["metadata.generation: Invalid value: -1: must be greater than or equal to 0".to_owned()],
        ),
        (r#""labels":{"a b":"c"}"#, vec![format!("metadata.labels: Invalid value: \"a b\": {NAME}")]),
        (
            r#""annotations":{"":"x"}"#,
            vec![
                "metadata.annotations: Invalid value: \"\": name part must be non-empty".to_owned(),
                format!("metadata.annotations: Invalid value: \"\": {NAME}"),
            ],
        ),
        (r#""annotations":{"A/B":"any thing"}"#, vec![]),
        (
            r#""finalizers":["orphan","foregroundDeletion"]"#,
            vec![
                "metadata.finalizers: Invalid value: [\"orphan\",\"foregroundDeletion\"]: finalizer orphan and \
                 foregroundDeletion cannot be both set"
                    .to_owned(),
            ],
        ),
        (
            r#""finalizers":["e.com/x","x"]"#,
            vec![
                "metadata.finalizers[1]: Invalid value: \"x\": name is neither a standard finalizer name nor is it fully \
                 qualified"
                    .to_owned(),
            ],
        ),
    ]);
}

#[test]
fn references_and_fields_are_refused_as_a_real_server_does() {
    check(&[
        (
            r#""ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"","uid":""}]"#,
            vec![
                "metadata.ownerReferences.name: Invalid value: \"\": must not be empty".to_owned(),
                "metadata.ownerReferences.uid: Invalid value: \"\": must not be empty".to_owned(),
            ],
        ),
        (
            r#""ownerReferences":[{"apiVersion":"a/b/c","kind":"","name":"n","uid":"u"}]"#,
            vec![
                "metadata.ownerReferences.apiVersion: Invalid value: \"a/b/c\": version must not be empty".to_owned(),
                "metadata.ownerReferences.kind: Invalid value: \"\": must not be empty".to_owned(),
            ],
        ),
        (
            r#""ownerReferences":[{"apiVersion":"v1","kind":"Event","name":"x","uid":"u"}]"#,
            vec![
                "metadata.ownerReferences: Invalid value: \
                 {\"apiVersion\":\"v1\",\"kind\":\"Event\",\"name\":\"x\",\"uid\":\"u\"}: /v1, Kind=Event is disallowed from \
                 being an owner"
                    .to_owned(),
            ],
        ),
        (
            r#""ownerReferences":[{"apiVersion":"v1","controller":true,"kind":"Pod","name":"p","uid":"u"},
            {"apiVersion":"v1","blockOwnerDeletion":false,"controller":true,"kind":"Pod","name":"q","uid":"w"}]"#,
            vec![
                "metadata.ownerReferences: Invalid value: \
                 [{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"p\",\"uid\":\"u\",\"controller\":true},\
                 {\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"name\":\"q\",\"uid\":\"w\",\"controller\":true,\
                 \"blockOwnerDeletion\":false}]: Only one reference can have Controller set to true. Found \"true\" in \
                 references for Pod/p and Pod/q"
                    .to_owned(),
            ],
        ),
        (
            r#""managedFields":[{"operation":"x","fieldsType":"y","manager":"a\n"}]"#,
            vec![
                "metadata.managedFields[0].operation: Invalid value: \"x\": must be `Apply` or `Update`".to_owned(),
                "metadata.managedFields[0].fieldsType: Invalid value: \"y\": must be `FieldsV1`".to_owned(),
                "metadata.managedFields[0].manager: Invalid value: \"a\\n\": invalid character U+000A (at position 1)"
                    .to_owned(),
            ],
        ),
    ]);
}

#[test]
fn sizes_are_bounded() {
    let long = "x".repeat(super::ANNOTATIONS_SIZE_MAX);
    assert_eq!(
        refusals(&format!(
            r#"{{"name":"a","namespace":"t","annotations":{{"k":"{long}"}}}}"#
        )),
        ["metadata.annotations: Too long: may not be more than 262144 bytes"]
    );
    let (manager, subresource) = ("m".repeat(129), "s".repeat(257));
    let entry = format!(r#"{{"operation":"Apply","manager":"{manager}","subresource":"{subresource}"}}"#);
    assert_eq!(
        refusals(&format!(r#"{{"name":"a","namespace":"t","managedFields":[{entry}]}}"#)),
        [
            "metadata.managedFields[0].manager: Too long: may not be more than 128 bytes",
            "metadata.managedFields[0].subresource: Too long: may not be more than 256 bytes",
        ]
    );
}

#[test]
fn objects_of_the_cluster_have_no_namespace() {
    let mut refusals = Refusals::new();
    let metadata = tree(r#"{"name":"a","namespace":"t"}"#);
    validate(
        &Path::of("metadata"),
        &metadata,
        false,
        names::name_is_path_segment,
        &mut refusals,
    );
    assert_eq!(
        refusals.to_string(),
        "metadata.namespace: Forbidden: not allowed on this type"
    );
}

#[test]
fn updates_keep_what_is_fixed() {
    let old = r#"{"name":"a","namespace":"t","uid":"u","resourceVersion":"5","generation":2,"creationTimestamp":"c"}"#;
    assert_eq!(update(old, old), [""; 0]);
    assert_eq!(
        update(
            r#"{"name":"b","namespace":"s","generation":1,"deletionTimestamp":"d","deletionGracePeriodSeconds":3}"#,
            old
        ),
        [
            "metadata.resourceVersion: Invalid value: 0: must be specified for an update",
            "metadata.generation: Invalid value: 1: must not be decremented",
            "metadata.name: Invalid value: \"b\": field is immutable",
            "metadata.namespace: Invalid value: \"s\": field is immutable",
            "metadata.uid: Invalid value: \"\": field is immutable",
            "metadata.creationTimestamp: Invalid value: null: field is immutable",
            "metadata.deletionTimestamp: Invalid value: \"d\": field is immutable",
            "metadata.deletionGracePeriodSeconds: Invalid value: 3: field is immutable",
        ]
    );
    assert_eq!(
        update(
            r#"{"resourceVersion":"5","deletionTimestamp":"d","finalizers":["e.com/y","e.com/x","f"]}"#,
            r#"{"resourceVersion":"5","deletionTimestamp":"d","finalizers":["f"]}"#
        ),
        [
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers \
          []string{\"e.com/x\", \"e.com/y\"}"
        ]
    );
}

#[test]
fn metadata_is_read_and_written() {
    let mut object = Tree::Null;
    super::set_type(&mut object, "apps/v1", "Deployment");
    set_name(&mut object, "web");
    super::set_namespace(&mut object, "demo");
    super::set_uid(&mut object, "u");
    super::set_resource_version(&mut object, "7");
    super::set_generation(&mut object, 3);
    set_label(&mut object, "app", "web");
    set_annotation(&mut object, "note", "n");
    set(&mut object, "deletionTimestamp", "2026-01-01T00:00:00Z");
    set(&mut object, "deletionGracePeriodSeconds", 30_i64);
    set(&mut object, "creationTimestamp", "2025-01-01T00:00:00Z");
    set(&mut object, "generateName", "web-");
    let owners = r#"[{"name":"x"},{"name":"y","controller":true}]"#;
    set(&mut object, "ownerReferences", tree(owners));
    add_finalizer(&mut object, "a/b");
    add_finalizer(&mut object, "a/b");
    assert_eq!(
        (super::api_version(&object), super::kind(&object)),
        ("apps/v1", "Deployment")
    );
    assert_eq!(
        (super::name(&object), super::namespace(&object), super::uid(&object)),
        ("web", "demo", "u")
    );
    assert_eq!((super::resource_version(&object), generation(&object)), ("7", 3));
    assert_eq!((label(&object, "app"), label(&object, "x")), (Some("web"), None));
    assert_eq!(annotation(&object, "note"), Some("n"));
    assert_eq!(finalizers(&object).collect::<Vec<_>>(), ["a/b"]);
    assert_eq!(controller(&object).map(|owner| owner.text("name")), Some("y"));
    assert_eq!(super::generate_name(&object), "web-");
    assert_eq!(super::creation_timestamp(&object), Some("2025-01-01T00:00:00Z"));
    assert_eq!(super::deletion_timestamp(&object), Some("2026-01-01T00:00:00Z"));
    assert!(is_deleting(&object) && super::managed_fields(&object).is_empty());
    assert_eq!(super::deletion_grace_period_seconds(&object), Some(30));
    assert!(remove_finalizer(&mut object, "a/b") && !remove_finalizer(&mut object, "a/b"));
    set_name(&mut object, "");
    assert!(!super::metadata(&object).has("finalizers") && super::metadata(&object).get("name").is_none());
}

#[test]
fn owners_that_all_control_are_not_shown_for_each_of_them() {
    let owner = |at| format!(r#"{{"apiVersion":"v1","controller":true,"kind":"Pod","name":"p{at}","uid":"12345"}}"#);
    let owners: Vec<String> = (0..30_000).map(owner).collect();
    let metadata = tree(&format!(r#"{{"ownerReferences":[{}]}}"#, owners.join(",")));
    let mut refusals = Refusals::new();
    let path = Path::of("metadata");
    super::validate_owner_references(&path, metadata.items("ownerReferences"), &mut refusals);
    assert_eq!(refusals.len(), 29_999);
    let told: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    assert!(told[0].ends_with("in references for Pod/p0 and Pod/p1"));
    assert!(told.len() < 10);
}
