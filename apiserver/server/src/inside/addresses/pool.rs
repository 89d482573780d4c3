//! The addresses of services, one `IPAddress` object for each: whoever makes the object has the address (upstream's
//! `ipallocator`).

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_storage::cache::Mark;
use apiserver_storage::cluster::Cluster;
use base::random::Random;
use parking_lot::Mutex;

use super::range::{Family, Range};
use crate::inside::objects::{IP_ADDRESSES, SERVICE_CIDRS, is_there_already, object, remove, tree};
use crate::inside::service_cidr::cidrs;
use crate::metrics::{Addresses, Wanted};

const FAMILY_LABEL: &str = "ipaddress.kubernetes.io/ip-family";
const MANAGED_LABEL: &str = "ipaddress.kubernetes.io/managed-by";
/// Who made an address's object, as its label says.
const MANAGER: &str = "ipallocator.k8s.io";
/// How many addresses are tried by chance before all that are taken are looked at.
const GUESSES: usize = 16;

/// Why a service does not get an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PoolError {
    #[error("range is full")]
    Full,
    #[error("provided IP is already allocated")]
    Taken,
    #[error("the provided network does not match the current range")]
    Elsewhere,
    #[error("allocator not ready")]
    NotReady,
    #[error("the provided IP ({ip}) is not in the valid range. The range of valid IPs is {range}")]
    OutOfRange { ip: IpAddr, range: String },
    #[error("{0}")]
    Refused(Status),
}

/// The service that has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::inside) struct Owner {
    pub(in crate::inside) namespace: String,
    pub(in crate::inside) name: String,
}

impl Owner {
    pub(in crate::inside) fn of(service: &Tree) -> Self {
        Self {
            namespace: meta::namespace(service).to_owned(),
            name: meta::name(service).to_owned(),
        }
    }

    /// Whom an address belongs to; `None` where that is no service.
    pub(in crate::inside) fn of_address(address: &Tree) -> Option<Self> {
        let parent = address.at("spec").at("parentRef");
        let service = parent.text("group").is_empty() && parent.text("resource") == "services";
        service.then(|| Self {
            namespace: parent.text("namespace").to_owned(),
            name: parent.text("name").to_owned(),
        })
    }
}

/// The object that gives an address to a service.
pub(in crate::inside) fn address_of(ip: IpAddr, owner: &Owner) -> Tree {
    let mut address = object("networking.k8s.io/v1", "IPAddress", "", &ip.to_string());
    meta::set_label(&mut address, FAMILY_LABEL, Family::of(ip).as_str());
    meta::set_label(&mut address, MANAGED_LABEL, MANAGER);
    let parent = tree([
        ("name", owner.name.as_str().into()),
        ("namespace", owner.namespace.as_str().into()),
        ("resource", "services".into()),
    ]);
    address.set("spec", tree([("parentRef", parent)]));
    address
}

/// Whether an address was made here, not by others for their own ends.
pub(in crate::inside) fn is_managed(address: &Tree) -> bool {
    meta::label(address, MANAGED_LABEL) == Some(MANAGER)
}

/// Whether an address has the labels that it is made with.
pub(in crate::inside) fn is_labelled(address: &Tree) -> bool {
    let family = meta::name(address).parse().map_or(Family::V4, Family::of);
    is_managed(address) && meta::label(address, FAMILY_LABEL) == Some(family.as_str())
}

/// The networks of all `ServiceCIDRs`, each once; those that cannot be read are left out.
pub(in crate::inside) fn networks(objects: &[Tree]) -> Vec<Network> {
    let mut networks: Vec<Network> = Vec::new();
    for service_cidr in objects {
        let ready = is_ready(service_cidr);
        for text in cidrs(service_cidr) {
            let range = match Range::parse(text) {
                Ok(range) => range,
                Err(error) => {
                    tracing::info!(%error, cidr = text, "error creating new IPAllocator for Service CIDR");
                    continue;
                }
            };
            // One that several say is ready where one of them is.
            match networks.iter_mut().find(|network| network.range == range) {
                Some(known) => known.ready |= ready,
                None => networks.push(Network { range, ready }),
            }
        }
    }
    networks
}

