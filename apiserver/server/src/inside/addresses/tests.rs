//! What services get and give back, by what is asked for.

use std::sync::Arc;

use apiserver_api::meta;
use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::Tree;
use prometheus::Registry;

use super::{NodePorts, PortRange, ServiceAddresses};
use crate::inside::objects::{ENDPOINTS, IP_ADDRESSES, SERVICE_CIDRS, object};
use crate::inside::testing::{Double, RangeKey, json, parts};
use crate::metrics::Metrics;

const PORTS: PortRange = PortRange {
    first: 30_000,
    last: 32_767,
};

struct Trial {
    double: Double,
    key: Arc<RangeKey>,
    ports: Arc<NodePorts>,
    addresses: ServiceAddresses,
}

async fn trial(ranges: &[&str]) -> Trial {
    let (double, _, parts) = parts();
    let cidrs = ranges.iter().copied().collect::<Tree>();
    let mut cidr = object("networking.k8s.io/v1", "ServiceCIDR", "", "kubernetes");
    cidr.child("spec").set("cidrs", cidrs);
    double.put(&SERVICE_CIDRS, cidr);
    let key = Arc::new(RangeKey::default());
    let ports = Arc::new(NodePorts::new(PORTS, key.clone(), parts.random.clone()));
    assert!(ports.rebuild(|stored| stored.taken.clone()).await.unwrap());
    let ranges: Vec<String> = ranges.iter().map(|&range| range.to_owned()).collect();
    let metrics = Metrics::new(&Registry::new(), &[]).unwrap();
    let addresses = ServiceAddresses::new(parts.cluster, parts.random, &ranges, Arc::clone(&ports), &metrics).unwrap();
    Trial {
        double,
        key,
        ports,
        addresses,
    }
}

