//! Whether a request for a certificate (PKCS #10) is signed with the other half of its key, as Go's crypto/x509 verifies it.

use rsa::traits::{PublicKeyParts as _, SignatureScheme};
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_parser::asn1_rs::BitString;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::RSAPublicKey;
use x509_parser::signature_algorithm::RsaSsaPssParams;
use x509_parser::x509::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use super::curve::Point;

const RSA: &str = "1.2.840.113549.1.1.1";
const RSA_PSS: &str = "1.2.840.113549.1.1.10";
const MD5_WITH_RSA: &str = "1.2.840.113549.1.1.4";
const EC: &str = "1.2.840.10045.2.1";
const ED25519: &str = "1.3.101.112";
const MGF1: &str = "1.2.840.113549.1.1.8";

const UNIMPLEMENTED: &str = "x509: cannot verify signature: algorithm unimplemented";
const RSA_WRONG: &str = "crypto/rsa: verification error";

/// The fewest bits that the modulus of a key of RSA has.
const MODULUS_MIN: usize = 1024;
/// The most, which are the most that OpenSSL makes. Go takes any, for a time that grows with their square.
const MODULUS_MAX: usize = 16_384;
/// No exponent of a key of RSA is greater.
const EXPONENT_MAX: u64 = (1 << 31) - 1;

#[derive(Clone, Copy)]
enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// How something is signed.
#[derive(Clone, Copy)]
enum Scheme {
    Rsa(Hash),
    RsaPss(Hash),
    /// Known by its name alone: nothing verifies it.
    Dsa,
    Ecdsa(Hash),
    Ed25519,
}

/// What signs with each of the schemes that say all by their name. SHA-1 is good enough for requests.
const SCHEMES: [(&str, Scheme); 12] = [
    ("1.2.840.113549.1.1.5", Scheme::Rsa(Hash::Sha1)),
    ("1.3.14.3.2.29", Scheme::Rsa(Hash::Sha1)),
    ("1.2.840.113549.1.1.11", Scheme::Rsa(Hash::Sha256)),
    ("1.2.840.113549.1.1.12", Scheme::Rsa(Hash::Sha384)),
    ("1.2.840.113549.1.1.13", Scheme::Rsa(Hash::Sha512)),
    ("1.2.840.10040.4.3", Scheme::Dsa),
    ("2.16.840.1.101.3.4.3.2", Scheme::Dsa),
    ("1.2.840.10045.4.1", Scheme::Ecdsa(Hash::Sha1)),
    ("1.2.840.10045.4.3.2", Scheme::Ecdsa(Hash::Sha256)),
    ("1.2.840.10045.4.3.3", Scheme::Ecdsa(Hash::Sha384)),
    ("1.2.840.10045.4.3.4", Scheme::Ecdsa(Hash::Sha512)),
    (ED25519, Scheme::Ed25519),
];

/// A public key as a request has it.
enum Public<'r> {
    Rsa {
        modulus: &'r [u8],
        exponent: u64,
    },
    Ec(Point),
    Ed25519([u8; 32]),
    /// One with which nothing is verified.
    Other,
}

/// Checks that whoever made a request has the key that it names.
///
/// # Errors
/// What is wrong, in Go's words.
pub(super) fn check(request: &X509CertificationRequest<'_>) -> Result<(), String> {
    let info = &request.certification_request_info.subject_pki;
    if !is_whole(&info.subject_public_key) || !is_whole(&request.signature_value) {
        return Err("asn1: structure error: a key or signature is not a number of bytes".to_owned());
    }
    let public = Public::read(info)?;
    let scheme = scheme(&request.signature_algorithm)?;
    let text = request.certification_request_info.raw;
    let signature = &*request.signature_value.data;
    match (&public, scheme) {
        (Public::Rsa { modulus, exponent }, Scheme::Rsa(hash)) => {
            let key = rsa_key(modulus, *exponent)?;
            said(rsa_signed(&key, hash.pkcs1(), &hash.of(text), signature), RSA_WRONG)
        }
        (Public::Rsa { modulus, exponent }, Scheme::RsaPss(hash)) => {
            let key = rsa_key(modulus, *exponent)?;
            said(rsa_signed(&key, hash.pss(), &hash.of(text), signature), RSA_WRONG)
        }
        (Public::Ec(point), Scheme::Ecdsa(hash)) => {
            let signed = point.signed(&hash.of(text), signature);
            said(signed, "x509: ECDSA verification failure")
        }
        (Public::Ed25519(key), Scheme::Ed25519) => {
            let signed = ed25519_signed(key, text, signature);
            said(signed, "x509: Ed25519 verification failure")
        }
        (Public::Other, _) => Err(UNIMPLEMENTED.to_owned()),
        (key, scheme) => {
            let (wanted, found) = (scheme.key(), key.go_type());
            let message = "x509: signature algorithm specifies an";
            Err(format!(
                "{message} {wanted} public key, but have public key of type {found}"
            ))
        }
    }
}

