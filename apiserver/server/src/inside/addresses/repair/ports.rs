//! Finds ports of nodes that services have and nobody took, and such that were taken and no service has (upstream's
//! `portallocator/controller`).

use std::collections::HashMap;
use std::sync::Arc;

use apiserver_api::meta;
use apiserver_api::tree::Tree;
use tokio::sync::watch;

use super::{EACH, SOON};
use crate::inside::Parts;
use crate::inside::addresses::bitmap::Bitmap;
use crate::inside::addresses::ports::{NodePorts, PortError, PortRange, Stored};
use crate::inside::events::Events;
use crate::inside::objects::SERVICES;
use crate::metrics::{PortError as Wrong, PortRepairs};

/// How often a port is seen without a service before it is given back: it may be on its way to one.
const LOOKS: u32 = 3;
/// How often a pass is tried anew where apiservers took ports meanwhile.
const TRIES: usize = 5;

/// What is told of a service: the service, the reason, the message.
type Warning = (Tree, &'static str, String);

/// What was found in one pass.
#[derive(Default)]
struct Found {
    warnings: Vec<Warning>,
    wrong: Vec<Wrong>,
}

/// How often ports were seen without a service, and have yet to be.
type Leaks = HashMap<i64, u32>;

/// The repair of ports.
pub(in crate::inside) struct PortRepair {
    parts: Parts,
    events: Events,
    ports: Arc<NodePorts>,
    leaks: Leaks,
    counts: PortRepairs,
}

impl PortRepair {
    pub(in crate::inside) fn new(parts: &Parts, ports: Arc<NodePorts>, host: &str) -> Self {
        Self {
            counts: parts.metrics.port_repairs.clone(),
            parts: parts.clone(),
            events: Events::new(parts, "portallocator-repair-controller", host),
            ports,
            leaks: Leaks::new(),
        }
    }

    /// Repairs until it is dropped, and tells when everything was looked at for the first time.
    pub(super) async fn run(mut self, first: watch::Sender<bool>) {
        loop {
            let wait = match self.pass().await {
                Ok(()) => {
                    first.send_replace(true);
                    EACH
                }
                Err(error) => {
                    tracing::warn!(%error, "unable to persist the updated port allocations");
                    if *first.borrow() { EACH } else { SOON }
                }
            };
            self.parts.clock.sleep(wait).await;
        }
    }

    /// Looks at all services and writes what is taken.
    async fn pass(&mut self) -> Result<(), PortError> {
        let range = self.ports.range();
        for _ in 0..TRIES {
            let (mut leaks, mut found) = (self.leaks.clone(), Found::default());
            let cluster = &*self.parts.cluster;
            let rebuilt = self.ports.rebuild(|stored| {
                let services = cluster.cached_list(&SERVICES, "");
                rebuild(range, stored, &services, &mut leaks, &mut found)
            });
            let rebuilt = rebuilt.await;
            if !matches!(rebuilt, Ok(true)) {
                self.counts.failed();
            }
            if !rebuilt? {
                continue;
            }
            self.leaks = leaks;
            self.tell(found).await;
            return Ok(());
        }
        Err(PortError::Contended)
    }

    async fn tell(&self, found: Found) {
        for wrong in found.wrong {
            self.counts.found(wrong);
        }
        for (service, reason, message) in found.warnings {
            let (namespace, name) = (meta::namespace(&service), meta::name(&service));
            tracing::warn!(namespace, name, reason, message);
            self.events.warn(&service, reason, "", &message).await;
        }
    }
}

/// What is taken by what services have. Ports that none has stay taken for a while.
fn rebuild(range: PortRange, stored: &Stored, services: &[Tree], leaks: &mut Leaks, found: &mut Found) -> Bitmap {
    let mut taken = Bitmap::new(range.size());
    let mut left = stored.taken.clone();
    for service in services {
        for port in ports_of(service) {
            let told = match range.place(port) {
                None => {
                    let message = format!("Port {port} is not within the port range {range}; please recreate service");
                    Some((Wrong::OutOfRange, "PortOutOfRange", message))
                }
                Some(at) if !taken.take(at) => {
                    let message = format!("Port {port} was assigned to multiple services; please recreate service");
                    Some((Wrong::Duplicate, "PortAlreadyAllocated", message))
                }
                Some(_) => {
                    leaks.remove(&port);
                    let place = stored.range.place(port).filter(|at| left.has(*at));
                    if let Some(place) = place {
                        left.give_back(place);
                        None
                    } else {
                        let message = format!("Port {port} is not allocated; repairing");
                        Some((Wrong::Repair, "PortNotAllocated", message))
                    }
                }
            };
            if let Some((wrong, reason, message)) = told {
                found.wrong.push(wrong);
                found.warnings.push((service.clone(), reason, message));
            }
        }
    }
    for port in left.iter().map(|at| stored.range.port(at)) {
        let looks = leaks.entry(port).or_insert(LOOKS);
        *looks = looks.saturating_sub(1);
        if *looks == 0 {
            tracing::warn!("the node port {port} appears to have leaked: cleaning up");
            leaks.remove(&port);
            found.wrong.push(Wrong::Leak);
            continue;
        }
        if *looks == LOOKS - 1 {
            tracing::warn!("the node port {port} may have leaked: flagging for later clean up");
        }
        if !range.place(port).is_some_and(|at| taken.take(at)) {
            tracing::warn!("the node port {port} may have leaked, but can not be allocated");
        }
    }
    taken
}

/// The ports that a service has, one for several protocols once.
fn ports_of(service: &Tree) -> Vec<i64> {
    let spec = service.at("spec");
    let mut seen: Vec<(i64, &str)> = Vec::new();
    let mut ports = Vec::new();
    for port in spec.items("ports") {
        let one = (port.int("nodePort"), port.text("protocol"));
        if one.0 == 0 {
            continue;
        }
        let known = seen.iter().any(|(port, _)| *port == one.0);
        if !known || seen.contains(&one) {
            ports.push(one.0);
        }
        seen.push(one);
    }
    let check = spec.int("healthCheckNodePort");
    let known = seen.iter().any(|(port, _)| *port == check);
    if check != 0 && (!known || seen.contains(&(check, "TCP"))) {
        ports.push(check);
    }
    ports
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{PortRange, PortRepair, ports_of};
    use crate::inside::Parts;
    use crate::inside::addresses::ports::NodePorts;
    use crate::inside::objects::{EVENTS, SERVICES};
    use crate::inside::testing::{Double, RangeKey, json, parts};

    const RANGE: PortRange = PortRange {
        first: 30_000,
        last: 30_031,
    };

    fn service(name: &str, ports: &str) -> apiserver_api::tree::Tree {
        json(&format!(
            r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"{name}","namespace":"n","uid":"{name}"}},
            "spec":{{"type":"NodePort","ports":[{ports}]}}}}"#
        ))
    }

    fn repair() -> (Double, Arc<RangeKey>, Parts, Arc<NodePorts>, PortRepair) {
        let (double, _, parts) = parts();
        let key = Arc::new(RangeKey::default());
        let ports = Arc::new(NodePorts::new(RANGE, key.clone(), parts.random.clone()));
        let repair = PortRepair::new(&parts, Arc::clone(&ports), "host");
        (double, key, parts, ports, repair)
    }

    /// What was wrong with ports, and how often.
    fn counted(repair: &PortRepair) -> Vec<(&'static str, u64)> {
        let sorts = ["duplicate", "leak", "outOfRange", "repair"];
        let counts = sorts.map(|sort| (sort, repair.counts.count(sort)));
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    #[tokio::test]
    async fn ports_of_services_are_taken_and_wrong_ones_told_of() {
        let (double, _, _parts, ports, mut repair) = repair();
        double.put(&SERVICES, service("a", r#"{"nodePort":30001,"protocol":"TCP"}"#));
        double.put(&SERVICES, service("b", r#"{"nodePort":30001,"protocol":"TCP"}"#));
        double.put(&SERVICES, service("c", r#"{"nodePort":9,"protocol":"TCP"}"#));
        repair.pass().await.unwrap();
        assert!(ports.has(30_001).await && !ports.has(30_002).await);
        let mut told: Vec<String> = double
            .list(&EVENTS)
            .iter()
            .map(|one| one.text("message").to_owned())
            .collect();
        told.sort_unstable();
        assert_eq!(
            told,
            [
                "Port 30001 is not allocated; repairing",
                "Port 30001 was assigned to multiple services; please recreate service",
                "Port 9 is not within the port range 30000-30031; please recreate service",
            ]
        );
        assert_eq!(counted(&repair), [("duplicate", 1), ("outOfRange", 1), ("repair", 1)]);
    }

    #[tokio::test]
    async fn a_port_that_no_service_has_is_given_back_at_the_third_look() {
        let (_, _, _parts, ports, mut repair) = repair();
        repair.pass().await.unwrap();
        ports.take(30_005).await.unwrap();
        for has in [true, true, false] {
            repair.pass().await.unwrap();
            assert_eq!(ports.has(30_005).await, has);
        }
        assert_eq!(counted(&repair), [("leak", 1)]);
    }

    #[tokio::test]
    async fn the_range_may_have_been_another() {
        let (double, key, _parts, ports, mut repair) = repair();
        // 29,999 and 30,000 of a range that began earlier.
        key.write(r#"{"range":"29999-30100","data":"Aw=="}"#);
        double.put(&SERVICES, service("a", r#"{"nodePort":30000,"protocol":"TCP"}"#));
        repair.pass().await.unwrap();
        assert!(ports.has(30_000).await);
        assert_eq!(double.list(&EVENTS).len(), 0);
        ports.take(30_001).await.unwrap();
    }

    #[test]
    fn one_port_of_several_protocols_counts_once() {
        let two = r#"{"nodePort":1,"protocol":"TCP"},{"nodePort":1,"protocol":"UDP"},{"nodePort":0}"#;
        assert_eq!(ports_of(&service("a", two)), [1]);
        let same = r#"{"nodePort":1,"protocol":"TCP"},{"nodePort":1,"protocol":"TCP"}"#;
        assert_eq!(ports_of(&service("a", same)), [1, 1]);
        let mut checked = service("a", r#"{"nodePort":1,"protocol":"UDP"}"#);
        checked.child("spec").set("healthCheckNodePort", 1);
        assert_eq!(ports_of(&checked), [1]);
        checked.child("spec").set("healthCheckNodePort", 2);
        assert_eq!(ports_of(&checked), [1, 2]);
    }
}
