//! Nodes as clients write them.

use super::NODE;
use crate::trial::{cells, create, refused, tree, update, update_status, warnings};

fn spec(json: &str) -> String {
    format!(r#"{{"spec": {{{json}}}}}"#)
}

fn status(json: &str) -> String {
    format!(r#"{{"status": {{{json}}}}}"#)
}

#[test]
fn both_forms_of_pod_networks_say_the_same() {
    for (json, list) in [
        (r#""podCIDR": "10.0.0.0/24""#, r#"["10.0.0.0/24"]"#),
        (r#""podCIDRs": ["10.0.0.0/24"]"#, r#"["10.0.0.0/24"]"#),
        (
            r#""podCIDR": "10.0.0.0/24", "podCIDRs": ["10.0.1.0/24"]"#,
            r#"["10.0.0.0/24"]"#,
        ),
    ] {
        let made = create(&NODE, &spec(json)).unwrap();
        assert_eq!(made.at("spec").at("podCIDRs"), &tree(list));
        assert_eq!(made.at("spec").text("podCIDR"), "10.0.0.0/24");
    }
}

#[test]
fn there_is_one_pod_network_of_each_family_and_it_stays() {
    for (list, count) in [
        (r#"["10.0.0.0/24", "fd00::/64"]"#, 0),
        (r#"["10.0.0.1/24"]"#, 1),
        (r#"["10.0.0.0/24", "10.0.1.0/24"]"#, 1),
        (r#"["a", "a"]"#, 4),
    ] {
        let told = refused(&NODE, &spec(&format!(r#""podCIDRs": {list}"#)));
        assert_eq!(told.len(), count, "{told:?}");
    }
    let (old, new) = (spec(r#""podCIDR": "10.0.0.0/24""#), spec(r#""podCIDR": "10.0.1.0/24""#));
    assert!(update(&NODE, "{}", &old).is_ok());
    assert!(update(&NODE, &old, &new).is_err());
}

#[test]
fn taints_have_an_effect_and_stand_once() {
    for (list, count) in [
        (
            r#"[{"key": "a", "effect": "NoExecute"}, {"key": "a", "effect": "NoSchedule"}]"#,
            0,
        ),
        (r#"[{"key": "a"}]"#, 1),
        (r#"[{"key": "a", "effect": "x"}]"#, 1),
        (
            r#"[{"key": "a", "effect": "NoExecute"}, {"key": "a", "effect": "NoExecute"}]"#,
            1,
        ),
        (r#"[{"key": "a b", "effect": "NoExecute"}]"#, 1),
    ] {
        let told = refused(&NODE, &spec(&format!(r#""taints": {list}"#)));
        assert_eq!(told.len(), count, "{told:?}");
    }
    let annotation = r#"{"metadata": {"annotations": {"scheduler.alpha.kubernetes.io/taints": "x"}}}"#;
    assert_eq!(refused(&NODE, annotation).len(), 1);
}

#[test]
fn the_spec_keeps_its_provider_and_external_id() {
    let old = spec(r#""providerID": "a""#);
    assert!(update(&NODE, "{}", &old).is_ok());
    assert!(update(&NODE, &old, "{}").is_err());
    assert!(update(&NODE, "{}", &spec(r#""externalID": "a""#)).is_err());
    assert_eq!(warnings(&NODE, &spec(r#""externalID": "a""#)).len(), 1);
}

#[test]
fn the_status_is_sound() {
    for (json, count) in [
        (r#""capacity": {"cpu": "1"}"#, 0),
        (r#""capacity": {"cpu": "-1"}"#, 2),
        (r#""allocatable": {"pods": "0.5"}"#, 1),
        (
            r#""addresses": [{"type": "a", "address": "b"}, {"type": "a", "address": "b"}]"#,
            1,
        ),
        (r#""declaredFeatures": ["A", "B/c"]"#, 0),
        (r#""declaredFeatures": ["B", "A"]"#, 1),
        (r#""declaredFeatures": ["a"]"#, 1),
    ] {
        let told = update_status(&NODE, "{}", &status(json)).err().unwrap_or_default();
        assert_eq!(told.len(), count, "{told:?}");
    }
    let made = create(&NODE, &status(r#""capacity": {"cpu": "1"}"#)).unwrap();
    assert_eq!(made.at("status").at("allocatable").text("cpu"), "1");
}

#[test]
fn configuration_by_nodes_stays_only_where_it_is_in_use() {
    let json = spec(r#""configSource": {"configMap": {"name": "n", "namespace": "t", "kubeletConfigKey": "k"}}"#);
    assert!(!create(&NODE, &json).unwrap().at("spec").has("configSource"));
    assert!(update(&NODE, &json, &json).unwrap().at("spec").has("configSource"));
    let uid = json.replace(r#""name""#, r#""uid": "u", "name""#);
    assert_eq!(update(&NODE, &json, &uid).unwrap_err().len(), 1);
    assert_eq!(
        update(&NODE, &json, &spec(r#""configSource": {}"#)).unwrap_err().len(),
        1
    );
    let config = status(r#""config": {"active": {"configMap": {}}}"#);
    assert_eq!(update_status(&NODE, &config, &config).unwrap_err().len(), 5);
}

#[test]
fn a_table_shows_status_roles_and_addresses() {
    let json = r#"{"metadata": {"labels": {"node-role.kubernetes.io/b": "", "kubernetes.io/role": "a"}},
        "spec": {"unschedulable": true}, "status": {"conditions": [{"type": "Ready", "status": "True"}],
        "addresses": [{"type": "InternalIP", "address": "1.2.3.4"}],
        "nodeInfo": {"kernelVersion": "6.1", "architecture": "amd64"}}}"#;
    let shown = cells(&NODE, json);
    assert_eq!(shown[1..3], ["Ready,SchedulingDisabled", "a,b"]);
    assert_eq!(
        shown[5..],
        ["1.2.3.4", "<none>", "<unknown>", "6.1 (amd64)", "<unknown>"]
    );
    assert_eq!(cells(&NODE, "{}")[1..3], ["Unknown", "<none>"]);
}