/// Whether bits fill all of their bytes. Others are moved when they are read, which makes another key of them.
pub(super) fn is_whole(bits: &BitString<'_>) -> bool {
    bits.unused_bits == 0
}

fn said(signed: bool, wrong: &str) -> Result<(), String> {
    if signed { Ok(()) } else { Err(wrong.to_owned()) }
}

impl<'r> Public<'r> {
    fn read(info: &'r SubjectPublicKeyInfo<'_>) -> Result<Self, &'static str> {
        let (bytes, parameters) = (&*info.subject_public_key.data, info.algorithm.parameters.as_ref());
        match info.algorithm.algorithm.to_id_string().as_str() {
            RSA if parameters.is_none_or(|given| given.as_null().is_err()) => {
                Err("x509: RSA key missing NULL parameters")
            }
            RSA => rsa_public(bytes),
            EC => {
                let curve = parameters.and_then(|given| given.as_oid().ok());
                let curve = curve.ok_or("x509: invalid ECDSA parameters")?;
                Point::read(&curve.to_id_string(), bytes).map(Self::Ec)
            }
            ED25519 if parameters.is_some() => Err("x509: Ed25519 key encoded with illegal parameters"),
            ED25519 => {
                let bytes = bytes.try_into();
                bytes
                    .map(Self::Ed25519)
                    .map_err(|_| "x509: wrong Ed25519 public key size")
            }
            _ => Ok(Self::Other),
        }
    }

    /// What Go calls it.
    const fn go_type(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "*rsa.PublicKey",
            Self::Ec(_) => "*ecdsa.PublicKey",
            Self::Ed25519(_) => "ed25519.PublicKey",
            Self::Other => "interface {}",
        }
    }
}

fn rsa_public(bytes: &[u8]) -> Result<Public<'_>, &'static str> {
    let (_, key) = RSAPublicKey::from_der(bytes).map_err(|_| "x509: invalid RSA public key")?;
    let is_positive = |number: &[u8]| number.first().is_some_and(|first| *first < 0x80) && number != [0];
    if !is_positive(key.modulus) {
        return Err("x509: RSA modulus is not a positive number");
    }
    if !is_positive(key.exponent) {
        return Err("x509: RSA public exponent is not a positive number");
    }
    Ok(Public::Rsa {
        modulus: key.modulus,
        exponent: key.try_exponent().map_err(|_| "x509: invalid RSA public exponent")?,
    })
}

/// How a request says that it is signed.
fn scheme(algorithm: &AlgorithmIdentifier<'_>) -> Result<Scheme, String> {
    let name = algorithm.algorithm.to_id_string();
    let scheme = match name.as_str() {
        MD5_WITH_RSA => return Err("x509: cannot verify signature: insecure algorithm MD5-RSA".to_owned()),
        RSA_PSS => pss_hash(algorithm).map(Scheme::RsaPss),
        ED25519 if algorithm.parameters.is_some() => None,
        _ => SCHEMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, scheme)| *scheme),
    };
    scheme.ok_or_else(|| UNIMPLEMENTED.to_owned())
}

/// The hash of a signature with RSASSA-PSS, where the same one makes the mask and is as long as the salt.
fn pss_hash(algorithm: &AlgorithmIdentifier<'_>) -> Option<Hash> {
    let parameters = RsaSsaPssParams::try_from(algorithm.parameters.as_ref()?).ok()?;
    let is_plain = |given: &AlgorithmIdentifier<'_>| given.parameters.as_ref().is_none_or(|one| one.as_null().is_ok());
    let (hash, mask) = (parameters.hash_algorithm()?, parameters.mask_gen_algorithm_raw()?);
    let mask_hash = AlgorithmIdentifier::try_from(mask.parameters.clone()?).ok()?;
    let fits = is_plain(hash)
        && is_plain(&mask_hash)
        && mask.algorithm.to_id_string() == MGF1
        && mask_hash.algorithm == hash.algorithm
        && parameters.trailer_field() == 1;
    match (hash.algorithm.to_id_string().as_str(), parameters.salt_length()) {
        ("2.16.840.1.101.3.4.2.1", 32) if fits => Some(Hash::Sha256),
        ("2.16.840.1.101.3.4.2.2", 48) if fits => Some(Hash::Sha384),
        ("2.16.840.1.101.3.4.2.3", 64) if fits => Some(Hash::Sha512),
        _ => None,
    }
}

