//! Finds services whose addresses nobody took, and addresses that no service has (upstream's
//! `ipallocator/controller/repairip`).

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use apiserver_api::meta;
use apiserver_api::names::parse_ip_sloppy;
use apiserver_api::status::Status;
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;
use tokio::sync::watch;

use super::{EACH, SOON};
use crate::inside::Parts;
use crate::inside::addresses::pool::{Network, Owner, address_of, is_labelled, is_managed, networks};
use crate::inside::addresses::range::Family;
use crate::inside::events::Events;
use crate::inside::objects::{IP_ADDRESSES, SERVICE_CIDRS, SERVICES, ensure, is_missing, now, remove};
use crate::inside::pace::Pace;
use crate::inside::service_cidr::NAME as DEFAULT_SERVICE_CIDR;

/// For so long an address may be without its service, which may be on its way: as long as a request takes at most.
const GRACE: Duration = Duration::from_secs(60);
/// How soon after a change everything is looked at.
const AFTER_CHANGE: Duration = Duration::from_secs(10);
/// How often it is asked for the default `ServiceCIDR` at the start.
const POLL: Duration = Duration::from_millis(100);

const ALLOCATION: &str = "ClusterIPAllocation";
const ADDRESS: &str = "IPAddressAllocation";
const NOT_ALLOCATED: &str = "ClusterIPNotAllocated";

/// The repair of addresses.
pub(in crate::inside) struct AddressRepair {
    parts: Parts,
    events: Events,
}

impl AddressRepair {
    pub(in crate::inside) fn new(parts: &Parts, host: &str) -> Self {
        Self {
            parts: parts.clone(),
            events: Events::new(parts, "ipallocator-repair-controller", host),
        }
    }

    /// Repairs until it is dropped, and tells when everything was looked at for the first time.
    pub(super) async fn run(self, first: watch::Sender<bool>) {
        let (cluster, clock) = (&self.parts.cluster, &self.parts.clock);
        while cluster.cached(&SERVICE_CIDRS, "", DEFAULT_SERVICE_CIDR).is_none() {
            clock.sleep(POLL).await;
        }
        let mut pace = Pace::new(cluster, clock, [&SERVICES, &IP_ADDRESSES, &SERVICE_CIDRS]);
        loop {
            let failed = self.pass().await.inspect_err(|status| {
                tracing::warn!(%status, "unable to repair the IP addresses of services");
            });
            if failed.is_ok() {
                first.send_replace(true);
                pace.next(AFTER_CHANGE, EACH).await;
            } else {
                clock.sleep(if *first.borrow() { AFTER_CHANGE } else { SOON }).await;
            }
        }
    }

    /// Looks at everything and puts right what is wrong. What fails is left for the next time; the first failure is told.
    async fn pass(&self) -> Result<(), Status> {
        let cluster = &*self.parts.cluster;
        let networks = networks(&cluster.cached_list(&SERVICE_CIDRS, ""));
        let services = cluster.cached_list(&SERVICES, "");
        let addresses = cluster.cached_list(&IP_ADDRESSES, "");
        let mut outcome = Ok(());
        for step in plan(&services, &addresses, &networks, now(&*self.parts.clock)) {
            if let Some(warning) = &step.warning {
                let (namespace, name) = (meta::namespace(step.about), meta::name(step.about));
                tracing::warn!(namespace, name, reason = warning.reason, warning.message);
            }
            let (done, warned) = match self.fix(&step.fix).await {
                Ok(fixed) => (Ok(()), fixed),
                Err(status) => (Err(status), true),
            };
            if let Some(warning) = step.warning.filter(|_| warned) {
                self.events
                    .warn(step.about, warning.reason, warning.action, &warning.message)
                    .await;
            }
            outcome = outcome.and(done);
        }
        outcome
    }

    /// Puts one thing right; says whether it was wrong indeed.
    async fn fix(&self, fix: &Fix) -> Result<bool, Status> {
        let cluster = &*self.parts.cluster;
        match fix {
            Fix::Nothing => {}
            Fix::Make(ip, owner) => ensure(cluster, &IP_ADDRESSES, address_of(*ip, owner)).await?,
            Fix::MakeAnew(ip, owner) => {
                remove(cluster, &IP_ADDRESSES, "", &ip.to_string()).await?;
                ensure(cluster, &IP_ADDRESSES, address_of(*ip, owner)).await?;
            }
            Fix::Remove(name) => remove(cluster, &IP_ADDRESSES, "", name).await?,
            Fix::RemoveOf(name, owner) => {
                // The cache may not know the service yet.
                match cluster.read(&SERVICES, &owner.namespace, &owner.name).await {
                    Ok(_) => return Ok(false),
                    Err(status) if !is_missing(&status) => return Err(status),
                    Err(_) => remove(cluster, &IP_ADDRESSES, "", name).await?,
                }
            }
        }
        Ok(true)
    }
}

