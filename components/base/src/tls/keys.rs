//! Private keys that servers and clients may have: those that ring signs with, and ECDSA on P-521.

use std::fmt;
use std::sync::Arc;

use p521::ecdsa::signature::Signer as _;
use p521::ecdsa::{Signature, SigningKey as Secret, VerifyingKey};
use p521::pkcs8::DecodePrivateKey;
use rustls::crypto::KeyProvider;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::sign::{Signer, SigningKey, public_key_to_spki};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};
use rustls_pki_types::{PrivateKeyDer, SubjectPublicKeyInfoDer, alg_id};

/// What is said of a key that is none of them.
pub(super) const TAKEN: &str =
    "no key of a kind that is taken: RSA of 2048 to 4096 bits, ECDSA on P-256, P-384 or P-521, or Ed25519 in PKCS#8";

/// Reads them.
#[derive(Debug)]
pub(super) struct Keys;

impl KeyProvider for Keys {
    fn load_private_key(&self, der: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        if let Some(key) = P521::read(&der) {
            return Ok(Arc::new(key));
        }
        any_supported_type(&der).map_err(|_| Error::General(TAKEN.to_owned()))
    }
}

/// A key on P-521. It signs after SHA-512, which TLS 1.3 asks of it.
#[derive(Clone)]
struct P521 {
    secret: Secret,
    public: SubjectPublicKeyInfoDer<'static>,
}

impl P521 {
    fn read(der: &PrivateKeyDer<'_>) -> Option<Self> {
        let key = match der {
            PrivateKeyDer::Pkcs8(der) => p521::SecretKey::from_pkcs8_der(der.secret_pkcs8_der()).ok()?,
            PrivateKeyDer::Sec1(der) => p521::SecretKey::from_sec1_der(der.secret_sec1_der()).ok()?,
            _ => return None,
        };
        let secret = Secret::from_slice(&key.to_bytes()).ok()?;
        let point = VerifyingKey::from(&secret).to_encoded_point(false);
        Some(Self {
            secret,
            public: public_key_to_spki(&alg_id::ECDSA_P521, point.as_bytes()),
        })
    }
}

impl fmt::Debug for P521 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("P521").finish_non_exhaustive()
    }
}

impl SigningKey for P521 {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        offered
            .contains(&SignatureScheme::ECDSA_NISTP521_SHA512)
            .then(|| Box::new(self.clone()) as Box<dyn Signer>)
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(self.public.clone())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for P521 {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signed: Result<Signature, _> = self.secret.try_sign(message);
        let signature = signed.map_err(|_| Error::General("signing failed".to_owned()))?;
        Ok(signature.to_der().as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP521_SHA512
    }
}
