//! A key that verifies tokens: what it is called, which algorithms it takes, and how it is published.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Verifier;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::pkcs8::{DecodePublicKey, EncodePublicKey};
use ring::digest;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
};
use rsa::pkcs8::der::Encode;
use rsa::pkcs8::der::asn1::BitStringRef;
use rsa::pkcs8::spki::{SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use rustls_pki_types::pem::SectionKind;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Error, PrivateKey, jws, pem};

/// The least and the most bits of RSA keys; what verifies takes no others.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A key that verifies tokens.
#[derive(Clone, Debug)]
pub struct PublicKey {
    id: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Rsa {
        /// Big-endian, without leading zeros, as the next one.
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    P256(p256::PublicKey),
    P384(p384::PublicKey),
    P521(p521::PublicKey),
}

impl PublicKey {
    /// The keys in a PEM text: public keys, those that certificates are for, and the public halves of private keys.
    ///
    /// # Errors
    /// None, or one that cannot be used.
    pub fn all_of_pem(text: &[u8]) -> Result<Vec<Self>, Error> {
        let mut keys = Vec::new();
        for (kind, der) in pem::sections(text) {
            keys.extend(match kind {
                SectionKind::PublicKey => Self::of_der(&der)?,
                SectionKind::Certificate => Self::of_certificate(&der)?,
                _ => PrivateKey::of_section(kind, &der)?.map(|key| key.public().clone()),
            });
        }
        if keys.is_empty() {
            return Err(Error::NoPublicKey);
        }
        Ok(keys)
    }

    fn of_certificate(der: &[u8]) -> Result<Option<Self>, Error> {
        let Ok((_, certificate)) = X509Certificate::from_der(der) else {
            return Ok(None);
        };
        Self::of_der(certificate.public_key().raw)
    }

    /// A `SubjectPublicKeyInfo`; `None` where it is none, or of a kind that signs no tokens.
    fn of_der(der: &[u8]) -> Result<Option<Self>, Error> {
        if let Ok(key) = p256::PublicKey::from_public_key_der(der) {
            return Self::of_p256(key).map(Some);
        }
        if let Ok(key) = p384::PublicKey::from_public_key_der(der) {
            return Self::of_p384(key).map(Some);
        }
        if let Ok(key) = p521::PublicKey::from_public_key_der(der) {
            return Self::of_p521(key).map(Some);
        }
        let Ok(info) = SubjectPublicKeyInfoRef::try_from(der) else {
            return Ok(None);
        };
        let (rsa, bits) = (rsa::pkcs1::ALGORITHM_OID, info.subject_public_key.as_bytes());
        let parsed = bits.filter(|_| info.algorithm.oid == rsa);
        match parsed.and_then(|bits| rsa::pkcs1::RsaPublicKey::try_from(bits).ok()) {
            Some(key) => Self::of_rsa(&key).map(Some),
            None => Ok(None),
        }
    }

    pub(super) fn of_rsa(key: &rsa::pkcs1::RsaPublicKey<'_>) -> Result<Self, Error> {
        let (modulus, exponent) = (key.modulus.as_bytes(), key.public_exponent.as_bytes());
        let bits = modulus.len() * 8 - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
        if !RSA_BITS.contains(&bits) {
            let (least, most) = (RSA_BITS.start(), RSA_BITS.end());
            return Err(Error::Unusable(format!(
                "an RSA key of {bits} bits is not usable, it must have {least} to {most}"
            )));
        }
        let encode = || {
            let key = key.to_der()?;
            let info = SubjectPublicKeyInfo {
                algorithm: rsa::pkcs1::ALGORITHM_ID,
                subject_public_key: BitStringRef::from_bytes(&key)?,
            };
            info.to_der()
        };
        let der = encode().map_err(|_| Error::Crypto)?;
        let kind = Kind::Rsa {
            modulus: modulus.to_vec(),
            exponent: exponent.to_vec(),
        };
        Ok(Self { id: id(&der), kind })
    }

    pub(super) fn of_p256(key: p256::PublicKey) -> Result<Self, Error> {
        let der = key.to_public_key_der().map_err(|_| Error::Crypto)?;
        let (id, kind) = (id(der.as_bytes()), Kind::P256(key));
        Ok(Self { id, kind })
    }