/// What is to be told and done about one thing that is wrong.
struct Step<'o> {
    about: &'o Tree,
    warning: Option<Warning>,
    fix: Fix,
}

struct Warning {
    reason: &'static str,
    action: &'static str,
    message: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Fix {
    Nothing,
    Make(IpAddr, Owner),
    MakeAnew(IpAddr, Owner),
    Remove(String),
    /// Where the service is gone indeed.
    RemoveOf(String, Owner),
}

fn step<'o>(about: &'o Tree, reason: &'static str, action: &'static str, message: String, fix: Fix) -> Step<'o> {
    let warning = Some(Warning {
        reason,
        action,
        message,
    });
    Step { about, warning, fix }
}

/// What is wrong, services first.
fn plan<'o>(services: &'o [Tree], addresses: &'o [Tree], networks: &[Network], now: Time) -> Vec<Step<'o>> {
    let by_owner: BTreeMap<(&str, &str), &Tree> = services
        .iter()
        .map(|service| ((meta::namespace(service), meta::name(service)), service))
        .collect();
    let by_name: BTreeMap<&str, &Tree> = addresses.iter().map(|one| (meta::name(one), one)).collect();
    let owned = |owner: &Owner| by_owner.get(&(owner.namespace.as_str(), owner.name.as_str())).copied();
    let mut steps = Vec::new();
    let mut made: BTreeSet<String> = BTreeSet::new();
    for service in services.iter().filter(|service| has_ip(service)) {
        for text in ips(service) {
            let Some(ip) = parse_ip_sloppy(text).map(apiserver_api::names::Ip::addr) else {
                let message = format!("Cluster IP {text} is not a valid IP; please recreate Service");
                let action = "ClusterIPValidation";
                steps.push(step(service, "ClusterIPNotValid", action, message, Fix::Nothing));
                continue;
            };
            let address = by_name.get(ip.to_string().as_str()).copied();
            let Some(step) = check_service(service, ip, address, networks, owned) else {
                continue;
            };
            if step.fix != Fix::Nothing {
                made.insert(ip.to_string());
            }
            steps.push(step);
        }
    }
    // What was just made is right, whatever it was.
    let others = addresses.iter().filter(|address| !made.contains(meta::name(address)));
    steps.extend(others.filter_map(|address| check_address(address, owned, now)));
    steps
}

fn ips(service: &Tree) -> impl Iterator<Item = &str> {
    let ips = service.at("spec").items("clusterIPs").iter();
    ips.map(|ip| ip.as_str().unwrap_or_default())
}

fn has_ip(service: &Tree) -> bool {
    let spec = service.at("spec");
    !matches!(spec.text("clusterIP"), "" | "None") && spec.text("type") != "ExternalName"
}

/// What is wrong with an address that a service has.
fn check_service<'o>(
    service: &'o Tree,
    ip: IpAddr,
    address: Option<&'o Tree>,
    networks: &[Network],
    owned: impl Fn(&Owner) -> Option<&'o Tree>,
) -> Option<Step<'o>> {
    let owner = Owner::of(service);
    let family = Family::of(ip).as_str();
    let (namespace, name) = (&owner.namespace, &owner.name);
    if !networks.iter().any(|network| network.range.holds(ip)) {
        let message =
            format!("Cluster IP [{family}]: {ip} is not within any configured Service CIDR; please recreate service");
        return Some(step(service, "ClusterIPOutOfRange", ALLOCATION, message, Fix::Nothing));
    }
    let Some(address) = address else {
        let message = format!("Cluster IP [{family}]: {ip} is not allocated; repairing");
        return Some(step(service, NOT_ALLOCATED, ALLOCATION, message, Fix::Make(ip, owner)));
    };
    let wrong =
        format!("the ClusterIP [{family}]: {ip} for Service {namespace}/{name} has a wrong reference; repairing");
    let of = Owner::of_address(address);
    if of.as_ref() != Some(&owner) {
        let Some(other) = of.as_ref().and_then(&owned) else {
            return Some(step(
                service,
                NOT_ALLOCATED,
                ALLOCATION,
                wrong,
                Fix::MakeAnew(ip, owner),
            ));
        };
        if ips(other).any(|text| text == meta::name(address)) {
            let message =
                format!("Cluster IP [{family}]:{ip} was assigned to multiple services; please recreate service");
            let reason = "ClusterIPAlreadyAllocated";
            return Some(step(service, reason, ALLOCATION, message, Fix::Nothing));
        }
        // The other does not have it: that is found where the address is looked at, and this service's turn comes then.
        return None;
    }
    (!is_labelled(address)).then_some(Step {
        about: service,
        warning: None,
        fix: Fix::MakeAnew(ip, owner),
    })
}