/// Where nobody says anything it is taken as ready: the controller that says so may not run.
fn is_ready(service_cidr: &Tree) -> bool {
    let conditions = service_cidr.at("status").items("conditions");
    let ready = conditions.iter().find(|condition| condition.text("type") == "Ready");
    ready.is_none_or(|ready| ready.text("status") == "True") && !meta::is_deleting(service_cidr)
}

/// A network, and whether addresses may be taken from it.
#[derive(Clone, Debug)]
pub(in crate::inside) struct Network {
    pub(in crate::inside) range: Range,
    pub(in crate::inside) ready: bool,
}

/// The addresses that there are.
pub(super) struct Pool {
    cluster: Arc<dyn Cluster>,
    random: Arc<dyn Random>,
    /// The networks as they were of these `ServiceCIDRs`.
    known: Mutex<(Mark, Arc<Vec<Network>>)>,
    metrics: Addresses,
}

impl Pool {
    pub(super) fn new(cluster: Arc<dyn Cluster>, random: Arc<dyn Random>, metrics: Addresses) -> Self {
        Self {
            cluster,
            random,
            metrics,
            known: Mutex::default(),
        }
    }

    fn networks(&self) -> Arc<Vec<Network>> {
        let mark = self.cluster.mark(&SERVICE_CIDRS);
        {
            let known = self.known.lock();
            if known.0 == mark {
                return Arc::clone(&known.1);
            }
        }
        let networks = Arc::new(networks(&self.cluster.cached_list(&SERVICE_CIDRS, "")));
        *self.known.lock() = (mark, Arc::clone(&networks));
        networks
    }

    /// Takes an address that was asked for.
    pub(super) async fn take(&self, owner: &Owner, ip: IpAddr) -> Result<(), PoolError> {
        let networks = self.networks();
        let network = networks.iter().find(|network| network.ready && network.range.holds(ip));
        let Some(network) = network else {
            return Err(PoolError::Elsewhere);
        };
        let begun = Instant::now();
        let outcome = self.create(owner, ip).await;
        self.note(&network.range, Wanted::This, begun, outcome.is_ok());
        outcome
    }

    /// Takes any address of a family.
    pub(super) async fn take_any(&self, owner: &Owner, family: Family) -> Result<IpAddr, PoolError> {
        let networks = self.networks();
        for network in networks
            .iter()
            .filter(|network| network.range.family == family && network.ready)
        {
            let begun = Instant::now();
            let outcome = self.take_from(owner, &network.range).await;
            self.note(&network.range, Wanted::Any, begun, outcome.is_ok());
            match outcome {
                Err(PoolError::Full) => {}
                outcome => return outcome,
            }
        }
        Err(PoolError::Full)
    }

    /// Counts that an address was asked for.
    fn note(&self, range: &Range, wanted: Wanted, begun: Instant, given: bool) {
        if given {
            self.metrics.gave_ip(range.as_str(), wanted, begun.elapsed());
        } else {
            self.metrics.refused_ip(range.as_str(), wanted);
        }
    }

    /// Tells how many addresses of each network are taken, and how many are left.
    pub(super) fn refresh_metrics(&self) {
        let all = self.cluster.cached_list(&IP_ADDRESSES, "");
        let managed = all.iter().filter(|address| is_managed(address));
        let taken: Vec<IpAddr> = managed.filter_map(|address| meta::name(address).parse().ok()).collect();
        for network in &*self.networks() {
            let range = &network.range;
            let inside = taken.iter().filter(|ip| range.holds(**ip)).count();
            self.metrics.set_ips(range.as_str(), inside, range.size());
        }
    }

