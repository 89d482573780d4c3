//! The keys of JSON Web Tokens: what files in PEM hold, made ready to sign and to verify.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use p256::elliptic_curve::sec1::ToEncodedPoint;
use p256::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey};
use rsa::pkcs1::{DecodeRsaPrivateKey, DecodeRsaPublicKey, EncodeRsaPrivateKey, EncodeRsaPublicKey};
use rsa::traits::PublicKeyParts;

use super::tokens::Error;

/// What one member signs and verifies with.
pub(super) struct Keys {
    /// None where only a public key is given: such a member reads tokens and issues none.
    pub(super) sign: Option<EncodingKey>,
    pub(super) verify: DecodingKey,
}

/// Makes keys of what the files hold; an empty one counts as not given. A private key knows its public one.
///
/// # Errors
/// With upstream's words: no key, a key of another kind, or two that do not belong together.
pub(super) fn keys(algorithm: Algorithm, private: &[u8], public: &[u8]) -> Result<Keys, Error> {
    match algorithm {
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 if private.is_empty() => {
            Err(Error(format!("auth: missing key data: {algorithm:?} needs priv-key")))
        }
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => Ok(Keys {
            sign: Some(EncodingKey::from_secret(private)),
            verify: DecodingKey::from_secret(private),
        }),
        Algorithm::ES256 => pair::<p256::SecretKey>(algorithm, private, public),
        Algorithm::ES384 => pair::<p384::SecretKey>(algorithm, private, public),
        Algorithm::EdDSA => pair::<ed25519_dalek::SigningKey>(algorithm, private, public),
        _ => pair::<rsa::RsaPrivateKey>(algorithm, private, public),
    }
}

/// A private key of one kind, and its public half.
trait Private: Sized {
    type Public: PartialEq;
    /// As it is called in an error.
    const KIND: &str;

    fn read(pem: &str) -> Option<Self>;
    fn read_public(pem: &str) -> Option<Self::Public>;
    fn read_certified(spki: &[u8]) -> Option<Self::Public>;
    fn public(&self) -> Self::Public;
    fn sign(&self) -> Option<EncodingKey>;
    fn verify(public: &Self::Public) -> Option<DecodingKey>;
}

fn pair<K: Private>(algorithm: Algorithm, private: &[u8], public: &[u8]) -> Result<Keys, Error> {
    let bad = |option: &str, half: &str| {
        let kind = K::KIND;
        Error(format!(
            "{option} for {algorithm:?}: key is not a valid {kind} {half} key in PEM"
        ))
    };
    let read = |bytes: &[u8]| K::read(std::str::from_utf8(bytes).ok()?);
    let private = (!private.is_empty())
        .then(|| read(private).ok_or_else(|| bad("priv-key", "private")))
        .transpose()?;
    let public = (!public.is_empty())
        .then(|| read_public::<K>(public).ok_or_else(|| bad("pub-key", "public")))
        .transpose()?;
    let derived = private.as_ref().map(K::public);
    if let (Some(given), Some(derived)) = (&public, &derived)
        && given != derived
    {
        return Err(Error("auth: public and private keys don't match".to_owned()));
    }
    let public = public.or(derived).ok_or_else(|| {
        Error(format!(
            "auth: missing key data: {algorithm:?} needs priv-key or pub-key"
        ))
    })?;
    let sign = private.map(|key| key.sign().ok_or_else(|| bad("priv-key", "private")));
    Ok(Keys {
        sign: sign.transpose()?,
        verify: K::verify(&public).ok_or_else(|| bad("pub-key", "public"))?,
    })
}

/// A public key by itself, or the one that a certificate is for.
fn read_public<K: Private>(bytes: &[u8]) -> Option<K::Public> {
    if let Ok((_, pem)) = x509_parser::pem::parse_x509_pem(bytes)
        && pem.label == "CERTIFICATE"
    {
        return K::read_certified(pem.parse_x509().ok()?.public_key().raw);
    }
    K::read_public(std::str::from_utf8(bytes).ok()?)
}

impl Private for rsa::RsaPrivateKey {
    type Public = rsa::RsaPublicKey;
    const KIND: &str = "RSA";

    fn read(pem: &str) -> Option<Self> {
        Self::from_pkcs1_pem(pem).or_else(|_| Self::from_pkcs8_pem(pem)).ok()
    }

    fn read_public(pem: &str) -> Option<Self::Public> {
        let either = Self::Public::from_public_key_pem(pem);
        either.or_else(|_| Self::Public::from_pkcs1_pem(pem)).ok()
    }

    fn read_certified(spki: &[u8]) -> Option<Self::Public> {
        Self::Public::from_public_key_der(spki).ok()
    }

    fn public(&self) -> Self::Public {
        self.to_public_key()
    }

    fn sign(&self) -> Option<EncodingKey> {
        Some(EncodingKey::from_rsa_der(self.to_pkcs1_der().ok()?.as_bytes()))
    }

    fn verify(public: &Self::Public) -> Option<DecodingKey> {
        // A shorter one could not even hold the padding and the hash.
        let der = (public.size() >= 128).then(|| public.to_pkcs1_der())?.ok()?;
        Some(DecodingKey::from_rsa_der(der.as_bytes()))
    }
}

macro_rules! elliptic {
    ($curve:ident) => {
        impl Private for $curve::SecretKey {
            type Public = $curve::PublicKey;
            const KIND: &str = "ECDSA";

            fn read(pem: &str) -> Option<Self> {
                Self::from_sec1_pem(pem)
                    .or_else(|_| Self::from_pkcs8_pem(pem))
                    .ok()
            }

            fn read_public(pem: &str) -> Option<Self::Public> {
                Self::Public::from_public_key_pem(pem).ok()
            }

            fn read_certified(spki: &[u8]) -> Option<Self::Public> {
                Self::Public::from_public_key_der(spki).ok()
            }

            fn public(&self) -> Self::Public {
                self.public_key()
            }

            fn sign(&self) -> Option<EncodingKey> {
                Some(EncodingKey::from_ec_der(self.to_pkcs8_der().ok()?.as_bytes()))
            }

            fn verify(public: &Self::Public) -> Option<DecodingKey> {
                Some(DecodingKey::from_ec_der(
                    public.to_encoded_point(false).as_bytes(),
                ))
            }
        }
    };
}

elliptic!(p256);
elliptic!(p384);

impl Private for ed25519_dalek::SigningKey {
    type Public = ed25519_dalek::VerifyingKey;
    const KIND: &str = "Ed25519";

    fn read(pem: &str) -> Option<Self> {
        Self::from_pkcs8_pem(pem).ok()
    }

    fn read_public(pem: &str) -> Option<Self::Public> {
        Self::Public::from_public_key_pem(pem).ok()
    }

    fn read_certified(spki: &[u8]) -> Option<Self::Public> {
        Self::Public::from_public_key_der(spki).ok()
    }

    fn public(&self) -> Self::Public {
        self.verifying_key()
    }

    fn sign(&self) -> Option<EncodingKey> {
        Some(EncodingKey::from_ed_der(self.to_pkcs8_der().ok()?.as_bytes()))
    }

    fn verify(public: &Self::Public) -> Option<DecodingKey> {
        Some(DecodingKey::from_ed_der(public.as_bytes()))
    }
}
