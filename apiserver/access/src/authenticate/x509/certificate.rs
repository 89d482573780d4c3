//! A certificate, as far as it matters for whether it is good.

use std::collections::HashSet;

use base::tls::signature_algorithms;
use rustls_pki_types::{SubjectPublicKeyInfoDer, alg_id};
use webpki::RawPublicKeyEntity;
use x509_parser::asn1_rs::{Any, Tag};
use x509_parser::extensions::{GeneralName, ParsedExtension, X509Extension};
use x509_parser::oid_registry::{
    OID_X509_EXT_BASIC_CONSTRAINTS, OID_X509_EXT_CERTIFICATE_POLICIES, OID_X509_EXT_CRL_DISTRIBUTION_POINTS,
    OID_X509_EXT_EXTENDED_KEY_USAGE, OID_X509_EXT_KEY_USAGE, OID_X509_EXT_NAME_CONSTRAINTS,
    OID_X509_EXT_SUBJECT_ALT_NAME,
};
use x509_parser::prelude::{FromDer, X509Certificate, X509Version};

use super::Invalid;
use super::names::{Limits, Name, whole};
use super::times::validity;

/// What is read of it. It need not be good.
pub(crate) struct Certificate {
    /// As messages name it.
    pub(super) name: String,
    pub(super) subject: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    /// From and to which seconds since 1970 it is good.
    pub(crate) times: (i64, i64),
    pub(super) key: SubjectPublicKeyInfoDer<'static>,
    version: X509Version,
    signed: Signed,
    pub(super) said: Said,
}

/// What was signed, and how.
struct Signed {
    body: Vec<u8>,
    /// An `AlgorithmIdentifier` without its tag and length.
    algorithm: Vec<u8>,
    signature: Vec<u8>,
}

/// What its extensions say.
#[derive(Default)]
pub(super) struct Said {
    /// Whether it is an authority, and how many may stand between it and a certificate at the end.
    pub(super) authority: Option<(bool, Option<u32>)>,
    /// Whether its key may sign certificates, where it says what its key is for.
    signs: Option<bool>,
    /// Whether it is for clients, where it says what it is for.
    pub(super) for_clients: Option<bool>,
    own_id: Vec<u8>,
    authority_id: Vec<u8>,
    pub(super) names: Vec<Name>,
    /// The extension that has the names.
    pub(super) raw_names: Option<Vec<u8>>,
    pub(super) limits: Option<Limits>,
    /// Whether there is something that must be understood and is not.
    pub(super) unhandled: bool,
}

impl Certificate {
    /// Reads it.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn read(der: &[u8]) -> Result<Self, Invalid> {
        Self::parse(der).ok_or(Invalid::Malformed)
    }

    fn parse(der: &[u8]) -> Option<Self> {
        let Ok(([], certificate)) = X509Certificate::from_der(der) else {
            return None;
        };
        let version = certificate.version();
        let extensions = certificate.extensions();
        if version.0 > X509Version::V3.0 || !extensions.is_empty() && version != X509Version::V3 {
            return None;
        }
        // The parser takes an algorithm apart; for whole ones it is held against those that are known.
        let inside = whole(der, Tag::Sequence)?;
        let (after, _) = Any::from_der(inside).ok()?;
        let (_, algorithm) = Any::from_der(after).ok()?;
        let body = &inside[..inside.len() - after.len()];
        let same = certificate.signature_algorithm == certificate.signature;
        if !same || body != certificate.tbs_certificate.as_ref() || certificate.signature_value.unused_bits != 0 {
            return None;
        }
        Some(Self {
            name: name(&certificate),
            subject: certificate.subject().as_raw().to_vec(),
            issuer: certificate.issuer().as_raw().to_vec(),
            times: validity(&certificate),
            key: certificate.public_key().raw.to_vec().into(),
            version,
            signed: Signed {
                body: body.to_vec(),
                algorithm: algorithm.data.to_vec(),
                signature: certificate.signature_value.data.to_vec(),
            },
            said: Said::read(extensions)?,
        })
    }

    /// Whether its key may sign certificates. Before version 3 they could not say.
    fn may_sign(&self) -> bool {
        let authority = match self.said.authority {
            Some((authority, _)) => authority,
            None => self.version != X509Version::V3,
        };
        authority && self.said.signs.unwrap_or(true)
    }

    /// Whether another, which must be one that may, signed it.
    pub(super) fn check_signature(&self, parent: &Self) -> Result<(), Invalid> {
        if !parent.may_sign() {
            return Err(Invalid::Parent);
        }
        let key = RawPublicKeyEntity::try_from(&parent.key).map_err(|_| Invalid::Algorithm)?;
        let Signed {
            body,
            algorithm,
            signature,
        } = &self.signed;
        for known in signature_algorithms() {
            if known.signature_alg_id().as_ref() != algorithm {
                continue;
            }
            match key.verify_signature(*known, body, signature) {
                Ok(()) => return Ok(()),
                // Each is for keys of one kind.
                Err(webpki::Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)) => {}
                Err(_) => return Err(Invalid::Signature),
            }
        }
        Err(Invalid::Algorithm)
    }

    /// What it costs to find out whether another signed it: ten times as much where ring does not verify.
    pub(super) fn cost(&self, parent: &Self) -> usize {
        let inside = whole(&parent.key, Tag::Sequence).unwrap_or_default();
        let is_big = |(_, kind): (&[u8], Any<'_>)| kind.data == alg_id::ECDSA_P521.as_ref();
        let dear = self.signed.algorithm == alg_id::ECDSA_SHA512.as_ref() || Any::from_der(inside).is_ok_and(is_big);
        if dear { 10 } else { 1 }
    }

    /// How little the names of keys speak for another having signed it.
    pub(super) fn distance(&self, parent: &Self) -> u8 {
        let (wanted, own) = (&self.said.authority_id, &parent.said.own_id);
        match (wanted == own, wanted.is_empty() || own.is_empty()) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        }
    }

    /// Whether it is the same authority as another, though perhaps signed by somebody else.
    pub(super) fn stands_for(&self, other: &Self) -> bool {
        self.subject == other.subject && self.key == other.key && self.said.raw_names == other.said.raw_names
    }
}

