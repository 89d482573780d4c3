//! The public half of a private key, in the forms in which Go reads them one after the other.

use p256::elliptic_curve::sec1::ToEncodedPoint;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, PrivateKeyInfo};

use super::certificate::{EDWARDS, ELLIPTIC, PublicKey, RSA};

/// X25519, by which keys are exchanged and nothing is signed.
const EXCHANGE: &[u8] = &[0x2b, 0x65, 0x6e];
/// The name of P-224, with tag and length.
const P224: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x21];
/// The bytes of the longest modulus that is calculated with: 16,384 bits. Go knows no end here.
const MOST: usize = 2048;

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

/// Numbers are checked only up to a length: a secret has room for some with which that would take minutes. Keys that are
/// longer than anybody's are believed as they are written, and only held against the certificate.
fn of_rsa(der: &[u8]) -> Option<PublicKey> {
    let key = rsa::pkcs1::RsaPrivateKey::try_from(der).ok()?;
    let modulus = key.modulus.as_bytes();
    let numbers = [key.private_exponent, key.prime1, key.prime2];
    // None of the three is greater than the modulus; nor does Go take a key where one is.
    if key.other_prime_infos.is_some() || numbers.iter().any(|number| number.as_bytes().len() > modulus.len()) {
        return None;
    }
    let good = modulus.len() > MOST || rsa::RsaPrivateKey::from_pkcs1_der(der).is_ok();
    good.then(|| PublicKey::Rsa(modulus.to_vec(), key.public_exponent.as_bytes().to_vec()))
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

#[cfg(test)]
mod tests {
    use super::super::samples::RSA_PKCS1;
    use super::{MOST, PublicKey, of_rsa};
    use crate::certificates::pem;

    /// An element of DER.
    fn element(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = (content.len() as u32).to_be_bytes();
        let zeros = length.iter().take_while(|byte| **byte == 0).count();
        match content.len() {
            short @ ..0x80 => [&[tag, short as u8], content].concat(),
            _ => [&[tag, 0x84 - zeros as u8], &length[zeros..], content].concat(),
        }
    }

    /// A key with numbers of these many bytes that have nothing to do with each other.
    fn written(modulus: usize, exponent: usize, prime: usize) -> Vec<u8> {
        let number = |length: usize| element(2, &vec![0x11; length]);
        let few = number(1);
        let (exponent, prime) = (number(exponent), number(prime));
        let content = [
            &element(2, &[0]),
            &number(modulus),
            &few,
            &exponent,
            &prime,
            &prime,
            &few,
            &few,
            &few,
        ];
        element(0x30, &content.map(Vec::as_slice).concat())
    }

    #[test]
    fn keys_of_more_than_16384_bits_are_taken_as_they_are_written() {
        assert_eq!(of_rsa(&written(MOST, MOST, MOST / 2)), None, "it is no key");
        for length in [MOST + 1, 250_000] {
            let public = PublicKey::Rsa(vec![0x11; length], vec![0x11]);
            assert_eq!(of_rsa(&written(length, length, length)), Some(public), "{length}");
        }
    }

    #[test]
    fn numbers_that_are_longer_than_their_modulus_are_not_calculated_with() {
        for (exponent, prime) in [(MOST, 400_000), (900_000, MOST / 2)] {
            assert_eq!(of_rsa(&written(MOST, exponent, prime)), None);
            assert_eq!(of_rsa(&written(MOST + 1, exponent, prime)), None);
        }
    }

    #[test]
    fn a_key_of_common_length_is_checked() {
        let key = pem::blocks(RSA_PKCS1).remove(0).bytes;
        assert!(matches!(of_rsa(&key), Some(PublicKey::Rsa(modulus, _)) if modulus.len() == 128));
        // Another modulus than the product of its primes.
        let mut other = key.clone();
        other[20] ^= 1;
        assert_eq!(of_rsa(&other), None);
    }
}