impl Scheme {
    /// The sort of key that signs so.
    const fn key(self) -> &'static str {
        match self {
            Self::Rsa(_) | Self::RsaPss(_) => "RSA",
            Self::Dsa => "DSA",
            Self::Ecdsa(_) => "ECDSA",
            Self::Ed25519 => "Ed25519",
        }
    }
}

impl Hash {
    fn of(self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(text).to_vec(),
            Self::Sha256 => Sha256::digest(text).to_vec(),
            Self::Sha384 => Sha384::digest(text).to_vec(),
            Self::Sha512 => Sha512::digest(text).to_vec(),
        }
    }

    fn pkcs1(self) -> Pkcs1v15Sign {
        match self {
            Self::Sha1 => Pkcs1v15Sign::new::<Sha1>(),
            Self::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
            Self::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
            Self::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
        }
    }

    fn pss(self) -> Pss {
        match self {
            Self::Sha1 => Pss::new::<Sha1>(),
            Self::Sha256 => Pss::new::<Sha256>(),
            Self::Sha384 => Pss::new::<Sha384>(),
            Self::Sha512 => Pss::new::<Sha512>(),
        }
    }
}

/// A key that is fit to verify with.
fn rsa_key(modulus: &[u8], exponent: u64) -> Result<RsaPublicKey, String> {
    let is_even = modulus.last().is_none_or(|last| last.is_multiple_of(2));
    let modulus = BigUint::from_bytes_be(modulus);
    let bits = modulus.bits();
    if bits < MODULUS_MIN {
        let page = "https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size";
        return Err(format!("crypto/rsa: {bits}-bit keys are insecure (see {page})"));
    }
    let wrong = if bits > MODULUS_MAX {
        return Err(format!(
            "crypto/rsa: {bits}-bit keys are too large: there may be {MODULUS_MAX} bits"
        ));
    } else if is_even {
        "crypto/rsa: public modulus is even"
    } else if exponent < 2 {
        "crypto/rsa: public exponent too small or negative"
    } else if exponent.is_multiple_of(2) {
        "crypto/rsa: public exponent is even"
    } else if exponent > EXPONENT_MAX {
        "crypto/rsa: public exponent too large"
    } else {
        let key = RsaPublicKey::new_with_max_size(modulus, exponent.into(), MODULUS_MAX);
        return key.map_err(|_| RSA_WRONG.to_owned());
    };
    Err(wrong.to_owned())
}

/// Whether a signature was made with the other half of a key of RSA.
pub(super) fn rsa_signed(key: &RsaPublicKey, scheme: impl SignatureScheme, digest: &[u8], signature: &[u8]) -> bool {
    // A signature is a number below the modulus; the library asks that of one of the schemes only.
    let is_number = signature.len() == key.size() && BigUint::from_bytes_be(signature) < *key.n();
    is_number && scheme.verify(key, digest, signature).is_ok()
}