    pub(super) fn of_p384(key: p384::PublicKey) -> Result<Self, Error> {
        let der = key.to_public_key_der().map_err(|_| Error::Crypto)?;
        let (id, kind) = (id(der.as_bytes()), Kind::P384(key));
        Ok(Self { id, kind })
    }

    pub(super) fn of_p521(key: p521::PublicKey) -> Result<Self, Error> {
        let der = key.to_public_key_der().map_err(|_| Error::Crypto)?;
        let (id, kind) = (id(der.as_bytes()), Kind::P521(key));
        Ok(Self { id, kind })
    }

    /// What tokens name it by (`kid`): the SHA-256 of its DER form, in base64 for URLs.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The algorithm that upstream signs with such a key by.
    pub const fn algorithm(&self) -> &'static str {
        match self.kind {
            Kind::Rsa { .. } => "RS256",
            Kind::P256(_) => "ES256",
            Kind::P384(_) => "ES384",
            Kind::P521(_) => "ES512",
        }
    }

    /// Checks a signature. The key says which algorithms may be named, never the token.
    ///
    /// # Errors
    /// The algorithm is not one for such a key, or the signature is not by it.
    pub(super) fn verify(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> Result<(), jws::Error> {
        let good = match &self.kind {
            Kind::Rsa { modulus, exponent } => rsa_parameters(algorithm).is_some_and(|parameters| {
                let key = RsaPublicKeyComponents {
                    n: modulus,
                    e: exponent,
                };
                key.verify(parameters, message, signature).is_ok()
            }),
            Kind::P256(key) if algorithm == "ES256" => p256::ecdsa::Signature::from_slice(signature)
                .and_then(|signature| p256::ecdsa::VerifyingKey::from(key).verify(message, &signature))
                .is_ok(),
            Kind::P384(key) if algorithm == "ES384" => p384::ecdsa::Signature::from_slice(signature)
                .and_then(|signature| p384::ecdsa::VerifyingKey::from(key).verify(message, &signature))
                .is_ok(),
            Kind::P521(key) if algorithm == "ES512" => p521::ecdsa::Signature::from_slice(signature)
                .and_then(|signature| {
                    let key = p521::ecdsa::VerifyingKey::from_affine(*key.as_affine())?;
                    key.verify(message, &signature)
                })
                .is_ok(),
            _ => false,
        };
        if good { Ok(()) } else { Err(jws::Error::Signature) }
    }

    /// Its parameters as a JSON Web Key has them: the type, the curve if it has one, and the numbers by their names.
    pub(super) fn parameters(&self) -> Parameters {
        match &self.kind {
            Kind::Rsa { modulus, exponent } => Parameters {
                kind: "RSA",
                curve: None,
                numbers: [("n", encoded(modulus)), ("e", encoded(exponent))],
            },
            Kind::P256(key) => Parameters::of_point("P-256", key.to_encoded_point(false).as_bytes()),
            Kind::P384(key) => Parameters::of_point("P-384", key.to_encoded_point(false).as_bytes()),
            Kind::P521(key) => Parameters::of_point("P-521", key.to_encoded_point(false).as_bytes()),
        }
    }
}

/// What a JSON Web Key says of a key.
pub(super) struct Parameters {
    pub(super) kind: &'static str,
    pub(super) curve: Option<&'static str>,
    pub(super) numbers: [(&'static str, String); 2],
}

impl Parameters {
    /// Of an uncompressed point: a byte that says so, then both coordinates in full length.
    fn of_point(curve: &'static str, point: &[u8]) -> Self {
        let (x, y) = point[1..].split_at(point.len() / 2);
        Self {
            kind: "EC",
            curve: Some(curve),
            numbers: [("x", encoded(x)), ("y", encoded(y))],
        }
    }
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn id(der: &[u8]) -> String {
    encoded(digest::digest(&digest::SHA256, der).as_ref())
}

fn rsa_parameters(algorithm: &str) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        "RS256" => &RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &RSA_PSS_2048_8192_SHA256,
        "PS384" => &RSA_PSS_2048_8192_SHA384,
        "PS512" => &RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}
