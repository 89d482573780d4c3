//! What the server is told of the way to nodes: upstream's flags of the kubelet client.

use std::path::PathBuf;
use std::time::Duration;

/// What is told of connections that leave the API.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Of the way to kubelets.
    pub kubelets: Kubelets,
    /// So many bytes a second may pass in each direction of a connection that was taken over
    /// (`--max-connection-bytes-per-sec`); 0 for any number.
    pub bytes_per_second: u64,
}

/// What is told of the way to kubelets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kubelets {
    /// Which address of a node is taken, the best first (`--kubelet-preferred-address-types`).
    pub address_types: Vec<String>,
    /// The port of those who do not say theirs.
    pub port: u16,
    /// PEM, shown to kubelets (`--kubelet-client-certificate`).
    pub client_certificate: Option<PathBuf>,
    /// Its private key (`--kubelet-client-key`).
    pub client_key: Option<PathBuf>,
    /// PEM of whose kubelets are believed; without it all are (`--kubelet-certificate-authority`).
    pub certificate_authority: Option<PathBuf>,
    /// A connection must stand in this time (`--kubelet-timeout`).
    pub timeout: Duration,
}

impl Default for Kubelets {
    /// Upstream's.
    fn default() -> Self {
        let types = ["Hostname", "InternalDNS", "InternalIP", "ExternalDNS", "ExternalIP"];
        Self {
            address_types: types.map(str::to_owned).into(),
            port: 10_250,
            client_certificate: None,
            client_key: None,
            certificate_authority: None,
            timeout: Duration::from_secs(5),
        }
    }
}
