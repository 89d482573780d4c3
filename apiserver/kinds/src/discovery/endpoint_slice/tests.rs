//! Endpoint slices through their rules.

use super::ENDPOINT_SLICE;
use crate::trial::{cells, create, object, refused, update, warnings};

fn with(of: &str, endpoint: &str) -> String {
    format!(r#"{{"addressType": "{of}", "endpoints": [{{{endpoint}}}]}}"#)
}

#[test]
fn ports_have_a_name_and_a_protocol() {
    let made = create(
        &ENDPOINT_SLICE,
        r#"{"addressType": "IPv4", "endpoints": [], "ports": [{"port": 1}]}"#,
    )
    .unwrap();
    let port = &made.items("ports")[0];
    assert_eq!((port.at("name").as_str(), port.text("protocol")), (Some(""), "TCP"));
    assert!(made.at("endpoints").is_null());
    assert_eq!(made.at("metadata").int("generation"), 1);
}

#[test]
fn addresses_are_of_the_type() {
    for (of, address, field) in [
        ("IPv4", "fd00::1", "endpoints[0].addresses: "),
        ("IPv6", "10.0.0.1", "endpoints[0].addresses: "),
        ("IPv4", "010.0.0.1", "endpoints[0].addresses[0]: "),
        ("IPv4", "127.0.0.1", "endpoints[0].addresses[0]: "),
        ("FQDN", "a", "endpoints[0].addresses[0]: "),
        ("IP", "10.0.0.1", "addressType: "),
    ] {
        let told = refused(&ENDPOINT_SLICE, &with(of, &format!(r#""addresses": ["{address}"]"#)));
        assert!(told.len() == 1 && told[0].starts_with(field), "{told:?}");
    }
    let fqdn = with("FQDN", r#""addresses": ["a.example.com"]"#);
    assert_eq!(refused(&ENDPOINT_SLICE, &fqdn), [""; 0]);
    assert_eq!(warnings(&ENDPOINT_SLICE, &fqdn).len(), 1);
}

#[test]
fn ports_are_told_before_endpoints() {
    let slice = r#"{"addressType": "IPv4", "endpoints": [{"addresses": ["x"]}], "ports": [{"name": "A"}]}"#;
    let told = refused(&ENDPOINT_SLICE, slice);
    let fields: Vec<_> = told.iter().filter_map(|text| text.split(':').next()).collect();
    assert_eq!(fields, ["ports[0].name", "endpoints[0].addresses[0]"]);
    assert_eq!(refused(&ENDPOINT_SLICE, &slice.replace(r#""A""#, r#""a""#)).len(), 1);
}

#[test]
fn hints_name_each_zone_and_node_once() {
    let hints = |list: &str| with("IPv4", &format!(r#""addresses": ["10.0.0.1"], "hints": {{{list}}}"#));
    for (list, count) in [
        (r#""forZones": [{"name": "a"}], "forNodes": [{"name": "a"}]"#, 0),
        (r#""forZones": [{"name": "a"}, {"name": "a"}]"#, 1),
        (r#""forNodes": [{"name": "A"}]"#, 1),
    ] {
        assert_eq!(refused(&ENDPOINT_SLICE, &hints(list)).len(), count, "{list}");
    }
}

#[test]
fn the_generation_counts_changes_and_the_type_stays() {
    let old = with("IPv4", r#""addresses": ["10.0.0.1"]"#);
    let generation = |new: &str| {
        update(&ENDPOINT_SLICE, &old, new)
            .unwrap()
            .at("metadata")
            .int("generation")
    };
    assert_eq!(generation(&old), 0);
    assert_eq!(generation(&with("IPv4", r#""addresses": ["10.0.0.2"]"#)), 1);
    assert!(update(&ENDPOINT_SLICE, &old, &with("FQDN", r#""addresses": ["a.b"]"#)).is_err());
}

#[test]
fn a_table_shows_ports_and_addresses() {
    let json = r#"{"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}], "ports": [{"port": 80}, {"name": "a"}]}"#;
    assert_eq!(cells(&ENDPOINT_SLICE, json)[1..4], ["IPv4", "80,a", "10.0.0.1"]);
    for (ports, shown) in [
        (r#"[{"protocol": "TCP"}]"#, "<unset>"),
        (r#"[{"name": "a", "port": 80}, {"protocol": "UDP"}]"#, "80,"),
        ("[]", "<unset>"),
    ] {
        assert_eq!(
            cells(&ENDPOINT_SLICE, &format!(r#"{{"ports": {ports}}}"#))[2],
            shown,
            "{ports}"
        );
    }
}

#[test]
fn what_upstream_s_own_controllers_write_is_not_told_of() {
    let odd = with("IPv6", r#""addresses": ["FD00::1"]"#);
    assert_eq!(warnings(&ENDPOINT_SLICE, &odd).len(), 1);
    for (manager, count) in [
        ("endpointslice-controller.k8s.io", 0),
        ("endpointslicemirroring-controller.k8s.io", 0),
        ("mine", 1),
    ] {
        let labels =
            format!(r#"{{"metadata": {{"labels": {{"endpointslice.kubernetes.io/managed-by": "{manager}"}}}}, "#);
        assert_eq!(
            warnings(&ENDPOINT_SLICE, &odd.replacen('{', &labels, 1)).len(),
            count,
            "{manager}"
        );
    }
    let names = object(&ENDPOINT_SLICE, &with("FQDN", r#""addresses": ["a.b"]"#));
    assert_eq!(ENDPOINT_SLICE.rules.warnings(&names, None).len(), 1);
    assert!(
        ENDPOINT_SLICE.rules.warnings(&names, Some(&names)).is_empty(),
        "only new ones are told of"
    );
}
