//! Public keys that pods may ask certificates for, and the proof that whoever asks has the other half.

use sha2::{Digest, Sha256};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::oid_registry::Oid;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::super::curve::Point;
use super::super::signature;

const ED25519: &str = "1.3.101.112";
const X25519: &str = "1.3.101.110";
const DSA: &str = "1.2.840.10040.4.1";
const EC: &str = "1.2.840.10045.2.1";
const P224: &str = "1.3.132.0.33";

/// A public key.
pub(super) enum Key {
    Ed25519(ed25519_dalek::VerifyingKey),
    Ec(Point),
    Rsa(Box<rsa::RsaPublicKey>),
    /// One that can be read, and may not be asked for.
    Odd(Odd),
}

/// Why a key may not be asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Odd {
    /// Of another curve.
    Curve(&'static str),
    /// Of another size in bits.
    Modulus(usize),
    /// Of another sort.
    Sort,
}

/// The key of a `SubjectPublicKeyInfo`; nothing where it is none.
pub(super) fn parse(der: &[u8]) -> Option<Key> {
    match SubjectPublicKeyInfo::from_der(der) {
        Ok(([], info)) => of(&info),
        _ => None,
    }
}

fn of(info: &SubjectPublicKeyInfo<'_>) -> Option<Key> {
    if !signature::is_whole(&info.subject_public_key) {
        return None;
    }
    let bytes = &*info.subject_public_key.data;
    match info.algorithm.algorithm.to_id_string().as_str() {
        ED25519 => {
            let key = ed25519_dalek::VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
            Some(Key::Ed25519(key))
        }
        X25519 | DSA => Some(Key::Odd(Odd::Sort)),
        EC => match curve(info)?.to_id_string().as_str() {
            P224 => Some(Key::Odd(Odd::Curve("curve P-224"))),
            curve => Point::read(curve, bytes).ok().map(Key::Ec),
        },
        _ => match info.parsed().ok()? {
            PublicKey::RSA(key) => {
                if key.modulus.first().is_none_or(|first| *first >= 0x80) {
                    return None;
                }
                let number = rsa::BigUint::from_bytes_be;
                // A size is one of bytes.
                let bits = number(key.modulus).bits().div_ceil(8) * 8;
                if bits != 3072 && bits != 4096 {
                    return Some(Key::Odd(Odd::Modulus(bits)));
                }
                let key = rsa::RsaPublicKey::new(number(key.modulus), number(key.exponent)).ok()?;
                Some(Key::Rsa(Box::new(key)))
            }
            _ => None,
        },
    }
}

impl Key {
    /// Whether a signature of a text was made with the other half.
    pub(super) fn signed(&self, text: &[u8], proof: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => signature::ed25519_signed(key.as_bytes(), text, proof),
            Self::Ec(point) => point.signed(&Sha256::digest(text), proof),
            Self::Rsa(key) => pss(key, &Sha256::digest(text), proof),
            Self::Odd(_) => false,
        }
    }
}

/// RSASSA-PSS with a salt of any length, as Go verifies it where nothing else is asked for. The length is not told to the
/// library's verification, so those are tried that signers choose: the longest there can be, and the digest's.
fn pss(key: &rsa::RsaPublicKey, digest: &[u8], signature: &[u8]) -> bool {
    use rsa::traits::PublicKeyParts as _;
    let most = key.size().saturating_sub(digest.len() + 2);
    let mut usual = [most, digest.len()].into_iter();
    usual.any(|salt| signature::rsa_signed(key, rsa::Pss::new_with_salt::<Sha256>(salt), digest, signature))
}

/// Why a request by which a key is handed in (PKCS #10) is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadRequest {
    /// It cannot be read.
    Malformed,
    /// It is not signed with the other half of its key.
    Unsigned,
}

/// The key of a request that is signed with the other half of it.
///
/// # Errors
/// Why it is none.
pub(super) fn of_request(der: &[u8]) -> Result<Key, BadRequest> {
    let (rest, request) = X509CertificationRequest::from_der(der).map_err(|_| BadRequest::Malformed)?;
    let info = &request.certification_request_info.subject_pki;
    let key = of(info).filter(|_| rest.is_empty()).ok_or(BadRequest::Malformed)?;
    match signature::check(&request) {
        // Nothing verifies what such a curve signs, and none may be asked for.
        _ if matches!(key, Key::Odd(Odd::Curve(_))) => Ok(key),
        Ok(()) => Ok(key),
        Err(_) => Err(BadRequest::Unsigned),
    }
}

/// The curve that a key is on, where it is said.
fn curve<'a>(info: &'a SubjectPublicKeyInfo<'a>) -> Option<Oid<'a>> {
    info.algorithm.parameters.as_ref()?.as_oid().ok()
}

/// Whether two keys are the same one, by what certificates and requests hold of them.
pub(super) fn same(one: &SubjectPublicKeyInfo<'_>, other: &SubjectPublicKeyInfo<'_>) -> bool {
    one.algorithm.algorithm == other.algorithm.algorithm
        && curve(one) == curve(other)
        && one.subject_public_key.data == other.subject_public_key.data
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::super::super::samples::{KEYS, ODD_KEYS, POD_REQUESTS};
    use super::{BadRequest, Key, Odd, of_request, parse};

    fn bytes(text: &str) -> Vec<u8> {
        STANDARD.decode(text).unwrap()
    }

    #[test]
    fn a_proof_is_a_signature_of_the_uid_by_the_key() {
        for (key, proof) in KEYS {
            let (parsed, mut proof) = (parse(&bytes(key)).unwrap(), bytes(proof));
            assert!(parsed.signed(b"u", &proof), "{key}");
            assert!(!parsed.signed(b"v", &proof), "{key}");
            *proof.last_mut().unwrap() ^= 1;
            assert!(!parsed.signed(b"u", &proof) && !parsed.signed(b"u", b""), "{key}");
        }
    }

    #[test]
    fn keys_are_of_few_curves_and_long() {
        let odd = [Odd::Curve("curve P-224"), Odd::Modulus(2048), Odd::Modulus(3080)];
        for (key, expected) in ODD_KEYS.iter().zip(odd) {
            let Some(Key::Odd(odd)) = parse(&bytes(key)) else {
                panic!("{key}");
            };
            assert_eq!(odd, expected);
        }
        assert!(parse(b"x").is_none());
    }

    #[test]
    fn a_request_is_signed_with_its_own_key() {
        for request in POD_REQUESTS {
            let mut request = bytes(request);
            assert!(of_request(&request).is_ok());
            *request.last_mut().unwrap() ^= 1;
            assert_eq!(of_request(&request).err(), Some(BadRequest::Unsigned));
            assert_eq!(of_request(&request[1..]).err(), Some(BadRequest::Malformed));
        }
    }
}
