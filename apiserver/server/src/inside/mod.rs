//! What runs inside an apiserver beside answering requests: the objects that every cluster has, and the addresses of
//! services (upstream's `pkg/controlplane` and `pkg/registry/core/service`).
//!
//! Each part is one file: a loop that looks at what there is and writes what should be, through [`Cluster`] as everybody
//! else. Each begins its hook in [`hooks::Hooks`] and ends with the tasks that it was given. Start reading at
//! [`Inside::start`]; [`addresses::ServiceAddresses`] stands apart, for the way of a write goes through it.

pub mod addresses;
mod api_services;
pub mod applier;
mod authentication_info;
mod bundle;
pub(crate) mod compaction;
mod endpoints;
mod events;
mod flow_control;
pub mod hooks;
mod identity;
mod kubernetes_service;
mod objects;
mod pace;
mod priority_classes;
mod service_cidr;
pub mod store;
mod system_namespaces;
mod token_tracking;

#[cfg(test)]
mod testing;

use std::net::IpAddr;
use std::sync::Arc;

use apiserver_storage::cluster::Cluster;
use base::clock::Clock;
use base::random::Random;
use base::task::Tasks;
use tokio::sync::watch;

pub use api_services::{ServedVersion, missing as missing_api_services};
pub use authentication_info::AuthenticationInfo;
pub use identity::server_id;
pub use kubernetes_service::EndpointReconciler;

use addresses::repair::ips::AddressRepair;
use addresses::repair::ports::PortRepair;
use addresses::{NodePorts, Range, RangeError};
use applier::Applier;
use hooks::Hooks;
use identity::Identity;
use kubernetes_service::KubernetesService;
use service_cidr::DefaultServiceCidr;

use crate::metrics::Metrics;

/// The hooks that [`Inside::start`] begins.
pub const HOOKS: &[&str] = &[
    "start-system-namespaces-controller",
    "start-cluster-authentication-info-controller",
    "start-kube-apiserver-identity-lease-controller",
    "start-kube-apiserver-identity-lease-garbage-collector",
    "start-legacy-token-tracking-controller",
    "start-service-ip-repair-controllers",
    "scheduling/bootstrap-system-priority-classes",
    "priority-and-fairness-config-producer",
    "bootstrap-controller",
    "start-kubernetes-service-cidr-controller",
    "kube-apiserver-autoregistration",
];

/// What every part is given.
#[derive(Clone)]
pub struct Parts {
    /// The objects. Its caches have what the store had when the parts are started.
    pub cluster: Arc<dyn Cluster>,
    /// The same objects, as far as they are applied to.
    pub applier: Arc<dyn Applier>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Where the parts run.
    pub tasks: Tasks,
    /// Where they say how far they are.
    pub hooks: Hooks,
    /// What is counted of them.
    pub metrics: Arc<Metrics>,
}

/// What an apiserver is to its cluster.
pub struct Options {
    /// The name of its host.
    pub hostname: String,
    /// Where it is reached (`--advertise-address`).
    pub advertise_address: IpAddr,
    /// Where other apiservers reach it, as `host:port`; empty where they do not.
    pub peer_address: String,
    /// Its port (`--secure-port`).
    pub secure_port: u16,
    /// The networks of services, one or one of each family (`--service-cluster-ip-range`).
    pub service_ranges: Vec<String>,
    /// The port of nodes of the service `kubernetes`; 0 for none (`--kubernetes-service-node-port`).
    pub kubernetes_service_node_port: u16,
    /// The ports of nodes, as the server gives them to services.
    pub node_ports: Arc<NodePorts>,
    /// Who keeps the endpoints of the service `kubernetes` (`--endpoint-reconciler-type`).
    pub endpoint_reconciler: EndpointReconciler,
    /// Whom it believes; changes as files change.
    pub authentication: watch::Receiver<AuthenticationInfo>,
    /// What it serves itself.
    pub served: Vec<ServedVersion>,
    /// Whether it is ready, as `/readyz` says.
    pub ready: watch::Receiver<bool>,
}

/// The parts as they run.
pub struct Inside {
    tasks: Tasks,
}

impl Inside {
    /// Starts all parts. They end with the tasks they were given, or with [`Inside::stop`].
    ///
    /// # Errors
    /// Where there is no range of services, or one is no network for them.
    pub fn start(parts: Parts, options: Options) -> Result<Self, RangeError> {
        let ranges = options.service_ranges.iter().map(|range| Range::parse(range));
        let ranges = ranges.collect::<Result<Vec<_>, _>>()?;
        let first = ranges.first().ok_or_else(|| RangeError::Unreadable(String::new()))?;
        let tasks = parts.tasks.child();
        let parts = Parts {
            tasks: tasks.clone(),
            ..parts
        };
        let host = options.hostname.as_str();
        let service = KubernetesService {
            parts: parts.clone(),
            address: first.first_address(),
            node_port: options.kubernetes_service_node_port,
            advertise: options.advertise_address,
            secure_port: options.secure_port,
            endpoints: options.endpoint_reconciler,
        };
        let cidrs = ranges.iter().map(|range| range.as_str().to_owned()).collect();
        let cidr = DefaultServiceCidr::new(&parts, cidrs, host);
        let identity = Identity::new(&parts, host, &options.peer_address);
        let address_repair = AddressRepair::new(&parts, host);
        let port_repair = PortRepair::new(&parts, options.node_ports, host);

        // These two take away at the end what would lead others here.
        tasks.spawn("kubernetes-service", service.run(options.ready, tasks.token()));
        tasks.spawn("apiserver-identity-lease", identity.run(tasks.token()));
        tasks.spawn_until("system-namespaces", system_namespaces::run(parts.clone()));
        let info = authentication_info::run(parts.clone(), options.authentication);
        tasks.spawn_until("cluster-authentication-info", info);
        tasks.spawn_until("apiserver-identity-lease-collector", identity::collect(parts.clone()));
        tasks.spawn_until("legacy-token-tracking", token_tracking::run(parts.clone()));
        let repair = addresses::repair::run(parts.clone(), address_repair, port_repair);
        tasks.spawn_until("service-ip-repair", repair);
        tasks.spawn_until("system-priority-classes", priority_classes::run(parts.clone()));
        tasks.spawn_until("flow-control-bootstrap", flow_control::run(parts.clone()));
        tasks.spawn_until("flow-control-consumer", flow_control::consume(parts.clone()));
        tasks.spawn_until("default-service-cidr", cidr.run());
        tasks.spawn_until("apiservice-autoregistration", api_services::run(parts, options.served));
        Ok(Self { tasks })
    }

    /// Ends all parts and waits for them. To be called while the store still answers and before the server stops: this
    /// apiserver takes itself from the endpoints of the service `kubernetes`.
    pub async fn stop(&self) {
        self.tasks.shutdown().await;
    }
}

#[cfg(test)]
mod tests;
