//! A key that signs tokens.

use std::fmt;
use std::path::Path;

use p256::ecdsa::signature::Signer;
use p256::pkcs8::DecodePrivateKey;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rsa::pkcs8::PrivateKeyInfo;
use rustls_pki_types::pem::SectionKind;

use super::{Error, PublicKey, pem};

/// A key that signs tokens, and its public half.
pub struct PrivateKey {
    public: PublicKey,
    signer: Sign,
}

enum Sign {
    Rsa(Box<RsaKeyPair>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
}

/// Without what is secret.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PrivateKey")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

impl PrivateKey {
    /// The first private key in a PEM file: RSA in PKCS #1 or #8, or ECDSA (P-256, P-384, P-521) in SEC 1 or PKCS #8.
    ///
    /// # Errors
    /// The file, and what is wrong with it.
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        pem::read("private", path, Self::from_pem)
    }

    /// The first private key in a PEM text.
    ///
    /// # Errors
    /// There is none, or it cannot sign.
    pub fn from_pem(text: &[u8]) -> Result<Self, Error> {
        for (kind, der) in pem::sections(text) {
            if let Some(key) = Self::of_section(kind, &der)? {
                return Ok(key);
            }
        }
        Err(Error::NoPrivateKey)
    }

    /// Its public half.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The key in a part of a PEM file; `None` where it is none, or of a kind that signs no tokens.
    pub(super) fn of_section(kind: SectionKind, der: &[u8]) -> Result<Option<Self>, Error> {
        match kind {
            SectionKind::RsaPrivateKey => Self::of_pkcs1(der),
            SectionKind::EcPrivateKey => Self::of_elliptic(
                p256::SecretKey::from_sec1_der(der).ok(),
                p384::SecretKey::from_sec1_der(der).ok(),
                p521::SecretKey::from_sec1_der(der).ok(),
            ),
            SectionKind::PrivateKey => {
                let found = Self::of_elliptic(
                    p256::SecretKey::from_pkcs8_der(der).ok(),
                    p384::SecretKey::from_pkcs8_der(der).ok(),
                    p521::SecretKey::from_pkcs8_der(der).ok(),
                )?;
                match PrivateKeyInfo::try_from(der) {
                    Ok(info) if found.is_none() && info.algorithm.oid == rsa::pkcs1::ALGORITHM_OID => {
                        Self::of_pkcs1(info.private_key)
                    }
                    _ => Ok(found),
                }
            }
            _ => Ok(None),
        }
    }

    fn of_pkcs1(der: &[u8]) -> Result<Option<Self>, Error> {
        let Ok(key) = rsa::pkcs1::RsaPrivateKey::try_from(der) else {
            return Ok(None);
        };
        let public = PublicKey::of_rsa(&key.public_key())?;
        // Its texts name what is wrong: `InconsistentComponents`, `TooLarge`.
        let signer = RsaKeyPair::from_der(der)
            .map_err(|error| Error::Unusable(format!("the RSA private key is not usable: {error}")))?;
        let signer = Sign::Rsa(Box::new(signer));
        Ok(Some(Self { public, signer }))
    }

    /// SEC 1 does not have to name the curve, so that the length of the number tells it.
    fn of_elliptic(
        p256: Option<p256::SecretKey>,
        p384: Option<p384::SecretKey>,
        p521: Option<p521::SecretKey>,
    ) -> Result<Option<Self>, Error> {
        let (public, signer) = if let Some(key) = p256 {
            (PublicKey::of_p256(key.public_key())?, Sign::P256(key.into()))
        } else if let Some(key) = p384 {
            (PublicKey::of_p384(key.public_key())?, Sign::P384(key.into()))
        } else if let Some(key) = p521 {
            let signer = p521::ecdsa::SigningKey::from_slice(&key.to_bytes()).map_err(|_| Error::Crypto)?;
            (PublicKey::of_p521(key.public_key())?, Sign::P521(signer))
        } else {
            return Ok(None);
        };
        Ok(Some(Self { public, signer }))
    }

    /// Signs by the algorithm of its public half.
    ///
    /// # Errors
    /// The system has no randomness, or the key is not sound.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(match &self.signer {
            Sign::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                    .map_err(|_| Error::Crypto)?;
                signature
            }
            Sign::P256(key) => {
                let signed: Result<p256::ecdsa::Signature, _> = key.try_sign(message);
                signed.map_err(|_| Error::Crypto)?.to_bytes().to_vec()
            }
            Sign::P384(key) => {
                let signed: Result<p384::ecdsa::Signature, _> = key.try_sign(message);
                signed.map_err(|_| Error::Crypto)?.to_bytes().to_vec()
            }
            Sign::P521(key) => {
                let signed: Result<p521::ecdsa::Signature, _> = key.try_sign(message);
                signed.map_err(|_| Error::Crypto)?.to_bytes().to_vec()
            }
        })
    }
}
