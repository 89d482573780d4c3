//! The addresses and ports that the cluster gives to services, before a service goes through the rules of its kind
//! (upstream's `registry/core/service/storage`).
//!
//! It is better to lose an address than to give it twice: what is taken is taken at once, what is given back is given back
//! after the service was written, and what is lost on the way is found by the repairs ([`repair`]).

mod bitmap;
mod claim;
mod health_check;
mod ips;
mod node_ports;
mod pool;
mod ports;
mod range;
pub(super) mod repair;

use std::sync::Arc;

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_kinds::service;
use apiserver_storage::cluster::Cluster;
use base::random::Random;

pub use claim::Claim;
pub use ports::{NodePorts, PortRange};
pub use range::RangeError;

pub(super) use range::Range;

use crate::inside::objects::{ENDPOINTS, remove};
use crate::metrics::{Addresses, Metrics};
use pool::{Owner, Pool};
use range::Family;

const EXTERNAL_NAME: &str = "ExternalName";
const LOAD_BALANCER: &str = "LoadBalancer";
const NODE_PORT: &str = "NodePort";

/// Gives addresses and ports to services. Cheap to clone.
#[derive(Clone)]
pub struct ServiceAddresses {
    shared: Arc<Shared>,
}

/// What claims need, too.
struct Shared {
    cluster: Arc<dyn Cluster>,
    pool: Pool,
    ports: Arc<NodePorts>,
    metrics: Addresses,
    /// The families of the cluster, the first one first.
    families: Vec<&'static str>,
}

impl ServiceAddresses {
    /// `ranges` are the networks of `--service-cluster-ip-range`: they say what families the cluster has. The addresses
    /// come from the networks of the `ServiceCIDRs`, which a cluster may have more of.
    ///
    /// # Errors
    /// Where a range is no network for services.
    pub fn new(
        cluster: Arc<dyn Cluster>,
        random: Arc<dyn Random>,
        ranges: &[String],
        ports: Arc<NodePorts>,
        metrics: &Metrics,
    ) -> Result<Self, RangeError> {
        let families = ranges
            .iter()
            .map(|range| Range::parse(range).map(|range| range.family.as_str()));
        let families = families.collect::<Result<_, _>>()?;
        let metrics = metrics.addresses.clone();
        let pool = Pool::new(Arc::clone(&cluster), random, metrics.clone());
        let shared = Arc::new(Shared {
            cluster,
            pool,
            ports,
            metrics,
            families,
        });
        Ok(Self { shared })
    }

    /// Gives a service what it needs, between admission and the rules of its kind. It has its name and its namespace;
    /// `old` is what it replaces. With `dry_run` nothing is taken and values stand for what would be.
    ///
    /// The claim is to be [committed](Claim::commit) once the service is stored, or else [rolled back](Claim::roll_back).
    ///
    /// # Errors
    /// 422 where what is asked for cannot be had, 500 where nothing is left or the store does not answer.
    pub async fn begin(&self, new: &mut Tree, old: Option<&Tree>, dry_run: bool) -> Result<Claim, Status> {
        service::settle(new, old, &self.shared.families)?;
        let mut claim = Claim::new(Arc::clone(&self.shared), Owner::of(new), dry_run);
        let outcome = match old {
            None => claim.create(new).await,
            Some(old) => claim.update(new, old).await,
        };
        match outcome {
            Ok(()) => Ok(claim),
            Err(status) => {
                claim.roll_back().await;
                Err(status)
            }
        }
    }

    /// Brings the gauges up to date that tell how much is taken; called before the registry is read.
    pub(crate) async fn refresh_metrics(&self) {
        self.shared.pool.refresh_metrics();
        let (taken, all) = self.shared.ports.count().await;
        self.shared.metrics.set_ports(taken, all);
    }

    /// Gives back what a service had that was deleted. Its Endpoints go with it, so that they do not lead to another of the
    /// same name. What fails is logged and put right by the repairs.
    pub async fn release(&self, service: &Tree) {
        let owner = Owner::of(service);
        let cluster = &*self.shared.cluster;
        if let Err(status) = remove(cluster, &ENDPOINTS, &owner.namespace, &owner.name).await {
            let (namespace, name) = (&owner.namespace, &owner.name);
            tracing::error!(%status, namespace, name, "delete service endpoints failed");
        }
        for ip in ips::of(service) {
            self.shared.pool.give_back(&owner, ip).await;
        }
        let mut ports = node_ports::of(service);
        ports.extend(health_check::of(service));
        self.shared.ports.give_back(&ports).await;
    }
}

impl Claim {
    async fn create(&mut self, new: &mut Tree) -> Result<(), Status> {
        self.give_ips(new).await?;
        if node_ports::has_them(new) {
            self.give_node_ports(new).await?;
        }
        if health_check::is_needed(new) {
            self.give_health_check(new).await?;
        }
        Ok(())
    }

    async fn update(&mut self, new: &mut Tree, old: &Tree) -> Result<(), Status> {
        self.change_ips(new, old).await?;
        if node_ports::has_them(new) {
            self.change_node_ports(new, old).await?;
        } else if node_ports::has_them(old) {
            self.leave_ports(&node_ports::of(old));
        }
        match (health_check::is_needed(old), health_check::is_needed(new)) {
            (false, true) => self.give_health_check(new).await?,
            (true, false) => self.leave_ports(&health_check::of(old)),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
