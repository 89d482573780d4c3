//! Certificates for tests: made by rcgen, or written by hand where it does not make such ones.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, PublicKeyData, SigningKey,
    date_time_ymd,
};
use rustls_pki_types::alg_id;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Certificate, Trusted, verify};

/// 2026-01-01; what is made here is good from a year before until a year after.
pub(super) const NOW: i64 = 1_767_225_600;

/// A certificate with its key.
pub(super) struct Made {
    pub(super) params: CertificateParams,
    pub(super) key: KeyPair,
    pub(super) der: Vec<u8>,
}

/// One of this name, signed by another or by itself.
pub(super) fn made(name: &str, by: Option<&Made>, change: impl FnOnce(&mut CertificateParams)) -> Made {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = match by {
        Some(by) => params.signed_by(&key, &Issuer::from_params(&by.params, &by.key)),
        None => params.self_signed(&key),
    };
    let der = certificate.unwrap().der().to_vec();
    Made { params, key, der }
}

/// An authority.
pub(super) fn ca(name: &str, by: Option<&Made>, change: impl FnOnce(&mut CertificateParams)) -> Made {
    made(name, by, |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        change(params);
    })
}

/// A client's.
pub(super) fn client(by: &Made) -> Vec<u8> {
    made("jane", Some(by), |_| {}).der
}

/// Whether a client's chain is good, its own certificate first.
pub(super) fn ask(roots: &[&[u8]], chain: &[&[u8]]) -> Result<(), String> {
    ask_at(roots, chain, NOW)
}

/// The same at another time.
pub(super) fn ask_at(roots: &[&[u8]], chain: &[&[u8]], now: i64) -> Result<(), String> {
    let read = |ders: &[&[u8]]| ders.iter().map(|der| Certificate::read(der).unwrap()).collect();
    let (roots_read, mut chain_read): (Vec<Certificate>, Vec<Certificate>) = (read(roots), read(chain));
    let between = chain_read.split_off(1);
    let trusted = Trusted {
        roots: &roots_read,
        itself: roots.contains(&chain[0]),
    };
    verify(&chain_read[0], &trusted, &between, now).map_err(|invalid| invalid.to_string())
}

/// An element of DER: a tag, a length, what is in it.
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = match content.len() {
        short @ 0..=0x7f => vec![short as u8],
        long @ 0x80..=0xff => vec![0x81, long as u8],
        long => vec![0x82, (long >> 8) as u8, long as u8],
    };
    [&[tag], length.as_slice(), &content].concat()
}

/// What is written by hand.
pub(super) struct Draft {
    /// 0, 1 or 2 for versions 1, 2 and 3.
    pub(super) version: u8,
    /// Without tag and length.
    pub(super) algorithm: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    pub(super) subject: Vec<u8>,
    pub(super) key: Vec<u8>,
    /// Each with its tag and length; none leaves them out.
    pub(super) extensions: Vec<Vec<u8>>,
}

impl Draft {
    /// Of version 1, with the names and the key of another.
    pub(super) fn like(made: &Made) -> Self {
        let (_, read) = X509Certificate::from_der(&made.der).unwrap();
        Self {
            version: 0,
            algorithm: alg_id::ECDSA_SHA256.as_ref().to_vec(),
            issuer: read.issuer().as_raw().to_vec(),
            subject: read.subject().as_raw().to_vec(),
            key: made.key.subject_public_key_info(),
            extensions: Vec::new(),
        }
    }

    /// Says whether it is an authority.
    pub(super) fn authority(self, yes: bool) -> Self {
        let flag: &[u8] = if yes { &[1, 1, 0xff] } else { &[] };
        let extension = element(
            0x30,
            &[&[6, 3, 0x55, 0x1d, 19], &element(4, &[&element(0x30, &[flag])])],
        );
        let mut extensions = self.extensions;
        extensions.push(extension);
        Self {
            version: 2,
            extensions,
            ..self
        }
    }

    /// Signs it.
    pub(super) fn sign(&self, sign: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let version = match self.version {
            0 => Vec::new(),
            later => element(0xa0, &[&[2, 1, later]]),
        };
        let algorithm = element(0x30, &[&self.algorithm]);
        let times = [element(0x17, &[b"250101000000Z"]), element(0x17, &[b"270101000000Z"])];
        let extensions = match self.extensions.as_slice() {
            [] => Vec::new(),
            all => element(0xa3, &[&element(0x30, &[&all.concat()])]),
        };
        let body = element(
            0x30,
            &[
                &version,
                &[2, 1, 7],
                &algorithm,
                &self.issuer,
                &element(0x30, &[&times.concat()]),
                &self.subject,
                &self.key,
                &extensions,
            ],
        );
        let signature = element(3, &[&[0], &sign(&body)]);
        element(0x30, &[&body, &algorithm, &signature])
    }
}

/// Signs as an authority made here does.
pub(super) fn signing(by: &Made) -> impl Fn(&[u8]) -> Vec<u8> {
    |body| by.key.sign(body).unwrap()
}
