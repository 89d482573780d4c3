//! Claims as clients write them.

use super::PERSISTENT_VOLUME_CLAIM as KIND;
use crate::trial::{cells, create, refused, tree, update, update_status, warnings};

fn with(more: &str) -> String {
    sized("1Gi", more)
}

fn sized(size: &str, more: &str) -> String {
    format!(
        r#"{{"spec": {{"accessModes": ["ReadWriteOnce"], "resources": {{"requests": {{"storage": "{size}"}}}}{more}}}}}"#
    )
}

#[test]
fn a_new_claim_is_pending() {
    let made = create(&KIND, &with("")).unwrap();
    assert_eq!(made.at("spec").text("volumeMode"), "Filesystem");
    assert_eq!(made.at("status"), &tree(r#"{"phase": "Pending"}"#));
}

#[test]
fn both_data_sources_say_the_same() {
    let made = create(
        &KIND,
        &with(r#", "dataSource": {"kind": "PersistentVolumeClaim", "name": "a"}"#),
    )
    .unwrap();
    assert_eq!(made.at("spec").at("dataSourceRef").text("name"), "a");
    let made = create(
        &KIND,
        &with(r#", "dataSourceRef": {"apiGroup": "a.b", "kind": "C", "name": "d"}"#),
    )
    .unwrap();
    assert_eq!(made.at("spec").at("dataSource").text("kind"), "C");
    let made = create(
        &KIND,
        &with(r#", "dataSource": {"apiGroup": "a.b", "kind": "C", "name": "d"}"#),
    )
    .unwrap();
    assert!(!made.at("spec").has("dataSource"));
    let both = r#", "dataSource": {"kind": "PersistentVolumeClaim", "name": "a"},
        "dataSourceRef": {"kind": "PersistentVolumeClaim", "name": "b"}"#;
    assert_eq!(
        refused(&KIND, &with(both)),
        ["spec: Invalid value: {}: must match dataSourceRef"]
    );
}

#[test]
fn a_spec_is_sound() {
    for (json, count) in [
        (r#"{"spec": {}}"#.to_owned(), 2),
        (sized("0", ""), 1),
        (with(r#", "storageClassName": "A""#), 1),
        (with(r#", "volumeMode": "x""#), 1),
        (with(r#", "selector": {"matchLabels": {"a": "b c"}}"#), 1),
        (with(r#", "dataSourceRef": {"kind": "A"}"#), 4),
    ] {
        let told = refused(&KIND, &json);
        assert_eq!(told.len(), count, "{told:?}");
    }
    assert_eq!(warnings(&KIND, &sized("100m", "")).len(), 1);
}

#[test]
fn a_claim_takes_a_volume_and_a_class_once() {
    assert!(update(&KIND, &with(""), &with(r#", "volumeName": "v""#)).is_ok());
    assert!(update(&KIND, &with(r#", "volumeName": "v""#), &with(r#", "volumeName": "w""#)).is_err());
    assert!(update(&KIND, &with(""), &with(r#", "storageClassName": "c""#)).is_ok());
    assert!(update(&KIND, &with(r#", "storageClassName": "c""#), &with("")).is_err());
    assert!(update(&KIND, &with(""), &sized("1024Mi", "")).is_ok());
}

#[test]
fn only_bound_claims_grow() {
    let told = update(&KIND, &with(""), &sized("2Gi", "")).unwrap_err();
    assert!(
        told.len() == 1 && told[0].contains("\n-   \"storage\": \"1Gi\"\n+   \"storage\": \"2Gi\"\n"),
        "{told:?}"
    );
    let bound = |json: String, capacity: &str| {
        let status = format!(r#"{{"status": {{"phase": "Bound", "capacity": {{"storage": "{capacity}"}}}}, "#);
        json.replacen('{', &status, 1)
    };
    assert!(update(&KIND, &bound(with(""), "1Gi"), &bound(sized("2Gi", ""), "1Gi")).is_ok());
    assert!(update(&KIND, &bound(sized("3Gi", ""), "1Gi"), &bound(sized("2Gi", ""), "1Gi")).is_ok());
    assert!(update(&KIND, &bound(sized("3Gi", ""), "2Gi"), &bound(sized("2Gi", ""), "2Gi")).is_err());
}

#[test]
fn attributes_go_until_the_volume_has_them() {
    let claim = |class: &str, current: &str| {
        let status = format!(r#"{{"status": {{"phase": "Bound"{current}}}, "#);
        with(class).replacen('{', &status, 1)
    };
    let (one, empty) = (
        r#", "volumeAttributesClassName": "a""#,
        r#", "volumeAttributesClassName": """#,
    );
    let current = r#", "currentVolumeAttributesClassName": "a""#;
    let told = |value: &str| {
        format!(
            "spec.volumeAttributesClassName: Forbidden: update to {value} is forbidden when \
             status.currentVolumeAttributesClassName is not nil"
        )
    };
    for (class, current, expected) in [
        ("", "", None),
        (empty, "", None),
        ("", current, Some(told("nil"))),
        (empty, current, Some(told("empty string"))),
        (r#", "volumeAttributesClassName": "b""#, current, None),
    ] {
        let said = update(&KIND, &claim(one, current), &claim(class, current)).err();
        assert_eq!(said.unwrap_or_default(), Vec::from_iter(expected), "{class} {current}");
    }
    let none = claim("", current);
    assert!(update(&KIND, &none, &none).is_ok());
    assert!(update(&KIND, &with(one), &with("")).is_err(), "it is not bound");
}

#[test]
fn a_status_counts_storage() {
    let status = |json: &str| with("").replacen('{', &format!(r#"{{"status": {{{json}}}, "#), 1);
    for (json, count) in [
        (
            r#""capacity": {"storage": "1"}, "allocatedResources": {"storage": "1"}"#,
            0,
        ),
        (r#""capacity": {"storage": "-1"}"#, 1),
        (r#""allocatedResources": {"cpu": "1"}"#, 1),
        (r#""allocatedResourceStatuses": {"storage": "x"}"#, 1),
        (r#""allocatedResourceStatuses": {"a.b/c": "NodeResizePending"}"#, 0),
    ] {
        let told = update_status(&KIND, &with(""), &status(json)).err().unwrap_or_default();
        assert_eq!(told.len(), count, "{told:?}");
    }
}

#[test]
fn a_table_shows_what_a_volume_gave() {
    let json = with(r#", "volumeName": "v""#).replacen(
        '{',
        r#"{"status": {"capacity": {"storage": "2Gi"}, "accessModes": ["ReadOnlyMany"]}, "#,
        1,
    );
    assert_eq!(cells(&KIND, &json)[1..7], ["Pending", "v", "2Gi", "ROX", "", "<unset>"]);
    assert_eq!(cells(&KIND, &with(""))[3..5], ["", ""]);
}
