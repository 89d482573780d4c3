//! Small facts of discovery, and the whole of it by digest.

use std::collections::BTreeMap;

use apiserver_api::tree::{Tree, parse};
use sha2::{Digest as _, Sha256};

use super::{
    GROUPS, RuntimeConfigError, Served, api_versions, core_group, group, group_list, named_groups, resource_list,
};

fn configured(config: &[(&str, &str)]) -> Result<Served, RuntimeConfigError> {
    let config = config
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Served::configured(&config.collect::<BTreeMap<_, _>>())
}

fn names<'t>(items: &'t [Tree], field: &str) -> Vec<&'t str> {
    items.iter().map(|item| item.text(field)).collect()
}

fn resource<'t>(list: &'t Tree, name: &str) -> &'t Tree {
    let mut resources = list.items("resources").iter();
    resources.find(|one| one.text("name") == name).unwrap()
}

#[test]
fn every_version_of_every_kind_stands_among_the_groups() {
    for kind in apiserver_kinds::all() {
        let group = GROUPS.iter().find(|group| group.name == kind.group).unwrap();
        for version in kind.versions {
            assert!(group.versions.contains(&version.name), "{} {}", kind.kind, version.name);
        }
    }
}

#[test]
fn stable_versions_are_served_and_no_others() {
    let served = Served::default();
    let groups = group_list(&served);
    let groups = groups.items("groups");
    assert_eq!(groups.len(), 20);
    assert_eq!(
        names(groups, "name")[..3],
        ["apiregistration.k8s.io", "apps", "events.k8s.io"]
    );
    for group in groups {
        let versions = names(group.items("versions"), "version");
        assert!(versions.iter().all(|version| !version.contains('a')), "{versions:?}");
    }
    assert!(group(&served, "internal.apiserver.k8s.io").is_none());
    assert!(resource_list(&served, "networking.k8s.io", "v1beta1").is_none());
}

#[test]
fn the_preferred_version_is_the_first() {
    let hpa = group(&Served::default(), "autoscaling").unwrap();
    assert_eq!(hpa.at("preferredVersion").text("groupVersion"), "autoscaling/v2");
    assert_eq!(names(hpa.items("versions"), "version"), ["v2", "v1"]);
}

#[test]
fn the_core_group_says_where_the_server_is() {
    let document = api_versions(&Served::default(), &[("0.0.0.0/0", "10.0.0.1:6443")]);
    assert_eq!(
        String::from_utf8(document.to_json()).unwrap(),
        r#"{"kind":"APIVersions","serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":"10.0.0.1:6443"}],"versions":["v1"]}"#
    );
}

#[test]
fn a_resource_says_how_it_is_stored() {
    let list = resource_list(&Served::default(), "", "v1").unwrap();
    assert_eq!(resource(&list, "configmaps").text("storageVersionHash"), "qFsyl6wFWjQ=");
    assert!(!resource(&list, "bindings").has("storageVersionHash"));
    let events = resource_list(&Served::default(), "events.k8s.io", "v1").unwrap();
    assert_eq!(
        resource(&events, "events").text("storageVersionHash"),
        resource(&list, "events").text("storageVersionHash")
    );
    assert!(!list.has("apiVersion"));
}

#[test]
fn a_subresource_of_another_group_says_which() {
    let list = resource_list(&Served::default(), "apps", "v1").unwrap();
    let scale = resource(&list, "deployments/scale");
    assert_eq!(
        [scale.text("group"), scale.text("version"), scale.text("kind")],
        ["autoscaling", "v1", "Scale"]
    );
    assert!(!resource(&list, "deployments/status").has("group"));
    let core = resource_list(&Served::default(), "", "v1").unwrap();
    assert!(!resource(&core, "pods/exec").has("group"));
}

#[test]
fn switches_count_in_their_order_and_single_versions_for_more() {
    let served = configured(&[
        ("api/all", "false"),
        ("api/beta", "true"),
        ("apps/v1", "true"),
        ("storage.k8s.io/v1beta1", "0"),
    ])
    .unwrap();
    assert!(resource_list(&served, "", "v1").is_none());
    assert!(resource_list(&served, "networking.k8s.io", "v1beta1").is_some());
    assert!(resource_list(&served, "apps", "v1").is_some());
    assert!(group(&served, "storage.k8s.io").is_none());
}

#[test]
fn a_single_resource_counts_for_more_than_its_version() {
    let served = configured(&[
        ("apps/v1", "false"),
        ("apps/v1/deployments", ""),
        ("/v1/events", "false"),
    ])
    .unwrap();
    let apps = resource_list(&served, "apps", "v1").unwrap();
    assert_eq!(
        names(apps.items("resources"), "name"),
        ["deployments", "deployments/scale", "deployments/status"]
    );
    let core = resource_list(&served, "", "v1").unwrap();
    assert!(core.items("resources").iter().all(|one| one.text("name") != "events"));
}

#[test]
fn a_wrong_configuration_is_told_as_upstream_does() {
    for (key, value, message) in [
        ("api/all", "false", "invalid runtime-config with only api/all=false"),
        ("api/beta", "yes", "invalid value api/beta=yes"),
        ("v1", "true", "runtime-config invalid key v1"),
        ("nope/v1", "true", "unknown api groups nope/v1"),
        ("apps/v9", "true", "group version apps/v9 that has not been registered"),
        (
            "apps/v1",
            "yes",
            "invalid value of apps/v1: yes, err: strconv.ParseBool: parsing \"yes\": invalid syntax",
        ),
        (
            "apps/v1/Deployments",
            "true",
            "invalid key apps/v1/Deployments: group/version/resource and resource is always lowercase plural, not \"Deployments\"",
        ),
    ] {
        assert_eq!(configured(&[(key, value)]).unwrap_err().to_string(), message);
    }
}

#[test]
fn a_version_that_no_kind_has_any_more_may_be_named() {
    assert_eq!(configured(&[("apps/v1beta1", "true")]), Ok(Served::default()));
}

#[test]
fn aggregated_documents_hold_the_subresources_and_a_tag() {
    let served = Served::default();
    let core = core_group(&served);
    assert!(core.tag.len() == 130 && core.tag.starts_with('"') && core.tag.ends_with('"'));
    let document = parse(&core.json).unwrap().tree;
    let group = &document.items("items")[0];
    assert!(!group.at("metadata").has("name"));
    let version = &group.items("versions")[0];
    assert_eq!((version.text("version"), version.text("freshness")), ("v1", "Current"));
    let mut resources = version.items("resources").iter();
    let pods = resources.find(|one| one.text("resource") == "pods").unwrap();
    assert_eq!(
        (pods.text("scope"), pods.text("singularResource")),
        ("Namespaced", "pod")
    );
    let eviction = &pods.items("subresources")[3];
    assert_eq!(eviction.text("subresource"), "eviction");
    assert_eq!(eviction.at("responseKind").text("group"), "policy");
    assert_ne!(core.tag, named_groups(&served).tag);
    assert_eq!(core.tag, core_group(&served).tag);
}

#[test]
fn what_is_served_by_default_changes_knowingly() {
    let served = Served::default();
    let mut all = Sha256::new();
    let mut resources = 0;
    for (name, versions) in served.groups().chain([("", vec!["v1"])]) {
        for version in versions {
            let list = resource_list(&served, name, version).unwrap();
            resources += list.items("resources").len();
            all.update(list.to_json());
        }
    }
    all.update(core_group(&served).json);
    all.update(named_groups(&served).json);
    let digest = format!("{:x}", all.finalize());
    assert_eq!((resources, &digest[..16]), (113, "93bbcd8f54a96d6b"));
}
