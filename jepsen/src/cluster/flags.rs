//! What a member is told.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use super::Product;
use crate::net;

const CLIENT_PORT: u16 = 2379;
const PEER_PORT: u16 = 2380;
const METRICS_PORT: u16 = 2381;

/// The name of the member on a node.
pub(super) fn name(node: usize) -> String {
    format!("n{}", node + 1)
}

/// Where clients reach it.
pub(super) fn client_url(node: usize) -> String {
    url(net::address(node), CLIENT_PORT)
}

/// Where the other members reach it.
pub(super) fn peer_url(node: usize) -> String {
    url(net::address(node), PEER_PORT)
}

/// Where it tells how it is.
pub(super) fn metrics_address(node: usize) -> SocketAddr {
    (net::address(node), METRICS_PORT).into()
}

fn url(address: Ipv4Addr, port: u16) -> String {
    format!("http://{address}:{port}")
}

/// How a member comes into its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Joining {
    /// The nodes of the cluster as it is, or is to be, with its own.
    pub(super) nodes: Vec<usize>,
    /// The cluster is there already and was told of it.
    pub(super) existing: bool,
}

/// The flags of the member on a node.
pub(super) fn flags(product: Product, node: usize, data: &Path, joining: &Joining, more: &[String]) -> Vec<String> {
    let all: Vec<String> = joining
        .nodes
        .iter()
        .map(|node| format!("{}={}", name(*node), peer_url(*node)))
        .collect();
    let state = if joining.existing { "existing" } else { "new" };
    let (client, peer) = (client_url(node), peer_url(node));
    let mut flags = vec![
        format!("--name={}", name(node)),
        format!("--data-dir={}", data.display()),
        format!("--listen-client-urls={client}"),
        format!("--advertise-client-urls={client}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--listen-metrics-urls=http://{}", metrics_address(node)),
        format!("--initial-cluster={}", all.join(",")),
        format!("--initial-cluster-state={state}"),
        "--initial-cluster-token=jepsen".to_owned(),
        // Clients that want to notice soon that a member is gone ask it often.
        "--grpc-keepalive-min-time=1s".to_owned(),
        "--log-level=info".to_owned(),
    ];
    if product == Product::Etcd {
        // Before 3.5 it is not the default, and the scan of the logs reads JSON.
        flags.push("--logger=zap".to_owned());
    }
    flags.extend_from_slice(more);
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_knows_its_place_and_its_cluster() {
        let joining = Joining {
            nodes: vec![0, 2],
            existing: true,
        };
        let more = ["--snapshot-count=100".to_owned()];
        let flags = flags(Product::Etcd, 2, Path::new("/data"), &joining, &more);
        for expected in [
            "--name=n3",
            "--data-dir=/data",
            "--advertise-client-urls=http://10.99.0.3:2379",
            "--listen-metrics-urls=http://10.99.0.3:2381",
            "--initial-cluster=n1=http://10.99.0.1:2380,n3=http://10.99.0.3:2380",
            "--initial-cluster-state=existing",
            "--logger=zap",
        ] {
            assert!(flags.iter().any(|flag| flag == expected), "{expected}: {flags:?}");
        }
        assert_eq!(
            flags.last().map(String::as_str),
            Some("--snapshot-count=100"),
            "the last word wins"
        );
    }
}
