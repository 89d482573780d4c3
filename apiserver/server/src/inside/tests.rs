//! All parts together on an empty cluster.

use std::sync::Arc;
use std::time::Duration;

use apiserver_api::meta;
use tokio::sync::watch;

use super::addresses::{NodePorts, PortRange};
use super::hooks::State;
use super::objects::{
    API_SERVICES, ENDPOINTS, FLOW_SCHEMAS, IP_ADDRESSES, LEASES, NAMESPACES, PRIORITY_CLASSES, SERVICE_CIDRS, SERVICES,
};
use super::testing::{Leases, RangeKey, asleep, parts};
use super::{AuthenticationInfo, EndpointReconciler, HOOKS, Inside, Options, Parts, ServedVersion};

fn options(parts: &Parts, leases: Arc<Leases>, ready: watch::Receiver<bool>) -> Options {
    let range = PortRange {
        first: 30_000,
        last: 32_767,
    };
    let ports = NodePorts::new(range, Arc::new(RangeKey::default()), parts.random.clone());
    Options {
        hostname: "host".to_owned(),
        advertise_address: "10.1.0.2".parse().unwrap(),
        peer_address: String::new(),
        secure_port: 6443,
        service_ranges: vec!["10.0.0.0/16".to_owned()],
        kubernetes_service_node_port: 0,
        node_ports: Arc::new(ports),
        endpoint_reconciler: EndpointReconciler::Lease(leases),
        authentication: watch::channel(AuthenticationInfo::default()).1,
        served: vec![ServedVersion {
            group: "apps".to_owned(),
            version: "v1".to_owned(),
            group_priority: 17_800,
            version_priority: 15,
        }],
        ready,
    }
}

#[tokio::test]
async fn an_empty_cluster_gets_all_that_every_cluster_has() {
    let (double, clock, parts) = parts();
    let leases: Arc<Leases> = Arc::default();
    let (ready, asked) = watch::channel(false);
    let inside = Inside::start(parts.clone(), options(&parts, leases.clone(), asked)).unwrap();
    // All are begun before time moves: the repairs poll for the ServiceCIDR.
    while parts.hooks.list().len() < HOOKS.len() {
        tokio::task::yield_now().await;
    }
    assert!(parts.hooks.list().iter().all(|check| HOOKS.contains(&check.name)));
    for _ in 0..100 {
        let waiting = parts.hooks.list().iter().any(|check| check.state != State::Done);
        if !waiting {
            break;
        }
        asleep(&clock, 6).await;
        clock.advance(Duration::from_millis(100));
    }
    parts.hooks.done().await;
    ready.send(true).unwrap();
    while double.list(&ENDPOINTS).is_empty() {
        tokio::task::yield_now().await;
    }
    let service = double.get(&SERVICES, "default", "kubernetes").unwrap();
    assert_eq!(service.at("spec").text("clusterIP"), "10.0.0.1");
    assert_eq!(double.names(&NAMESPACES).len(), 4);
    assert_eq!(double.names(&PRIORITY_CLASSES).len(), 2);
    assert_eq!(double.names(&FLOW_SCHEMAS).len(), 11);
    assert_eq!(double.names(&API_SERVICES), ["v1.apps"]);
    assert_eq!(double.names(&SERVICE_CIDRS), ["kubernetes"]);
    let lease = &double.list(&LEASES)[0];
    assert!(meta::name(lease).starts_with("apiserver-"));
    inside.stop().await;
    assert_eq!((double.list(&LEASES).len(), leases.held.lock().len()), (0, 0));
    assert_eq!(parts.tasks.running(), [""; 0]);
    assert_eq!(double.names(&IP_ADDRESSES), [""; 0]);
}

#[tokio::test]
async fn a_range_that_is_none_is_refused() {
    let (_, _, parts) = parts();
    for ranges in [vec![], vec!["fd00::/32".to_owned()], vec!["a".to_owned()]] {
        let mut options = options(&parts, Arc::default(), watch::channel(false).1);
        options.service_ranges = ranges;
        assert!(Inside::start(parts.clone(), options).is_err());
    }
    assert_eq!(parts.tasks.running(), [""; 0]);
}
