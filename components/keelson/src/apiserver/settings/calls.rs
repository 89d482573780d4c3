//! How others are called: kubelets, aggregated apiservers and webhooks.

use std::path::PathBuf;
use std::time::Duration;

use base::flags::pflag::Parsed;

use super::path;

/// How kubelets are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kubelets {
    /// `--kubelet-certificate-authority`; without it their certificates are not checked.
    pub(crate) ca_file: Option<PathBuf>,
    /// `--kubelet-client-certificate`
    pub(crate) cert_file: Option<PathBuf>,
    /// `--kubelet-client-key`
    pub(crate) key_file: Option<PathBuf>,
    /// `--kubelet-port`, where the node does not say.
    pub(crate) port: u16,
    /// `--kubelet-preferred-address-types`: types of a node's addresses, the best first.
    pub(crate) address_types: Vec<String>,
    /// `--kubelet-timeout`
    pub(crate) timeout: Duration,
}

impl Kubelets {
    pub(super) fn read(parsed: &Parsed) -> Self {
        Self {
            ca_file: path(parsed, "kubelet-certificate-authority"),
            cert_file: path(parsed, "kubelet-client-certificate"),
            key_file: path(parsed, "kubelet-client-key"),
            port: u16::try_from(parsed.int("kubelet-port")).unwrap_or_default(),
            address_types: parsed.texts("kubelet-preferred-address-types").to_vec(),
            timeout: parsed.span("kubelet-timeout").as_duration(),
        }
    }
}

/// How aggregated apiservers and webhooks are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Aggregation {
    /// `--proxy-client-cert-file`
    pub(crate) cert_file: Option<PathBuf>,
    /// `--proxy-client-key-file`
    pub(crate) key_file: Option<PathBuf>,
    /// `--enable-aggregator-routing`: call endpoints, not the service's address.
    pub(crate) call_endpoints: bool,
    /// `--aggregator-reject-forwarding-redirect`
    pub(crate) reject_redirects: bool,
}

impl Aggregation {
    pub(super) fn read(parsed: &Parsed) -> Self {
        Self {
            cert_file: path(parsed, "proxy-client-cert-file"),
            key_file: path(parsed, "proxy-client-key-file"),
            call_endpoints: parsed.bool("enable-aggregator-routing"),
            reject_redirects: parsed.bool("aggregator-reject-forwarding-redirect"),
        }
    }
}