/// What is wrong with an address that was made here.
fn check_address<'o>(address: &'o Tree, owned: impl Fn(&Owner) -> Option<&'o Tree>, now: Time) -> Option<Step<'o>> {
    if !is_managed(address) {
        return None;
    }
    let name = meta::name(address);
    let reason = "IPAddressNotAllocated";
    let Some(owner) = Owner::of_address(address) else {
        let parent = address.at("spec").at("parentRef");
        // As Go prints the reference.
        let shown = format!(
            "&ParentReference{{Group:{},Resource:{},Namespace:{},Name:{},}}",
            parent.text("group"),
            parent.text("resource"),
            parent.text("namespace"),
            parent.text("name")
        );
        let message =
            format!("IPAddress {name} appears to have been modified, not referencing a Service {shown}: cleaning up");
        return Some(step(address, reason, ADDRESS, message, Fix::Remove(name.to_owned())));
    };
    let (namespace, of) = (&owner.namespace, &owner.name);
    match owned(&owner) {
        None if is_young(address, now) => None,
        None => {
            let message = format!("IPAddress: {name} for Service {namespace}/{of} appears to have leaked: cleaning up");
            let fix = Fix::RemoveOf(name.to_owned(), owner);
            Some(step(address, reason, ADDRESS, message, fix))
        }
        Some(service) if ips(service).any(|ip| ip == name) || is_young(address, now) => None,
        Some(_) => {
            let message = format!("IPAddress: {name} for Service {namespace}/{of} has a wrong reference; cleaning up");
            let reason = "IPAddressWrongReference";
            Some(step(address, reason, ADDRESS, message, Fix::Remove(name.to_owned())))
        }
    }
}

/// Whether an address was made just now: its service may not be written yet, or may be written with another address.
fn is_young(address: &Tree, now: Time) -> bool {
    let made = meta::creation_timestamp(address).and_then(|made| Time::parse(made).ok());
    made.is_some_and(|made| now.unix().saturating_sub(made.unix()) <= GRACE.as_secs() as i64)
}

#[cfg(test)]
mod tests {
    use apiserver_api::meta;
    use apiserver_api::tree::Tree;

    use super::AddressRepair;
    use crate::inside::objects::{EVENTS, IP_ADDRESSES, SERVICE_CIDRS, SERVICES, object};
    use crate::inside::testing::{Double, json, parts};