/// Whether a signature of a text was made with the other half of a key of Ed25519.
pub(super) fn ed25519_signed(key: &[u8; 32], text: &[u8], signature: &[u8]) -> bool {
    use ed25519_dalek::Verifier as _;
    let key = ed25519_dalek::VerifyingKey::from_bytes(key);
    let signature = ed25519_dalek::Signature::from_slice(signature);
    key.and_then(|key| key.verify(text, &signature?)).is_ok()
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use x509_parser::certification_request::X509CertificationRequest;
    use x509_parser::prelude::FromDer;

    use super::super::samples::{SIGNED, UNSIGNED};
    use super::{MODULUS_MAX, check, rsa_key, rsa_public};

    fn checked(der: &[u8]) -> Result<(), String> {
        let (_, request) = X509CertificationRequest::from_der(der).unwrap();
        check(&request)
    }

    #[test]
    fn requests_are_signed_with_every_scheme_that_go_verifies() {
        for (how, request, wrong) in SIGNED {
            let mut request = STANDARD.decode(request).unwrap();
            assert_eq!(checked(&request), Ok(()), "{how}");
            *request.last_mut().unwrap() ^= 1;
            assert_eq!(checked(&request), Err((*wrong).to_owned()), "{how}");
        }
    }

    #[test]
    fn signatures_fill_their_bytes() {
        for (how, request, _) in SIGNED {
            let mut request = STANDARD.decode(request).unwrap();
            let (_, parsed) = X509CertificationRequest::from_der(&request).unwrap();
            let unused = request.len() - parsed.signature_value.data.len() - 1;
            request[unused] = 1;
            let taken = X509CertificationRequest::from_der(&request).is_ok_and(|(_, parsed)| check(&parsed).is_ok());
            assert!(!taken, "{how}");
        }
    }

    #[test]
    fn what_go_does_not_verify_is_refused_in_its_words() {
        for (request, wrong) in UNSIGNED {
            assert_eq!(checked(&STANDARD.decode(request).unwrap()), Err((*wrong).to_owned()));
        }
    }

    #[test]
    fn a_key_signs_by_its_own_schemes() {
        let (_, request, _) = SIGNED.iter().find(|(how, ..)| *how == "P-256 SHA-512").unwrap();
        let request = STANDARD.decode(request).unwrap();
        let ecdsa = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04";
        let at = request.windows(ecdsa.len()).rposition(|part| part == ecdsa).unwrap();
        let replace = |with: &[u8]| {
            let mut request = request.clone();
            // The length of all of it.
            request[2] = (usize::from(request[2]) + with.len() - ecdsa.len()).try_into().unwrap();
            request.splice(at..at + ecdsa.len(), with.iter().copied());
            checked(&request).unwrap_err()
        };
        let key = "public key, but have public key of type *ecdsa.PublicKey";
        let mismatch = |wanted: &str| format!("x509: signature algorithm specifies an {wanted} {key}");
        let unknown = "x509: cannot verify signature: algorithm unimplemented".to_owned();
        for (algorithm, wrong) in [
            (
                b"\x30\x09\x06\x07\x2a\x86\x48\xce\x38\x04\x03".as_slice(),
                mismatch("DSA"),
            ),
            (b"\x30\x09\x06\x05\x2b\x0e\x03\x02\x1d\x05\x00", mismatch("RSA")),
            (b"\x30\x05\x06\x03\x2b\x65\x70", mismatch("Ed25519")),
            (b"\x30\x07\x06\x03\x2b\x65\x70\x05\x00", unknown.clone()),
            (b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x07", unknown),
        ] {
            assert_eq!(replace(algorithm), wrong);
        }
    }

    #[test]
    fn keys_of_rsa_are_of_bounded_size() {
        let modulus = |bits: usize| {
            let mut modulus = vec![0xff; bits.div_ceil(8)];
            modulus[0] = 0xff >> (modulus.len() * 8 - bits);
            modulus
        };
        assert!(rsa_key(&modulus(1024), 3).is_ok() && rsa_key(&modulus(MODULUS_MAX), 65_537).is_ok());
        let even = [modulus(1016), vec![0xfe]].concat();
        for (key, exponent, wrong) in [
            (
                modulus(1023),
                3,
                "crypto/rsa: 1023-bit keys are insecure (see https://go.dev/pkg/crypto/rsa#hdr-Minimum_key_size)",
            ),
            (
                modulus(16_385),
                3,
                "crypto/rsa: 16385-bit keys are too large: there may be 16384 bits",
            ),
            (even, 3, "crypto/rsa: public modulus is even"),
            (modulus(1024), 1, "crypto/rsa: public exponent too small or negative"),
            (modulus(1024), 4, "crypto/rsa: public exponent is even"),
            (modulus(1024), (1 << 31) + 1, "crypto/rsa: public exponent too large"),
        ] {
            assert_eq!(rsa_key(&key, exponent), Err(wrong.to_owned()));
        }
        for (key, wrong) in [
            (b"x".as_slice(), "x509: invalid RSA public key"),
            (
                b"\x30\x06\x02\x01\x00\x02\x01\x03",
                "x509: RSA modulus is not a positive number",
            ),
            (
                b"\x30\x06\x02\x01\x05\x02\x01\x83",
                "x509: RSA public exponent is not a positive number",
            ),
            (
                b"\x30\x0e\x02\x01\x05\x02\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01",
                "x509: invalid RSA public exponent",
            ),
        ] {
            assert_eq!(rsa_public(key).err(), Some(wrong));
        }
    }
}
