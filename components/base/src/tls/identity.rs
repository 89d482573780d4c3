//! Who a certificate says its holder is.

use std::net::IpAddr;

use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// The names in a verified certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The subject's common name, empty if it has none. A store with authentication takes it as the user.
    pub common_name: String,
    /// DNS names among the subject alternative names.
    pub dns_names: Vec<String>,
    /// IP addresses among the subject alternative names.
    pub ip_addresses: Vec<IpAddr>,
    /// URIs among the subject alternative names.
    pub uris: Vec<String>,
}

/// The identity in the first certificate of a chain; `None` without a certificate.
pub fn identity(chain: Option<&[CertificateDer<'_>]>) -> Option<Identity> {
    let (_, certificate) = X509Certificate::from_der(chain?.first()?).ok()?;
    let common_name = certificate
        .subject()
        .iter_common_name()
        .next()
        .and_then(|name| name.as_str().ok());
    let mut identity = Identity {
        common_name: common_name.unwrap_or_default().to_owned(),
        ..Identity::default()
    };
    if let Ok(Some(names)) = certificate.subject_alternative_name() {
        for name in &names.value.general_names {
            match name {
                GeneralName::DNSName(name) => identity.dns_names.push((*name).to_owned()),
                GeneralName::URI(uri) => identity.uris.push((*uri).to_owned()),
                GeneralName::IPAddress(bytes) => identity.ip_addresses.extend(address(bytes)),
                _ => {}
            }
        }
    }
    Some(identity)
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(four.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

impl Identity {
    /// Whether the certificate is valid for `host`, a DNS name or an IP address; a name may match one `*.` label.
    pub fn covers(&self, host: &str) -> bool {
        if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
            return self.ip_addresses.contains(&address);
        }
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.dns_names
            .iter()
            .any(|name| covers_name(&name.to_ascii_lowercase(), &host))
    }

    /// All names and addresses, for messages.
    pub(super) fn hosts(&self) -> Vec<String> {
        let addresses = self.ip_addresses.iter().map(ToString::to_string);
        self.dns_names.iter().cloned().chain(addresses).collect()
    }
}

fn covers_name(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(rest) => host
            .split_once('.')
            .is_some_and(|(label, parent)| !label.is_empty() && parent == rest),
        None => pattern == host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cover_one_wildcard_label_and_no_more() {
        let identity = Identity {
            dns_names: vec!["*.example.com".into(), "Node-1".into()],
            ip_addresses: vec![[127, 0, 0, 1].into()],
            ..Identity::default()
        };
        for host in ["a.example.com", "A.EXAMPLE.com.", "node-1", "127.0.0.1"] {
            assert!(identity.covers(host), "{host}");
        }
        for host in [
            "example.com",
            "a.b.example.com",
            ".example.com",
            "node-2",
            "127.0.0.2",
            "::1",
        ] {
            assert!(!identity.covers(host), "{host}");
        }
    }

    #[test]
    fn no_certificate_is_nobody() {
        assert_eq!(identity(None), None);
        assert_eq!(identity(Some(&[])), None);
        assert_eq!(identity(Some(&[CertificateDer::from(vec![1, 2, 3])])), None);
    }
}