impl Said {
    /// `None` where they cannot be read, or one is there twice.
    fn read(extensions: &[X509Extension<'_>]) -> Option<Self> {
        let (mut said, mut seen) = (Self::default(), HashSet::new());
        for extension in extensions {
            if !seen.insert(&extension.oid) {
                return None;
            }
            let understood = said.hear(extension)?;
            said.unhandled |= extension.critical && !understood;
        }
        Some(said)
    }

    /// Reads one, and says whether it is understood.
    fn hear(&mut self, extension: &X509Extension<'_>) -> Option<bool> {
        let known = [
            OID_X509_EXT_BASIC_CONSTRAINTS,
            OID_X509_EXT_EXTENDED_KEY_USAGE,
            OID_X509_EXT_KEY_USAGE,
            OID_X509_EXT_SUBJECT_ALT_NAME,
        ];
        // This one is not read to its end by the parser.
        if extension.oid == OID_X509_EXT_NAME_CONSTRAINTS {
            let (limits, understood) = Limits::read(extension.value)?;
            self.limits = Some(limits);
            return Some(understood);
        }
        match extension.parsed_extension() {
            ParsedExtension::BasicConstraints(basic) => self.authority = Some((basic.ca, basic.path_len_constraint)),
            // One without any use is as none, as in Go.
            ParsedExtension::KeyUsage(usage) => self.signs = (usage.flags != 0).then(|| usage.key_cert_sign()),
            ParsedExtension::ExtendedKeyUsage(uses) => {
                let others = uses.server_auth || uses.code_signing || uses.email_protection || uses.time_stamping;
                let fits = uses.any || uses.client_auth;
                let says = fits || others || uses.ocsp_signing || !uses.other.is_empty();
                self.for_clients = says.then_some(fits);
            }
            ParsedExtension::SubjectAlternativeName(names) => {
                let malformed = |name: &GeneralName<'_>| match name {
                    GeneralName::Invalid(..) => true,
                    GeneralName::IPAddress(bytes) => !matches!(bytes.len(), 4 | 16),
                    _ => false,
                };
                if names.general_names.iter().any(malformed) {
                    return None;
                }
                self.names = names.general_names.iter().filter_map(Name::of).collect();
                self.raw_names = Some(extension.value.to_vec());
                return Some(!self.names.is_empty());
            }
            ParsedExtension::SubjectKeyIdentifier(id) => {
                self.own_id = id.0.to_vec();
                return Some(false);
            }
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                self.authority_id = id.key_identifier.as_ref().map_or(Vec::new(), |id| id.0.to_vec());
                return Some(false);
            }
            _ if known.contains(&extension.oid) => return None,
            // Nothing is asked about these two.
            _ => {
                return Some(
                    extension.oid == OID_X509_EXT_CRL_DISTRIBUTION_POINTS
                        || extension.oid == OID_X509_EXT_CERTIFICATE_POLICIES,
                );
            }
        }
        Some(true)
    }
}

/// The common name, or else the first organization, or else the number.
fn name(certificate: &X509Certificate<'_>) -> String {
    let subject = certificate.subject();
    let common = subject.iter_common_name().last();
    let all = common.into_iter().chain(subject.iter_organization());
    let mut named = all
        .filter_map(|name| name.as_str().ok())
        .filter(|name| !name.is_empty());
    named
        .next()
        .map_or_else(|| format!("serial:{}", certificate.serial), str::to_owned)
}
