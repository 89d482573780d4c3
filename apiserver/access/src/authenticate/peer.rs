//! The certificates that a client showed when it connected, and what verifying them gave.

use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;
use ring::digest;
use rustls_pki_types::CertificateDer;
use x509_parser::der_parser::Oid;
use x509_parser::der_parser::oid;
use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::{OID_X509_COMMON_NAME, OID_X509_ORGANIZATION_NAME};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::authority::Bundle;
use super::x509::{Invalid, in_time, moments, validity};

/// A user's uid in a subject (`k8s.io/apimachinery/pkg/apis/asn1`).
const UID: Oid<'static> = oid!(1.3.6.1.4.1.57683.2);
/// Of how many bundles the outcome is kept: that of clients and that of proxies.
const KEPT: usize = 2;

/// The certificates of a connection. It lives as long as the connection: what it is verified to be is kept for the requests
/// that follow, until the authorities or the validity of a certificate change.
pub struct Peer {
    chain: Vec<CertificateDer<'static>>,
    leaf: Option<Leaf>,
    /// The moments at which what is good may change because of its certificates.
    moments: Vec<i64>,
    known: Mutex<Vec<Known>>,
}

/// What a client's certificate says.
pub(super) struct Leaf {
    /// The last common name, as Go reads it.
    pub(super) common_name: String,
    pub(super) organizations: Vec<String>,
    /// `None` where one is no text.
    pub(super) uids: Vec<Option<String>>,
    /// `X509SHA256=...`.
    pub(super) credential: String,
    /// As messages name it: `SN=1, SKID=AA:BB, AKID=`.
    pub(super) identifier: String,
    pub(super) times: (i64, i64),
}

/// What verifying gave, and from and until which second it will.
struct Known {
    bundle: Arc<Bundle>,
    seconds: Range<i64>,
    outcome: Result<(), Invalid>,
}

impl Peer {
    /// The chain that a client showed, its own certificate first; `None` where it showed none.
    pub fn new(chain: Vec<CertificateDer<'static>>) -> Option<Self> {
        let leaf = Leaf::read(chain.first()?);
        let mut all = Vec::new();
        for der in &chain {
            if let Ok((_, certificate)) = X509Certificate::from_der(der) {
                all.extend(moments(validity(&certificate)));
            }
        }
        Some(Self {
            chain,
            leaf,
            moments: all,
            known: Mutex::default(),
        })
    }

    /// What its own certificate says, verified or not.
    pub(super) const fn leaf(&self) -> Option<&Leaf> {
        self.leaf.as_ref()
    }

    /// Whether these authorities vouch for it at a time in seconds since 1970.
    pub(super) fn verify(&self, bundle: &Arc<Bundle>, now: i64) -> Result<&Leaf, Invalid> {
        let leaf = self.leaf.as_ref().ok_or(Invalid::Malformed)?;
        in_time(leaf.times, now)?;
        let mut known = self.known.lock();
        let found = known.iter().find(|known| Arc::ptr_eq(&known.bundle, bundle));
        if let Some(found) = found.filter(|found| found.seconds.contains(&now)) {
            return found.outcome.clone().map(|()| leaf);
        }
        let outcome = bundle.verify(&self.chain, now);
        // Between two moments nothing changes.
        let changes = self.moments.iter().copied().chain(bundle.moments());
        let until = changes.filter(|moment| *moment > now).min().unwrap_or(i64::MAX);
        known.retain(|known| !Arc::ptr_eq(&known.bundle, bundle));
        if known.len() >= KEPT {
            known.remove(0);
        }
        known.push(Known {
            bundle: Arc::clone(bundle),
            seconds: now..until,
            outcome: outcome.clone(),
        });
        outcome.map(|()| leaf)
    }
}

impl Leaf {
    fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let (mut common_name, mut organizations, mut uids) = (String::new(), Vec::new(), Vec::new());
        for attribute in certificate.subject().iter_attributes() {
            let (kind, text) = (attribute.attr_type(), attribute.as_str().ok().map(str::to_owned));
            if *kind == UID {
                uids.push(text);
            } else if let Some(text) = text {
                if *kind == OID_X509_COMMON_NAME {
                    common_name = text;
                } else if *kind == OID_X509_ORGANIZATION_NAME {
                    organizations.push(text);
                }
            }
        }
        let hash = digest::digest(&digest::SHA256, der);
        Some(Self {
            common_name,
            organizations,
            uids,
            credential: format!("X509SHA256={}", hex(hash.as_ref()).concat().to_lowercase()),
            identifier: identifier(&certificate),
            times: validity(&certificate),
        })
    }
}

fn identifier(certificate: &X509Certificate<'_>) -> String {
    let (mut own, mut authority): (&[u8], &[u8]) = (&[], &[]);
    for extension in certificate.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => own = id.0,
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                authority = id.key_identifier.as_ref().map_or(&[], |id| id.0);
            }
            _ => {}
        }
    }
    let (own, authority) = (hex(own).join(":"), hex(authority).join(":"));
    format!("SN={}, SKID={own}, AKID={authority}", certificate.serial)
}

/// Each byte in two capital digits.
fn hex(bytes: &[u8]) -> Vec<String> {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
