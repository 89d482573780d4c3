//! What an apiserver is to its cluster, of what the flags say.

use std::sync::Arc;

use apiserver_server::inside::addresses::{NodePorts, PortRange};
use apiserver_server::inside::store::{StoredLeases, StoredRange};
use apiserver_server::inside::{self, AuthenticationInfo, EndpointReconciler};
use base::random::Random;
use store_client::Client;
use tokio::sync::watch;

use crate::apiserver::settings::{Reconciler, Settings};

pub(super) fn inside_options(
    settings: &Settings,
    client: &Client,
    random: &Arc<dyn Random>,
    info: watch::Receiver<AuthenticationInfo>,
    port: u16,
) -> inside::Options {
    let services = &settings.services;
    let prefix = settings.etcd.prefix.as_str();
    // The flags were checked: ports lie below 65,536.
    let (first, count) = (services.node_ports.first, services.node_ports.count);
    let port_of = |number: i64| u16::try_from(number).unwrap_or(u16::MAX);
    let ports = PortRange {
        first: port_of(first),
        last: port_of(first + count - 1),
    };
    let stored = Arc::new(StoredRange::node_ports(client.clone(), prefix));
    let reconciler = match services.reconciler {
        Reconciler::Lease | Reconciler::MasterCount => {
            EndpointReconciler::Lease(Arc::new(StoredLeases::new(client.clone(), prefix)))
        }
        Reconciler::None => EndpointReconciler::None,
    };
    inside::Options {
        hostname: hostname(),
        advertise_address: settings.generic.advertise_address,
        peer_address: String::new(),
        secure_port: port,
        service_ranges: services.ranges.iter().map(ToString::to_string).collect(),
        kubernetes_service_node_port: services.kubernetes_node_port.unwrap_or(0),
        node_ports: Arc::new(NodePorts::new(ports, stored, random.clone())),
        endpoint_reconciler: reconciler,
        authentication: info,
        served: Vec::new(),
        ready: watch::Sender::new(false).subscribe(),
    }
}

fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