    fn repair() -> (Double, AddressRepair) {
        let (double, _, parts) = parts();
        let cidr = json(r#"{"metadata":{"name":"kubernetes"},"spec":{"cidrs":["10.0.0.0/24","fd00::/112"]}}"#);
        double.put(&SERVICE_CIDRS, cidr);
        let repair = AddressRepair::new(&parts, "host");
        (double, repair)
    }

    fn service(double: &Double, name: &str, ips: &[&str]) {
        let mut service = object("v1", "Service", "n", name);
        let spec = service.child("spec");
        spec.set("clusterIP", ips[0]);
        spec.set("clusterIPs", ips.iter().copied().collect::<Tree>());
        double.put(&SERVICES, service);
    }

    /// An address of a service, made long ago.
    fn address(double: &Double, ip: &str, service: &str) {
        let family = if ip.contains(':') { "IPv6" } else { "IPv4" };
        let text = format!(
            r#"{{"apiVersion":"networking.k8s.io/v1","kind":"IPAddress","metadata":{{"name":"{ip}",
            "creationTimestamp":"2025-12-31T23:00:00Z","labels":{{"ipaddress.kubernetes.io/ip-family":"{family}",
            "ipaddress.kubernetes.io/managed-by":"ipallocator.k8s.io"}}}},
            "spec":{{"parentRef":{{"resource":"services","namespace":"n","name":"{service}"}}}}}}"#
        );
        double.put(&IP_ADDRESSES, json(&text));
    }

    fn told(double: &Double) -> Vec<String> {
        let mut told: Vec<String> = double
            .list(&EVENTS)
            .iter()
            .map(|one| one.text("message").to_owned())
            .collect();
        told.sort_unstable();
        told
    }

    fn owner(double: &Double, ip: &str) -> String {
        let address = double.get(&IP_ADDRESSES, "", ip).unwrap();
        address.at("spec").at("parentRef").text("name").to_owned()
    }

    #[tokio::test]
    async fn what_is_right_stays_as_it_is() {
        let (double, repair) = repair();
        service(&double, "a", &["10.0.0.9", "fd00::9"]);
        service(&double, "headless", &["None"]);
        address(&double, "10.0.0.9", "a");
        address(&double, "fd00::9", "a");
        // Of others, for their own ends.
        double.put(&IP_ADDRESSES, json(r#"{"metadata":{"name":"10.0.0.77"}}"#));
        repair.pass().await.unwrap();
        assert_eq!((double.writes(), told(&double).len()), (0, 0));
    }

    #[tokio::test]
    async fn an_address_that_nobody_took_is_taken() {
        let (double, repair) = repair();
        service(&double, "a", &["10.0.0.9", "fd00::9"]);
        repair.pass().await.unwrap();
        assert_eq!(double.names(&IP_ADDRESSES), ["10.0.0.9", "fd00::9"]);
        let six = double.get(&IP_ADDRESSES, "", "fd00::9").unwrap();
        assert_eq!(meta::label(&six, "ipaddress.kubernetes.io/ip-family"), Some("IPv6"));
        assert_eq!(
            told(&double),
            [
                "Cluster IP [IPv4]: 10.0.0.9 is not allocated; repairing",
                "Cluster IP [IPv6]: fd00::9 is not allocated; repairing"
            ]
        );
        service(&double, "b", &["10.0.1.9"]);
        repair.pass().await.unwrap();
        assert!(
            told(&double).contains(
                &"Cluster IP [IPv4]: 10.0.1.9 is not within any configured Service CIDR; please recreate service"
                    .to_owned()
            )
        );
    }

    #[tokio::test]
    async fn a_wrong_reference_is_made_right_and_two_of_one_address_are_told_of() {
        let (double, repair) = repair();
        service(&double, "a", &["10.0.0.9"]);
        address(&double, "10.0.0.9", "gone");
        service(&double, "b", &["10.0.0.10"]);
        service(&double, "c", &["10.0.0.10"]);
        address(&double, "10.0.0.10", "b");
        repair.pass().await.unwrap();
        assert_eq!(
            (owner(&double, "10.0.0.9"), owner(&double, "10.0.0.10")),
            ("a".into(), "b".into())
        );
        assert_eq!(
            told(&double),
            [
                "Cluster IP [IPv4]:10.0.0.10 was assigned to multiple services; please recreate service",
                "the ClusterIP [IPv4]: 10.0.0.9 for Service n/a has a wrong reference; repairing",
            ]
        );
    }

    #[tokio::test]
    async fn an_address_without_its_service_goes_after_a_minute() {
        let (double, repair) = repair();
        address(&double, "10.0.0.9", "gone");
        address(&double, "10.0.0.10", "new");
        // The cache does not know this one yet.
        service(&double, "new", &["10.0.0.10"]);
        double.hide("new");
        address(&double, "10.0.0.11", "a");
        service(&double, "a", &["10.0.0.12"]);
        address(&double, "10.0.0.12", "a");
        let mut young = double.get(&IP_ADDRESSES, "", "10.0.0.9").unwrap();
        meta::set_name(&mut young, "10.0.0.13");
        meta::set(&mut young, "creationTimestamp", "2026-01-01T00:00:00Z");
        double.put(&IP_ADDRESSES, young);
        repair.pass().await.unwrap();
        assert_eq!(double.names(&IP_ADDRESSES), ["10.0.0.10", "10.0.0.12", "10.0.0.13"]);
        assert_eq!(
            told(&double),
            [
                "IPAddress: 10.0.0.11 for Service n/a has a wrong reference; cleaning up",
                "IPAddress: 10.0.0.9 for Service n/gone appears to have leaked: cleaning up",
            ]
        );
    }

    #[tokio::test]
    async fn a_reference_to_something_else_is_taken_away() {
        let (double, repair) = repair();
        address(&double, "10.0.0.9", "a");
        let mut changed = double.get(&IP_ADDRESSES, "", "10.0.0.9").unwrap();
        changed.child("spec").child("parentRef").set("resource", "gateways");
        double.put(&IP_ADDRESSES, changed);
        repair.pass().await.unwrap();
        assert_eq!(double.names(&IP_ADDRESSES), [""; 0]);
    }

    #[tokio::test]
    async fn what_fails_is_told_and_the_rest_is_done() {
        let (double, repair) = repair();
        service(&double, "a", &["10.0.0.9"]);
        double.refuse(&IP_ADDRESSES);
        assert!(repair.pass().await.is_err());
        double.allow(&IP_ADDRESSES);
        repair.pass().await.unwrap();
        assert_eq!(double.names(&IP_ADDRESSES), ["10.0.0.9"]);
    }
}
