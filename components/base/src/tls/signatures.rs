//! Signatures that are believed: those that ring verifies, and of ECDSA what it does not: the curve P-521, and SHA-512.

use ring::digest::{self, SHA256, SHA384, SHA512};
use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};
use webpki::ring as rings;

/// ECDSA on a curve after a hash.
#[derive(Debug)]
struct Ecdsa {
    curve: Curve,
    hash: Hash,
}

#[derive(Debug)]
enum Curve {
    P256,
    P384,
    P521,
}

#[derive(Debug)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// What the three curves have in common.
type Verified = Result<(), p256::ecdsa::Error>;

static P256_SHA512: &dyn SignatureVerificationAlgorithm = &Ecdsa {
    curve: Curve::P256,
    hash: Hash::Sha512,
};
static P384_SHA512: &dyn SignatureVerificationAlgorithm = &Ecdsa {
    curve: Curve::P384,
    hash: Hash::Sha512,
};
static P521_SHA256: &dyn SignatureVerificationAlgorithm = &Ecdsa {
    curve: Curve::P521,
    hash: Hash::Sha256,
};
static P521_SHA384: &dyn SignatureVerificationAlgorithm = &Ecdsa {
    curve: Curve::P521,
    hash: Hash::Sha384,
};
static P521_SHA512: &dyn SignatureVerificationAlgorithm = &Ecdsa {
    curve: Curve::P521,
    hash: Hash::Sha512,
};

/// All of them, and which each scheme of a handshake stands for: in TLS 1.3 the first, before that any, since the
/// scheme did not name a curve then.
pub(super) static ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[
        rings::ECDSA_P256_SHA256,
        rings::ECDSA_P256_SHA384,
        P256_SHA512,
        rings::ECDSA_P384_SHA256,
        rings::ECDSA_P384_SHA384,
        P384_SHA512,
        P521_SHA256,
        P521_SHA384,
        P521_SHA512,
        rings::ED25519,
        rings::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        rings::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
        rings::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
        rings::RSA_PKCS1_2048_8192_SHA256,
        rings::RSA_PKCS1_2048_8192_SHA384,
        rings::RSA_PKCS1_2048_8192_SHA512,
        rings::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
        rings::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
        rings::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
    ],
    mapping: &[
        (
            SignatureScheme::ECDSA_NISTP384_SHA384,
            &[rings::ECDSA_P384_SHA384, rings::ECDSA_P256_SHA384, P521_SHA384],
        ),
        (
            SignatureScheme::ECDSA_NISTP256_SHA256,
            &[rings::ECDSA_P256_SHA256, rings::ECDSA_P384_SHA256, P521_SHA256],
        ),
        (
            SignatureScheme::ECDSA_NISTP521_SHA512,
            &[P521_SHA512, P384_SHA512, P256_SHA512],
        ),
        (SignatureScheme::ED25519, &[rings::ED25519]),
        (
            SignatureScheme::RSA_PSS_SHA512,
            &[rings::RSA_PSS_2048_8192_SHA512_LEGACY_KEY],
        ),
        (
            SignatureScheme::RSA_PSS_SHA384,
            &[rings::RSA_PSS_2048_8192_SHA384_LEGACY_KEY],
        ),
        (
            SignatureScheme::RSA_PSS_SHA256,
            &[rings::RSA_PSS_2048_8192_SHA256_LEGACY_KEY],
        ),
        (SignatureScheme::RSA_PKCS1_SHA512, &[rings::RSA_PKCS1_2048_8192_SHA512]),
        (SignatureScheme::RSA_PKCS1_SHA384, &[rings::RSA_PKCS1_2048_8192_SHA384]),
        (SignatureScheme::RSA_PKCS1_SHA256, &[rings::RSA_PKCS1_2048_8192_SHA256]),
    ],
};

/// The signatures that are believed in certificates.
pub fn signature_algorithms() -> &'static [&'static dyn SignatureVerificationAlgorithm] {
    ALGORITHMS.all
}

impl SignatureVerificationAlgorithm for Ecdsa {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        // 4 is a point with both of its coordinates: another form of a key is not taken, as by ring.
        if key.first() != Some(&4) {
            return Err(InvalidSignature);
        }
        let hash = match self.hash {
            Hash::Sha256 => &SHA256,
            Hash::Sha384 => &SHA384,
            Hash::Sha512 => &SHA512,
        };
        let hash = digest::digest(hash, message);
        let verified = match self.curve {
            Curve::P256 => verify_p256(key, hash.as_ref(), signature),
            Curve::P384 => verify_p384(key, hash.as_ref(), signature),
            Curve::P521 => verify_p521(key, hash.as_ref(), signature),
        };
        verified.map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        match self.curve {
            Curve::P256 => alg_id::ECDSA_P256,
            Curve::P384 => alg_id::ECDSA_P384,
            Curve::P521 => alg_id::ECDSA_P521,
        }
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        match self.hash {
            Hash::Sha256 => alg_id::ECDSA_SHA256,
            Hash::Sha384 => alg_id::ECDSA_SHA384,
            Hash::Sha512 => alg_id::ECDSA_SHA512,
        }
    }
}

fn verify_p256(key: &[u8], hash: &[u8], signature: &[u8]) -> Verified {
    use p256::ecdsa::signature::hazmat::PrehashVerifier;
    use p256::ecdsa::{Signature, VerifyingKey};

    VerifyingKey::from_sec1_bytes(key)?.verify_prehash(hash, &Signature::from_der(signature)?)
}

fn verify_p384(key: &[u8], hash: &[u8], signature: &[u8]) -> Verified {
    use p384::ecdsa::signature::hazmat::PrehashVerifier;
    use p384::ecdsa::{Signature, VerifyingKey};

    VerifyingKey::from_sec1_bytes(key)?.verify_prehash(hash, &Signature::from_der(signature)?)
}

fn verify_p521(key: &[u8], hash: &[u8], signature: &[u8]) -> Verified {
    use p521::ecdsa::signature::hazmat::PrehashVerifier;
    use p521::ecdsa::{Signature, VerifyingKey};

    // A hash is a number below the curve's order; the crate takes none that is shorter than half of it.
    let mut whole = [0; 66];
    whole[66 - hash.len()..].copy_from_slice(hash);
    VerifyingKey::from_sec1_bytes(key)?.verify_prehash(&whole, &Signature::from_der(signature)?)
}
