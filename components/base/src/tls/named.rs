//! Certificates for clients that ask for certain hosts, beside the one for all others, chosen as Go and Kubernetes choose.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::identity::identity;
use super::server::bad;
use super::{Error, keys, material};

/// A certificate for clients that ask for certain hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedCert {
    /// PEM chain shown to them.
    pub cert_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
    /// The hosts, perhaps with `*.` in front, and addresses that are connected to without naming a host; where there are
    /// none, the certificate's own hosts.
    pub names: Vec<String>,
}

/// Which certificate is shown to whom.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    by_name: Arc<HashMap<String, Arc<CertifiedKey>>>,
    /// For clients that ask for no host, or for one of no other certificate.
    usual: Arc<CertifiedKey>,
    /// For clients that ask for no host, where it is another one.
    unnamed: Option<Arc<CertifiedKey>>,
}

impl Choice {
    /// Reads all certificates. Of several for a name the first counts, and one that was given the name before one that has it.
    pub(super) fn read(
        usual: Arc<CertifiedKey>,
        named: &[NamedCert],
        provider: &CryptoProvider,
    ) -> Result<Self, Error> {
        let (mut own, mut given) = (HashMap::new(), HashMap::new());
        for one in named.iter().rev() {
            let key = certified(&one.cert_file, &one.key_file, provider)?;
            if one.names.is_empty() {
                own.extend(own_names(&key).into_iter().map(|name| (name, key.clone())));
            }
            given.extend(one.names.iter().map(|name| (name.clone(), key.clone())));
        }
        own.extend(given);
        Ok(Self {
            by_name: Arc::new(own),
            usual,
            unnamed: None,
        })
    }

    /// The addresses that have a certificate of their own, and the choice for those who connect to each.
    pub(super) fn by_address(&self) -> impl Iterator<Item = (IpAddr, Self)> {
        self.by_name.iter().filter_map(|(name, key)| {
            let choice = Self {
                unnamed: Some(key.clone()),
                ..self.clone()
            };
            Some((name.parse().ok()?, choice))
        })
    }

    fn of(&self, host: Option<&str>) -> Arc<CertifiedKey> {
        let Some(host) = host else {
            return self.unnamed.as_ref().unwrap_or(&self.usual).clone();
        };
        let host = host.to_ascii_lowercase();
        let wildcard = match host.split_once('.') {
            Some((_, parent)) => format!("*.{parent}"),
            None => "*".to_owned(),
        };
        let found = self.by_name.get(&host).or_else(|| self.by_name.get(&wildcard));
        found.unwrap_or(&self.usual).clone()
    }
}

impl ResolvesServerCert for Choice {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.of(hello.server_name()))
    }
}

/// A certificate with its key, which must belong together.
pub(super) fn certified(
    cert_file: &std::path::Path,
    key_file: &std::path::Path,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, Error> {
    let (chain, key) = (material::chain(cert_file)?, material::key(key_file)?);
    let key = provider.key_provider.load_private_key(key);
    let key = key.map_err(|_| bad("private key", key_file, &keys::TAKEN))?;
    let key = CertifiedKey::new(chain, key);
    let matched = key.keys_match();
    matched.map_err(|error| bad("certificate", cert_file, &error))?;
    Ok(Arc::new(key))
}

/// The hosts of a certificate. Its addresses are none: clients do not ask for those by name.
fn own_names(key: &CertifiedKey) -> Vec<String> {
    let identity = identity(Some(&key.cert)).unwrap_or_default();
    let is_host = |name: &str| {
        let name = name.strip_prefix("*.").unwrap_or(name);
        let label = |label: &str| {
            let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !label.is_empty() && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
        };
        name.len() <= 253 && name.parse::<IpAddr>().is_err() && name.split('.').all(label)
    };
    let common = Some(identity.common_name).filter(|name| name == "*" || is_host(name));
    common.into_iter().chain(identity.dns_names).collect()
}
