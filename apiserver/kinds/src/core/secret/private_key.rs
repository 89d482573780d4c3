//! The public half of a private key, in the forms in which Go reads them one after the other.

use p256::elliptic_curve::sec1::ToEncodedPoint;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, PrivateKeyInfo};
use rsa::traits::PublicKeyParts;

use super::certificate::{EDWARDS, ELLIPTIC, PublicKey, RSA};

/// X25519, by which keys are exchanged and nothing is signed.
const EXCHANGE: &[u8] = &[0x2b, 0x65, 0x6e];
/// The name of P-224, with tag and length.
const P224: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x21];

/// The public half of a key in PKCS #1, PKCS #8 or SEC 1; nothing where it is of a curve that Go knows and we do not.
///
/// # Errors
/// Go's words.
pub(super) fn public_half(der: &[u8]) -> Result<Option<PublicKey>, &'static str> {
    if let Some(key) = of_rsa(der) {
        return Ok(Some(key));
    }
    if let Ok(info) = PrivateKeyInfo::try_from(der) {
        let found = match info.algorithm.oid.as_bytes() {
            RSA => of_rsa(info.private_key),
            ELLIPTIC => of_elliptic(
                p256::SecretKey::from_pkcs8_der(der).ok(),
                p384::SecretKey::from_pkcs8_der(der).ok(),
                p521::SecretKey::from_pkcs8_der(der).ok(),
            ),
            EDWARDS => ed25519_dalek::SigningKey::from_pkcs8_der(der)
                .ok()
                .map(|key| PublicKey::Edwards(key.verifying_key().to_bytes().to_vec())),
            EXCHANGE => return Err("tls: found unknown private key type in PKCS#8 wrapping"),
            _ => None,
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    let found = of_elliptic(
        p256::SecretKey::from_sec1_der(der).ok(),
        p384::SecretKey::from_sec1_der(der).ok(),
        p521::SecretKey::from_sec1_der(der).ok(),
    );
    if found.is_some() || der.windows(P224.len()).any(|part| part == P224) {
        return Ok(found);
    }
    Err("tls: failed to parse private key")
}

fn of_rsa(der: &[u8]) -> Option<PublicKey> {
    let key = rsa::RsaPrivateKey::from_pkcs1_der(der).ok()?;
    Some(PublicKey::Rsa(key.n().to_bytes_be(), key.e().to_bytes_be()))
}

/// SEC 1 does not have to name the curve, so that the length of the number tells it.
fn of_elliptic(
    p256: Option<p256::SecretKey>,
    p384: Option<p384::SecretKey>,
    p521: Option<p521::SecretKey>,
) -> Option<PublicKey> {
    let point = p256
        .map(|key| key.public_key().to_encoded_point(false).as_bytes().to_vec())
        .or_else(|| p384.map(|key| key.public_key().to_encoded_point(false).as_bytes().to_vec()))
        .or_else(|| p521.map(|key| key.public_key().to_encoded_point(false).as_bytes().to_vec()));
    point.map(PublicKey::Elliptic)
}