/// A service with defaults, of this spec.
fn service(spec: &str) -> Tree {
    let mut service = json(&format!(r#"{{"spec":{spec}}}"#));
    meta::set_type(&mut service, "v1", "Service");
    meta::set_name(&mut service, "s");
    meta::set_namespace(&mut service, "n");
    let kind = apiserver_kinds::find("", "services").unwrap();
    kind.rules.default(&mut service);
    service
}

const PLAIN: &str = r#"{"ports":[{"port":80}]}"#;

fn texts(service: &Tree, field: &str) -> Vec<String> {
    let items = service.at("spec").items(field).iter();
    items.map(|item| item.as_str().unwrap_or_default().to_owned()).collect()
}

fn node_ports(service: &Tree) -> Vec<i64> {
    let ports = service.at("spec").items("ports").iter();
    ports.map(|port| port.int("nodePort")).collect()
}

impl Trial {
    async fn create(&self, spec: &str) -> Result<Tree, Status> {
        let mut new = service(spec);
        self.addresses.begin(&mut new, None, false).await?.commit().await;
        Ok(new)
    }

    async fn update(&self, old: &Tree, spec: &str) -> Result<Tree, Status> {
        let mut new = service(spec);
        self.addresses.begin(&mut new, Some(old), false).await?.commit().await;
        Ok(new)
    }

    async fn try_create(&self, spec: &str) -> Result<Tree, Status> {
        let mut new = service(spec);
        self.addresses.begin(&mut new, None, true).await?.commit().await;
        Ok(new)
    }

    /// What is refused: the code and the words.
    async fn refused(&self, spec: &str) -> (u16, String) {
        let status = self.create(spec).await.unwrap_err();
        (status.code, status.message)
    }

    fn taken(&self) -> Vec<String> {
        self.double.names(&IP_ADDRESSES)
    }
}

#[tokio::test]
async fn a_service_gets_an_address_of_the_upper_band_and_an_object_for_it() {
    let trial = trial(&["10.0.0.0/16"]).await;
    let made = trial.create(PLAIN).await.unwrap();
    let ip = made.at("spec").text("clusterIP").to_owned();
    assert_eq!(texts(&made, "clusterIPs"), [ip.as_str()]);
    let last: std::net::Ipv4Addr = ip.parse().unwrap();
    assert!(last.to_bits() > u32::from_be_bytes([10, 0, 1, 0]), "{ip}");
    let address = trial.double.get(&IP_ADDRESSES, "", &ip).unwrap();
    assert_eq!(
        String::from_utf8(address.at("spec").to_json()).unwrap(),
        r#"{"parentRef":{"name":"s","namespace":"n","resource":"services"}}"#
    );
    assert_eq!(meta::label(&address, "ipaddress.kubernetes.io/ip-family"), Some("IPv4"));
    assert_eq!(
        meta::label(&address, "ipaddress.kubernetes.io/managed-by"),
        Some("ipallocator.k8s.io")
    );
    trial.double.put(&ENDPOINTS, object("v1", "Endpoints", "n", "s"));
    trial.addresses.release(&made).await;
    assert_eq!((trial.taken(), trial.double.names(&ENDPOINTS)), (vec![], vec![]));
}

#[tokio::test]
async fn an_address_that_is_asked_for_is_given_once_and_from_the_networks_only() {
    let trial = trial(&["10.0.0.0/16"]).await;
    let nine = r#"{"clusterIP":"10.0.0.9","ports":[{"port":80}]}"#;
    assert_eq!(
        trial.create(nine).await.unwrap().at("spec").text("clusterIP"),
        "10.0.0.9"
    );
    let (code, message) = trial.refused(nine).await;
    assert_eq!(
        (code, message.as_str()),
        (
            422,
            r#"Service "s" is invalid: spec.clusterIPs: Invalid value: ["10.0.0.9"]: failed to allocate IP 10.0.0.9: provided IP is already allocated"#
        )
    );
    for ip in ["127.0.0.1", "10.0.0.0", "10.0.255.255"] {
        let (_, message) = trial
            .refused(&format!(r#"{{"clusterIP":"{ip}","ports":[{{"port":80}}]}}"#))
            .await;
        let tail = format!("failed to allocate IP {ip}: the provided network does not match the current range");
        assert!(message.ends_with(&tail), "{message}");
    }
}

#[tokio::test]
async fn nothing_is_taken_for_a_dry_run() {
    let trial = trial(&["10.0.0.0/16"]).await;
    let before = trial.key.value();
    let any = r#"{"type":"LoadBalancer","externalTrafficPolicy":"Local","ports":[{"name":"a","port":80},{"name":"b","port":81}]}"#;
    let made = trial.try_create(any).await.unwrap();
    let spec = made.at("spec");
    assert_eq!(spec.text("clusterIP"), "10.0.0.0");
    assert_eq!(
        (node_ports(&made), spec.int("healthCheckNodePort")),
        (vec![32_769, 32_770], 32_771)
    );
    assert_eq!((trial.taken(), trial.key.value()), (vec![], before));
    let status = trial
        .try_create(r#"{"clusterIP":"127.0.0.1","ports":[{"port":80}]}"#)
        .await
        .unwrap_err();
    assert_eq!(
        status.message,
        r#"Service "s" is invalid: spec.clusterIPs: Invalid value: ["127.0.0.1"]: failed to allocate IP 127.0.0.1: the provided IP (127.0.0.1) is not in the valid range. The range of valid IPs is 10.0.0.0/16"#
    );
    trial.ports.take(30_001).await.unwrap();
    let taken = r#"{"type":"NodePort","ports":[{"port":80,"nodePort":30001}]}"#;
    let status = trial.try_create(taken).await.unwrap_err();
    assert!(
        status
            .message
            .ends_with("spec.ports[0].nodePort: Invalid value: 30001: provided port is already allocated")
    );
}

#[tokio::test]
async fn both_families_get_an_address_or_none_does() {
    let trial = trial(&["10.0.0.0/16", "fd00::/112"]).await;
    let both = r#"{"ipFamilyPolicy":"RequireDualStack","ports":[{"port":80}]}"#;
    let made = trial.create(both).await.unwrap();
    assert_eq!(texts(&made, "ipFamilies"), ["IPv4", "IPv6"]);
    assert_eq!(trial.taken().len(), 2);
    let asked = r#"{"ipFamilyPolicy":"RequireDualStack","clusterIP":"10.0.0.9","clusterIPs":["10.0.0.9","fd01::9"],"ports":[{"port":80}]}"#;
    let (_, message) = trial.refused(asked).await;
    assert!(
        message.contains(r#"Invalid value: ["10.0.0.9","fd01::9"]: failed to allocate IP fd01::9"#),
        "{message}"
    );
    assert_eq!(trial.taken().len(), 2);
}

#[tokio::test]
async fn a_second_family_comes_and_goes() {
    let trial = trial(&["10.0.0.0/16", "fd00::/112"]).await;
    let one = trial.create(PLAIN).await.unwrap();
    let first = one.at("spec").text("clusterIP").to_owned();
    let two = trial
        .update(&one, r#"{"ipFamilyPolicy":"PreferDualStack","ports":[{"port":80}]}"#)
        .await
        .unwrap();
    assert_eq!((texts(&two, "clusterIPs").len(), trial.taken().len()), (2, 2));
    let back = trial
        .update(&two, r#"{"ipFamilyPolicy":"SingleStack","ports":[{"port":80}]}"#)
        .await
        .unwrap();
    assert_eq!(texts(&back, "clusterIPs"), [first.as_str()]);
    assert_eq!(trial.taken(), [first]);
}

#[tokio::test]
async fn a_service_that_becomes_a_name_gives_its_address_back_once_it_is_written() {
    let trial = trial(&["10.0.0.0/16"]).await;
    let made = trial
        .create(r#"{"type":"NodePort","ports":[{"port":80}]}"#)
        .await
        .unwrap();
    let port = node_ports(&made)[0];
    let named = r#"{"type":"ExternalName","externalName":"a.example"}"#;
    let mut new = service(named);
    let claim = trial.addresses.begin(&mut new, Some(&made), false).await.unwrap();
    claim.roll_back().await;
    assert!(trial.taken().len() == 1 && trial.ports.has(port).await);
    let named = trial.update(&made, named).await.unwrap();
    assert!(trial.taken().is_empty() && !trial.ports.has(port).await);
    let again = trial.update(&named, PLAIN).await.unwrap();
    assert_eq!(trial.taken(), [again.at("spec").text("clusterIP")]);
}

#[tokio::test]
async fn headless_services_and_names_get_nothing() {
    let trial = trial(&["10.0.0.0/16"]).await;
    for spec in [
        r#"{"clusterIP":"None","selector":{"a":"b"}}"#,
        r#"{"type":"ExternalName","externalName":"a.example"}"#,
    ] {
        let made = trial.create(spec).await.unwrap();
        trial.addresses.release(&made).await;
    }
    assert_eq!(trial.taken(), [""; 0]);
}

#[tokio::test]
async fn a_full_network_is_full_and_then_the_next_serves() {
    let trial = trial(&["10.0.0.0/30"]).await;
    let mut given: Vec<String> = Vec::new();
    for _ in 0..2 {
        given.push(
            trial
                .create(PLAIN)
                .await
                .unwrap()
                .at("spec")
                .text("clusterIP")
                .to_owned(),
        );
    }
    given.sort_unstable();
    assert_eq!(given, ["10.0.0.1", "10.0.0.2"]);
    assert_eq!(
        trial.refused(PLAIN).await,
        (
            500,
            "Internal error occurred: failed to allocate a serviceIP: range is full".to_owned()
        )
    );
    let more = r#"{"metadata":{"name":"more"},"spec":{"cidrs":["10.7.0.0/30"]},
        "status":{"conditions":[{"type":"Ready","status":"False"}]}}"#;
    trial.double.put(&SERVICE_CIDRS, json(more));
    assert_eq!(trial.refused(PLAIN).await.0, 500);
    trial.double.put(&SERVICE_CIDRS, json(&more.replace("False", "True")));
    let made = trial.create(PLAIN).await.unwrap();
    assert!(made.at("spec").text("clusterIP").starts_with("10.7.0."));
}

#[tokio::test]
async fn an_address_that_the_cache_does_not_know_is_passed_by() {
    let trial = trial(&["10.0.0.0/30"]).await;
    trial
        .create(r#"{"clusterIP":"10.0.0.1","ports":[{"port":80}]}"#)
        .await
        .unwrap();
    trial.double.hide("10.0.0.1");
    let made = trial.create(PLAIN).await.unwrap();
    assert_eq!(made.at("spec").text("clusterIP"), "10.0.0.2");
    trial.double.hide("10.0.0.2");
    assert_eq!(trial.refused(PLAIN).await.0, 500);
}

#[tokio::test]
async fn what_the_cluster_refuses_is_told() {
    let trial = trial(&["10.0.0.0/16"]).await;
    trial.double.refuse(&IP_ADDRESSES);
    let status = trial.create(PLAIN).await.unwrap_err();
    assert_eq!(
        (status.reason, status.message.as_str()),
        (
            Reason::InternalError,
            "Internal error occurred: failed to allocate a serviceIP: Internal error occurred: refused by the test"
        )
    );
}

#[tokio::test]
async fn ports_of_one_number_share_a_port_of_nodes() {
    let trial = trial(&["10.0.0.0/16"]).await;
    let spec = r#"{"type":"NodePort","ports":[{"name":"a","port":53,"protocol":"UDP"},{"name":"b","port":53,"nodePort":30053},
        {"name":"c","port":80}]}"#;
    let made = trial.create(spec).await.unwrap();
    let ports = node_ports(&made);
    assert_eq!(ports[..2], [30_053, 30_053]);
    assert!(trial.ports.has(30_053).await && trial.ports.has(ports[2]).await);
    let fewer = r#"{"type":"NodePort","ports":[{"name":"b","port":53,"nodePort":30054}]}"#;
    let changed = trial.update(&made, fewer).await.unwrap();
    assert_eq!(node_ports(&changed), [30_054]);
    assert!(!trial.ports.has(30_053).await && !trial.ports.has(ports[2]).await && trial.ports.has(30_054).await);
    trial.addresses.release(&changed).await;
    assert!(!trial.ports.has(30_054).await);
}

#[tokio::test]
async fn a_port_that_cannot_be_had_gives_the_rest_back() {
    let trial = trial(&["10.0.0.0/16"]).await;
    let spec = r#"{"type":"NodePort","ports":[{"name":"a","port":80,"nodePort":30080},{"name":"b","port":81,"nodePort":443}]}"#;
    let (code, message) = trial.refused(spec).await;
    assert_eq!(
        (code, message.as_str()),
        (
            422,
            r#"Service "s" is invalid: spec.ports[1].nodePort: Invalid value: 443: provided port is not in the valid range. The range of valid ports is 30000-32767"#
        )
    );
    assert!(trial.taken().is_empty() && !trial.ports.has(30_080).await);
    let made = trial
        .create(r#"{"type":"NodePort","ports":[{"name":"a","port":80,"nodePort":30080}]}"#)
        .await
        .unwrap();
    let twice = r#"{"type":"NodePort","ports":[{"name":"a","port":80,"nodePort":30080},{"name":"b","port":81,"nodePort":30080}]}"#;
    // A port that stands there twice is given once; the rules refuse it.
    assert!(trial.update(&made, twice).await.is_ok());
}

#[tokio::test]
async fn load_balancers_have_ports_only_where_they_want_them_and_one_for_checks() {
    let trial = trial(&["10.0.0.0/16"]).await;
    let none = r#"{"type":"LoadBalancer","allocateLoadBalancerNodePorts":false,"ports":[{"port":80}]}"#;
    let made = trial.create(none).await.unwrap();
    assert_eq!(node_ports(&made), [0]);
    let local = r#"{"type":"LoadBalancer","allocateLoadBalancerNodePorts":false,"externalTrafficPolicy":"Local",
        "healthCheckNodePort":30099,"ports":[{"port":80}]}"#;
    let checked = trial.update(&made, local).await.unwrap();
    assert!(trial.ports.has(30_099).await);
    let (_, message) = trial.refused(local).await;
    assert_eq!(
        message,
        "Internal error occurred: failed to allocate requested HealthCheck NodePort 30099: provided port is already allocated"
    );
    trial.update(&checked, none).await.unwrap();
    assert!(!trial.ports.has(30_099).await);
    let any = r#"{"type":"LoadBalancer","externalTrafficPolicy":"Local","ports":[{"port":80}]}"#;
    let made = trial.create(any).await.unwrap();
    let check = made.at("spec").int("healthCheckNodePort");
    assert!(trial.ports.has(check).await);
    trial.addresses.release(&made).await;
    assert!(!trial.ports.has(check).await && !trial.ports.has(node_ports(&made)[0]).await);
}

#[tokio::test]
async fn another_service_s_address_is_not_given_back() {
    let trial = trial(&["10.0.0.0/16"]).await;
    let made = trial.create(PLAIN).await.unwrap();
    let mut other = made.clone();
    meta::set_name(&mut other, "other");
    trial.addresses.release(&other).await;
    assert_eq!(trial.taken(), [made.at("spec").text("clusterIP")]);
}

#[tokio::test]
async fn two_that_ask_at_once_get_two_addresses() {
    let trial = trial(&["10.0.0.0/29"]).await;
    let (_, _, parts) = parts();
    let asked = (0..6).map(|_| {
        let addresses = trial.addresses.clone();
        parts.tasks.spawn_value("asking", async move {
            let mut new = service(PLAIN);
            addresses.begin(&mut new, None, false).await.unwrap().commit().await;
            new.at("spec").text("clusterIP").to_owned()
        })
    });
    let mut given = Vec::new();
    for one in asked.collect::<Vec<_>>() {
        given.push(one.await.unwrap());
    }
    given.sort_unstable();
    given.dedup();
    assert_eq!((given.len(), given), (6, trial.taken()));
}

#[tokio::test]
async fn a_network_is_ready_where_one_that_says_so_is() {
    let trial = trial(&["10.0.0.0/30"]).await;
    let other = r#"{"metadata":{"name":"other"},"spec":{"cidrs":["10.0.0.0/30"]},
        "status":{"conditions":[{"type":"Ready","status":"False"}]}}"#;
    trial.double.put(&SERVICE_CIDRS, json(other));
    trial.create(PLAIN).await.unwrap();
    trial.double.take(&SERVICE_CIDRS, "", "kubernetes");
    assert_eq!(trial.refused(PLAIN).await.0, 500);
    let status = trial.try_create(PLAIN).await.unwrap_err();
    assert!(
        status
            .message
            .ends_with("failed to allocate a serviceIP: allocator not ready")
    );
}

#[tokio::test]
async fn one_port_of_nodes_is_not_given_to_two_ports() {
    let trial = trial(&["10.0.0.0/16"]).await;
    let twice = r#"{"type":"NodePort","ports":[{"name":"a","port":80,"nodePort":30080},
        {"name":"b","port":81,"nodePort":30080}]}"#;
    let (_, told) = trial.refused(twice).await;
    let dry = trial.try_create(twice).await.unwrap_err().message;
    assert!(told.ends_with("spec.ports[1].nodePort: Invalid value: 30080: provided port is already allocated"));
    assert_eq!(dry, told);
}
