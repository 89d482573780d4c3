//! Volumes as clients write them.

use super::PERSISTENT_VOLUME as KIND;
use crate::trial::{cells, create, refused, update, update_status, warnings};

fn with(more: &str) -> String {
    format!(r#"{{"spec": {{"accessModes": ["ReadWriteOnce"], "capacity": {{"storage": "1Gi"}}, {more}}}}}"#)
}

const HOST: &str = r#""hostPath": {"path": "/x"}"#;

#[test]
fn a_new_volume_is_pending_and_retained() {
    let made = create(&KIND, &with(HOST)).unwrap();
    let (spec, status) = (made.at("spec"), made.at("status"));
    assert_eq!(spec.text("persistentVolumeReclaimPolicy"), "Retain");
    assert_eq!(spec.text("volumeMode"), "Filesystem");
    assert_eq!(spec.at("hostPath").at("type").as_str(), Some(""));
    assert_eq!(status.text("phase"), "Pending");
    assert_eq!(status.text("lastPhaseTransitionTime"), "2026-01-01T00:00:00Z");
}

#[test]
fn a_spec_is_sound() {
    for (more, count) in [
        (HOST, 0),
        (
            r#""hostPath": {"path": "/x"}, "persistentVolumeReclaimPolicy": "x"}"#.trim_end_matches('}'),
            1,
        ),
        (
            r#""hostPath": {"path": "/"}, "persistentVolumeReclaimPolicy": "Recycle""#,
            1,
        ),
        (r#""hostPath": {"path": "/x"}, "storageClassName": "A""#, 1),
        (r#""hostPath": {"path": "/x"}, "volumeAttributesClassName": """#, 2),
        (r#""hostPath": {"path": "/x"}, "nodeAffinity": {}"#, 1),
        (
            r#""local": {"path": "/x"}, "nodeAffinity": {"required": {"nodeSelectorTerms": [{}]}}"#,
            0,
        ),
    ] {
        let told = refused(&KIND, &with(more));
        assert_eq!(told.len(), count, "{told:?}");
    }
    let told = refused(
        &KIND,
        r#"{"spec": {"hostPath": {"path": "/x"}, "capacity": {"cpu": "0"}}}"#,
    );
    assert_eq!(told.len(), 3, "{told:?}");
}

#[test]
fn the_source_stays() {
    let told = update(&KIND, &with(HOST), &with(r#""hostPath": {"path": "/y"}"#)).unwrap_err();
    assert_eq!(
        told,
        [
            "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n@@ -2,7 +2,7 @@\n  \
          \"GCEPersistentDisk\": null,\n  \"AWSElasticBlockStore\": null,\n  \"HostPath\": {\n-  \"Path\": \"/x\",\n+  \"Path\": \
          \"/y\",\n   \"Type\": \"\"\n  },\n  \"Glusterfs\": null,\n"
        ]
    );
    let csi = |more: &str| with(&format!(r#""csi": {{"driver": "d", "volumeHandle": "h"{more}}}"#));
    let secret = csi(r#", "controllerExpandSecretRef": {"name": "n", "namespace": "t"}"#);
    assert!(update(&KIND, &csi(""), &secret).is_ok());
    assert!(update(&KIND, &secret, &csi("")).is_err());
}

#[test]
fn labels_of_nodes_may_take_their_new_names() {
    let affinity = |key: &str| {
        with(&format!(
            r#"{HOST}, "nodeAffinity": {{"required": {{"nodeSelectorTerms": [{{"matchExpressions": [{{"key": "{key}", "operator": "Exists"}}]}}]}}}}"#
        ))
    };
    let (old, new) = (affinity("beta.kubernetes.io/os"), affinity("kubernetes.io/os"));
    assert!(update(&KIND, &old, &new).is_ok());
    assert!(update(&KIND, &new, &old).is_err());
    assert_eq!(warnings(&KIND, &old).len(), 1);
}

#[test]
fn clients_are_warned_of_what_is_gone() {
    let json = with(r#""cephfs": {"monitors": ["m"]}, "persistentVolumeReclaimPolicy": "Recycle""#);
    assert_eq!(warnings(&KIND, &json).len(), 2);
}

#[test]
fn the_time_of_a_phase_is_kept() {
    let status = |phase: &str| with(HOST).replacen('{', &format!(r#"{{"status": {{"phase": "{phase}"}}, "#), 1);
    let made = update_status(&KIND, &status("Pending"), &status("Bound")).unwrap();
    assert_eq!(
        made.at("status").text("lastPhaseTransitionTime"),
        "2026-01-01T00:00:00Z"
    );
    let made = update_status(&KIND, &status("Bound"), &status("Bound")).unwrap();
    assert!(!made.at("status").has("lastPhaseTransitionTime"));
}

#[test]
fn a_table_shows_size_and_claim() {
    let shown = cells(&KIND, &with(r#""claimRef": {"namespace": "t", "name": "c"}"#));
    assert_eq!(shown[1..7], ["1Gi", "RWO", "Retain", "Pending", "t/c", ""]);
}
