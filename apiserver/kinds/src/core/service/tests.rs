//! Services as clients write them.

use super::SERVICE as KIND;
use super::allocation::{needs_address, needs_health_check_port, needs_node_port, settle};
use crate::trial::{Outcome, cells, create, object, refused, tree, update, update_status, warnings};

fn with(spec: &str) -> String {
    format!(r#"{{"spec": {{"ports": [{{"port": 80}}], {spec}}}}}"#)
}

#[test]
fn ports_and_policies_have_defaults() {
    let made = create(&KIND, &with(r#""selector": {"a": "b"}"#)).unwrap();
    let spec = made.at("spec");
    assert_eq!(
        spec.items("ports")[0],
        tree(r#"{"port": 80, "protocol": "TCP", "targetPort": 80}"#)
    );
    for (field, value) in [
        ("type", "ClusterIP"),
        ("sessionAffinity", "None"),
        ("internalTrafficPolicy", "Cluster"),
    ] {
        assert_eq!(spec.text(field), value);
    }
    assert_eq!(made.at("status"), &tree(r#"{"loadBalancer": {}}"#));
    let made = create(&KIND, &with(r#""sessionAffinity": "ClientIP""#)).unwrap();
    assert_eq!(
        made.at("spec")
            .at("sessionAffinityConfig")
            .at("clientIP")
            .int("timeoutSeconds"),
        10800
    );
}

#[test]
fn a_spec_is_sound() {
    for (spec, count) in [
        (r#""type": "x""#, 1),
        (r#""type": "ExternalName", "externalName": "a.b.""#, 0),
        (
            r#""type": "ExternalName", "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"]"#,
            2,
        ),
        (r#""clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.2"]"#, 1),
        (r#""clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1", "10.0.0.2"]"#, 1),
        (
            r#""clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv6"]"#,
            1,
        ),
        (r#""type": "NodePort", "clusterIP": "None", "clusterIPs": ["None"]"#, 1),
        (r#""ipFamilies": ["a", "a"], "ipFamilyPolicy": "b""#, 4),
        (r#""externalIPs": ["127.0.0.1"]"#, 1),
        (
            r#""sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 0}}"#,
            1,
        ),
        (r#""loadBalancerSourceRanges": ["10.0.0.1/8"]"#, 2),
        (r#""loadBalancerClass": "a""#, 1),
        (r#""type": "LoadBalancer", "loadBalancerClass": "a b""#, 1),
        (r#""type": "LoadBalancer", "externalTrafficPolicy": "Local""#, 1),
        (r#""externalTrafficPolicy": "Local", "healthCheckNodePort": 1"#, 2),
        (r#""internalTrafficPolicy": "x", "trafficDistribution": "y""#, 2),
        (r#""allocateLoadBalancerNodePorts": false"#, 1),
        (r#""selector": {"a b": "c d"}"#, 2),
    ] {
        let told = refused(&KIND, &with(spec));
        assert_eq!(told.len(), count, "{spec}: {told:?}");
    }
    assert_eq!(refused(&KIND, r#"{"spec": {}}"#), ["spec.ports: Required value"]);
}

#[test]
fn ports_are_named_and_stand_once() {
    for (ports, count) in [
        (
            r#"{"name": "a", "port": 1}, {"name": "b", "port": 1, "protocol": "UDP"}"#,
            0,
        ),
        (r#"{"name": "a", "port": 1}, {"port": 2}"#, 1),
        (r#"{"name": "a", "port": 1}, {"name": "a", "port": 1}"#, 2),
        (r#"{"port": 1, "nodePort": 30000}"#, 1),
        (r#"{"port": 1, "targetPort": "A"}"#, 2),
        (r#"{"port": 0}"#, 2),
    ] {
        let told = refused(&KIND, &format!(r#"{{"spec": {{"ports": [{ports}]}}}}"#));
        assert_eq!(told.len(), count, "{ports}: {told:?}");
    }
}

#[test]
fn addresses_stay_and_go_only_with_the_type() {
    let old = with(
        r#""clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack""#,
    );
    assert!(update(&KIND, &old, &old).is_ok());
    assert!(update(&KIND, &old, &old.replace("10.0.0.1", "10.0.0.2")).is_err());
    let named = old.replace(
        r#""clusterIP":"#,
        r#""type": "ExternalName", "externalName": "a", "clusterIP":"#,
    );
    let made = update(&KIND, &old, &named).unwrap();
    for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        assert!(!made.at("spec").has(field), "{field}");
    }
    let both = old
        .replace(r#"["10.0.0.1"]"#, r#"["10.0.0.1", "fd00::1"]"#)
        .replace(r#"["IPv4"]"#, r#"["IPv4", "IPv6"]"#);
    let both = both.replace("SingleStack", "RequireDualStack");
    assert!(update(&KIND, &old, &both).is_ok());
    assert_eq!(
        update(&KIND, &both, &old.replace("SingleStack", "PreferDualStack"))
            .unwrap_err()
            .len(),
        2
    );
}

#[test]
fn what_a_type_does_not_need_goes_with_it() {
    let old = r#"{"spec": {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30000}], "loadBalancerClass": "a",
        "externalTrafficPolicy": "Local", "healthCheckNodePort": 31000},
        "status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}}"#;
    let made = update(&KIND, old, &old.replace("LoadBalancer", "ClusterIP")).unwrap();
    let spec = made.at("spec");
    for field in ["loadBalancerClass", "externalTrafficPolicy", "healthCheckNodePort"] {
        assert!(!spec.has(field), "{field}");
    }
    assert!(!spec.items("ports")[0].has("nodePort"));
    assert_eq!(made.at("status").at("loadBalancer"), &tree("{}"));
    assert!(update(&KIND, old, &old.replace(r#""a""#, r#""b""#)).is_err());
    assert!(update(&KIND, old, &old.replace("31000", "31001")).is_err());
}

#[test]
fn a_policy_for_those_outside_goes_with_their_last_way_in() {
    let old = with(r#""externalIPs": ["1.2.3.4"], "externalTrafficPolicy": "Cluster""#);
    let inner = old.replace(r#"["1.2.3.4"]"#, "[]");
    let made = update(&KIND, &old, &inner).unwrap();
    assert!(!made.at("spec").has("externalTrafficPolicy"));
    let unknown = old.replace(r#""externalIPs""#, r#""type": "x", "externalIPs""#);
    assert_eq!(update(&KIND, &old, &unknown).unwrap_err().len(), 1);
    // Who changes it means it.
    let meant = inner.replace("Cluster", "Local");
    assert_eq!(update(&KIND, &old, &meant).unwrap_err().len(), 1);
}

#[test]
fn an_update_tells_once_what_is_wrong_with_the_metadata() {
    let old = with(r#""type": "ClusterIP""#);
    let new = format!(r#"{{"metadata": {{"finalizers": ["x"]}}, {}"#, &old[1..]);
    let told = update(&KIND, &old, &new).unwrap_err();
    assert!(
        told.len() == 1 && told[0].starts_with("metadata.finalizers[0]: "),
        "{told:?}"
    );
    assert_eq!(refused(&KIND, &new).len(), 1);
}

#[test]
fn only_a_load_balancer_says_where_it_is_reached() {
    let status = |of: &str, ingress: &str| {
        format!(r#"{{"spec": {{"type": "{of}"}}, "status": {{"loadBalancer": {{"ingress": [{ingress}]}}}}}}"#)
    };
    for (of, ingress, count) in [
        ("LoadBalancer", r#"{"ip": "1.2.3.4"}, {"hostname": "a.b"}"#, 0),
        ("LoadBalancer", r#"{"ip": "1.2.3.4", "ipMode": "x"}"#, 1),
        ("LoadBalancer", r#"{"hostname": "1.2.3.4", "ipMode": "VIP"}"#, 2),
        ("ClusterIP", r#"{"ip": "1.2.3.4"}"#, 1),
    ] {
        let old = status(of, "");
        let told = update_status(&KIND, &old, &status(of, ingress))
            .err()
            .unwrap_or_default();
        assert_eq!(told.len(), count, "{told:?}");
    }
}

/// A service after the first step of allocation.
fn settled(old: Option<&str>, new: &str, families: &[&str]) -> Outcome {
    let old = old.map(|old| object(&KIND, old));
    let mut new = object(&KIND, new);
    match settle(&mut new, old.as_ref(), families) {
        Ok(()) => Ok(new),
        Err(status) => Err(vec![status.to_tree().text("message").to_owned()]),
    }
}

#[test]
fn families_follow_addresses_policy_and_cluster() {
    let list = |json: &str, families: &[&str]| {
        settled(None, json, families).map(|made| made.at("spec").at("ipFamilies").clone())
    };
    let (one, both) = (&["IPv4"][..], &["IPv4", "IPv6"][..]);
    let (v4, v4_and_v6) = (tree(r#"["IPv4"]"#), tree(r#"["IPv4", "IPv6"]"#));
    assert_eq!(list(&with(r#""selector": {}"#), both), Ok(v4.clone()));
    assert_eq!(list(&with(r#""ipFamilyPolicy": "PreferDualStack""#), one), Ok(v4));
    assert_eq!(
        list(&with(r#""ipFamilyPolicy": "PreferDualStack""#), both),
        Ok(v4_and_v6.clone())
    );
    assert_eq!(list(&with(r#""clusterIP": "None""#), one), Ok(v4_and_v6));
    assert!(list(&with(r#""ipFamilyPolicy": "RequireDualStack""#), one).is_err());
    assert!(list(&with(r#""ipFamilies": ["IPv6"]"#), one).is_err());
    assert!(list(&with(r#""clusterIP": "fd00::1""#), one).is_err());
    assert!(
        list(
            &with(r#""ipFamilies": ["IPv4", "IPv6"], "ipFamilyPolicy": "SingleStack""#),
            both
        )
        .is_err()
    );
}

#[test]
fn what_was_given_is_taken_over() {
    let old = r#"{"spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30000}], "clusterIP": "10.0.0.1",
        "clusterIPs": ["10.0.0.1"], "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}}"#;
    let made = settled(Some(old), &with(r#""type": "NodePort""#), &["IPv4"]).unwrap();
    let spec = made.at("spec");
    assert_eq!(spec.at("clusterIPs"), &tree(r#"["10.0.0.1"]"#));
    assert_eq!(spec.items("ports")[0].int("nodePort"), 30000);
    assert!(!needs_address(&made) && needs_node_port(&made) && !needs_health_check_port(&made));
    let both = old
        .replace(r#"["10.0.0.1"]"#, r#"["10.0.0.1", "fd00::1"]"#)
        .replace(r#"["IPv4"]"#, r#"["IPv4", "IPv6"]"#);
    let both = both.replace("SingleStack", "RequireDualStack");
    let made = settled(
        Some(&both),
        &both.replace("RequireDualStack", "SingleStack"),
        &["IPv4", "IPv6"],
    )
    .unwrap();
    assert_eq!(made.at("spec").items("clusterIPs").len(), 1);
}

#[test]
fn clients_are_warned_of_what_is_ignored() {
    for (spec, count) in [
        (r#""clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"]"#, 0),
        (r#""externalIPs": ["1.2.3.4"]"#, 1),
        (r#""externalName": "a", "loadBalancerIP": "010.0.0.1""#, 2),
        (r#""clusterIP": "None", "sessionAffinity": "ClientIP""#, 1),
        (r#""trafficDistribution": "PreferClose""#, 1),
        (r#""type": "ExternalName", "externalIPs": ["1.2.3.4"]"#, 1),
    ] {
        assert_eq!(warnings(&KIND, &with(spec)).len(), count, "{spec}");
    }
}

#[test]
fn a_table_shows_where_a_service_is_reached() {
    let json = r#"{"spec": {"type": "LoadBalancer", "ports": [{"port": 80, "nodePort": 30000}], "externalIPs": ["9.9.9.9"]},
        "status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}, {"hostname": "h"}]}}}"#;
    assert_eq!(
        cells(&KIND, json)[1..5],
        ["LoadBalancer", "<none>", "1.2.3.4,h,9.9.9.9", "80:30000/TCP"]
    );
    assert_eq!(
        cells(&KIND, r#"{"spec": {"type": "LoadBalancer"}}"#)[3..5],
        ["<pending>", "<none>"]
    );
}

#[test]
fn networks_that_a_service_had_may_stay_as_they_are() {
    let ranges = |list: &str| {
        with(&format!(
            r#""type": "LoadBalancer", "loadBalancerSourceRanges": {list}"#
        ))
    };
    let (padded, bare) = (ranges(r#"[" 010.0.0.0/8 "]"#), ranges(r#"["010.0.0.0/8"]"#));
    for (old, new) in [(&padded, &bare), (&bare, &padded)] {
        assert!(update(&KIND, old, new).is_ok(), "{new}");
    }
    let annotated = |list: &str, rest: &str| {
        let metadata = format!(
            r#"{{"metadata": {{"annotations":
                {{"service.beta.kubernetes.io/load-balancer-source-ranges": "{list}"}}}}, "#
        );
        with(&format!(r#""type": "LoadBalancer"{rest}"#)).replacen('{', &metadata, 1)
    };
    let odd = annotated("010.0.0.0/8", "");
    let told = "metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]: Invalid value: \
                \"010.0.0.0/8\": must not have leading 0s in IP or prefix length";
    assert_eq!(refused(&KIND, &odd), [told]);
    let changed = annotated(
        "010.0.0.0/8",
        r#", "sessionAffinity": "None", "externalTrafficPolicy": "Cluster""#,
    );
    assert!(update(&KIND, &odd, &changed).is_ok());
    assert_eq!(update(&KIND, &odd, &annotated(" 010.0.0.0/8", "")).unwrap_err(), [told]);
}

#[test]
fn addresses_of_a_balancer_that_are_written_oddly_are_told() {
    let status = r#"{"status": {"loadBalancer": {"ingress": [{"hostname": "a.b"}, {"ip": "FD00::1"}]}}}"#;
    let rules = KIND.rules.status().unwrap();
    assert_eq!(
        rules.warnings(&tree(status), &tree("{}")),
        [
            "status.loadBalancer.ingress[1]: IPv6 address \"FD00::1\" should be in RFC 5952 canonical format \
             (\"fd00::1\")"
        ]
    );
}
