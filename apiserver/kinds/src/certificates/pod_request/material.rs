//! The key that a certificate is asked for: in a request of its own (PKCS #10), or by itself with a proof.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::key::{self, BadRequest, Key, Odd};

/// The most bytes of each.
const MOST: usize = 10 << 10;

/// The bytes of a field.
fn bytes(spec: &Tree, field: &str) -> Vec<u8> {
    STANDARD.decode(spec.text(field)).unwrap_or_default()
}

/// Checks that there is a key that may be asked for, and that whoever asks has the other half of it.
pub(super) fn validate(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    for field in ["pkixPublicKey", "proofOfPossession", "stubPKCS10Request"] {
        if bytes(spec, field).len() > MOST {
            return refusals.too_long(&path.field(field), MOST);
        }
    }
    let has = |field: &str| !spec.text(field).is_empty();
    match (
        has("stubPKCS10Request"),
        has("pkixPublicKey") || has("proofOfPossession"),
    ) {
        (true, false) => validate_request(&path.field("stubPKCS10Request"), spec, refusals),
        (false, true) => validate_pair(path, spec, refusals),
        _ => {
            let detail = "exactly one of (stubPKCS10Request) or (pkixPublicKey, proofOfPossession) must be set";
            refusals.invalid_unseen(path, detail);
        }
    }
}

fn validate_request(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let given = spec.text("stubPKCS10Request");
    match key::of_request(&bytes(spec, "stubPKCS10Request")) {
        Ok(Key::Odd(odd)) => refuse_odd(path, given, &odd, refusals),
        Ok(_) => {}
        Err(BadRequest::Malformed) => refusals.invalid(path, given, "must be a valid PKCS#10 CSR"),
        Err(BadRequest::Unsigned) => refusals.invalid_unseen(path, "could not verify the signature of the CSR"),
    }
}

fn validate_pair(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let (key_path, given) = (path.field("pkixPublicKey"), spec.text("pkixPublicKey"));
    let proof = bytes(spec, "proofOfPossession");
    match key::parse(&bytes(spec, "pkixPublicKey")) {
        None => refusals.invalid(&key_path, given, "must be a valid PKIX-serialized public key"),
        Some(Key::Odd(odd)) => refuse_odd(&key_path, given, &odd, refusals),
        Some(key) if key.signed(spec.text("podUID").as_bytes(), &proof) => {}
        Some(_) => {
            let detail = "could not verify proof-of-possession signature";
            refusals.invalid_unseen(&path.field("proofOfPossession"), detail);
        }
    }
}

fn refuse_odd(path: &Path<'_>, given: &str, odd: &Odd, refusals: &mut Refusals) {
    match odd {
        Odd::Curve(curve) => refusals.invalid(path, *curve, "elliptic public keys must use curve P256 or P384"),
        Odd::Modulus(bits) => {
            let shown = format!("{bits}-bit modulus");
            refusals.invalid(path, &shown, "RSA keys must have modulus size 3072 or 4096");
        }
        Odd::Sort => {
            let detail = "unknown public key type; supported types are Ed25519, ECDSA, and RSA";
            refusals.invalid(path, given, detail);
        }
    }
}

/// Whether a certificate's key is the one that was asked for.
pub(super) fn is_asked_for(spec: &Tree, found: &SubjectPublicKeyInfo<'_>) -> bool {
    let request = bytes(spec, "stubPKCS10Request");
    if request.is_empty() {
        let asked = bytes(spec, "pkixPublicKey");
        return SubjectPublicKeyInfo::from_der(&asked).is_ok_and(|(_, asked)| key::same(&asked, found));
    }
    let asked = X509CertificationRequest::from_der(&request);
    asked.is_ok_and(|(_, asked)| key::same(&asked.certification_request_info.subject_pki, found))
}
