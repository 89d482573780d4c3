//! How others are called: kubelets, aggregated apiservers and webhooks.

use std::path::PathBuf;

use apiserver_server::connect::Kubelets;
use base::flags::pflag::Parsed;

use super::path;

pub(super) fn kubelets(parsed: &Parsed) -> Kubelets {
    Kubelets {
        certificate_authority: path(parsed, "kubelet-certificate-authority"),
        client_certificate: path(parsed, "kubelet-client-certificate"),
        client_key: path(parsed, "kubelet-client-key"),
        port: u16::try_from(parsed.int("kubelet-port")).unwrap_or_default(),
        address_types: parsed.texts("kubelet-preferred-address-types").to_vec(),
        timeout: parsed.span("kubelet-timeout").as_duration(),
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