    /// Whether an address could be taken, without taking it. Upstream does not ask who has it, nor do we.
    pub(super) fn try_take(&self, family: Family, ip: IpAddr) -> Result<(), PoolError> {
        let networks = self.networks();
        let mut of_family = networks.iter().filter(|network| network.range.family == family);
        let holding = of_family.clone().find(|network| network.range.holds(ip));
        let network = holding.or_else(|| of_family.next()).ok_or(PoolError::NotReady)?;
        match network {
            Network { ready: false, .. } => Err(PoolError::NotReady),
            network if network.range.holds(ip) => Ok(()),
            network => Err(PoolError::OutOfRange {
                ip,
                range: network.range.as_str().to_owned(),
            }),
        }
    }

    /// What stands for any address of a family where none is taken: the network's own.
    pub(super) fn try_take_any(&self, family: Family) -> Result<IpAddr, PoolError> {
        let networks = self.networks();
        let mut ready = networks
            .iter()
            .filter(|network| network.range.family == family && network.ready);
        Ok(ready.next().ok_or(PoolError::NotReady)?.range.network())
    }

    /// Gives an address back, unless another service has it by now. A failure is logged, and put right by the repairs.
    pub(super) async fn give_back(&self, owner: &Owner, ip: IpAddr) {
        let name = ip.to_string();
        let other = self.cluster.cached(&IP_ADDRESSES, "", &name);
        let other = other.filter(|address| Owner::of_address(address).as_ref() != Some(owner));
        if other.is_some() {
            return tracing::info!(ip = name, "not releasing an address of another owner");
        }
        if let Err(status) = remove(&*self.cluster, &IP_ADDRESSES, "", &name).await {
            tracing::info!(%status, ip = name, "error releasing ip");
        }
    }

    async fn create(&self, owner: &Owner, ip: IpAddr) -> Result<(), PoolError> {
        match self.cluster.create(&IP_ADDRESSES, address_of(ip, owner)).await {
            Ok(_) => Ok(()),
            Err(status) if is_there_already(&status) => Err(PoolError::Taken),
            Err(status) => Err(PoolError::Refused(status)),
        }
    }

    /// Takes an address of a network, from the upper band as long as it has any.
    async fn take_from(&self, owner: &Owner, range: &Range) -> Result<IpAddr, PoolError> {
        let (first, last) = (range.first(), range.last());
        let middle = first + range.band();
        for (from, to) in [(middle, last), (first, middle - 1)] {
            if from > to {
                continue;
            }
            match self.take_between(owner, range, from, to).await {
                Err(PoolError::Full) => {}
                outcome => return outcome,
            }
        }
        Err(PoolError::Full)
    }

    async fn take_between(&self, owner: &Owner, range: &Range, from: u128, to: u128) -> Result<IpAddr, PoolError> {
        let size = u64::try_from(to - from + 1).unwrap_or(u64::MAX);
        for _ in 0..GUESSES {
            let ip = range.address(from + u128::from(self.random.below(size)));
            if self.cluster.cached(&IP_ADDRESSES, "", &ip.to_string()).is_some() {
                continue;
            }
            match self.create(owner, ip).await {
                // The cache lags, or another was faster.
                Err(PoolError::Taken) => {}
                outcome => return outcome.map(|()| ip),
            }
        }
        // Many are taken: one look at all of them costs less than a look at each. More are not passed by below.
        let taken = self.taken();
        let start = from + u128::from(self.random.below(size));
        for number in (start..=to).chain(from..start) {
            if taken.contains(&number) {
                continue;
            }
            let ip = range.address(number);
            match self.create(owner, ip).await {
                Err(PoolError::Taken) => {}
                outcome => return outcome.map(|()| ip),
            }
        }
        Err(PoolError::Full)
    }

    fn taken(&self) -> HashSet<u128> {
        let all = self.cluster.cached_list(&IP_ADDRESSES, "");
        let addresses = all.iter().filter_map(|address| meta::name(address).parse().ok());
        addresses.map(Range::number).collect()
    }
}
