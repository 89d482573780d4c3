//! The public key of a certificate (X.509), as far as Go looks to find it.

/// A public key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// The modulus and the exponent, without zeros before them.
    Rsa(Vec<u8>, Vec<u8>),
    /// The point of a curve, uncompressed, whose length tells the curve.
    Elliptic(Vec<u8>),
    /// Of the curve Ed25519.
    Edwards(Vec<u8>),
    /// One that serves no TLS.
    Other,
}

pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
pub(super) const ELLIPTIC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub(super) const EDWARDS: &[u8] = &[0x2b, 0x65, 0x70];
const EDWARDS_LEN: usize = 32;
const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const NULL: u8 = 0x05;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// What is left of bytes in DER.
#[derive(Clone, Copy)]
struct Der<'d>(&'d [u8]);

impl<'d> Der<'d> {
    /// Takes the next element, if it has this tag; its content.
    fn take(&mut self, tag: u8) -> Option<&'d [u8]> {
        let (first, rest) = self.0.split_first()?;
        let (length, rest) = rest.split_first()?;
        let (length, rest) = match usize::from(*length) {
            short @ ..0x80 => (short, rest),
            long => {
                let (digits, rest) = rest.split_at_checked(long - 0x80)?;
                let shortest = !digits.is_empty() && digits.len() <= 4 && digits[0] != 0;
                let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
                (shortest && length >= 0x80).then_some((length, rest))?
            }
        };
        let (content, rest) = rest.split_at_checked(length)?;
        (*first == tag).then(|| {
            self.0 = rest;
            content
        })
    }

    fn sequence(&mut self) -> Option<Self> {
        self.take(SEQUENCE).map(Self)
    }

    /// A number in its shortest form.
    fn number(&mut self) -> Option<&'d [u8]> {
        self.take(INTEGER).filter(|bytes| match bytes {
            [] => false,
            [0, next, ..] => *next >= 0x80,
            [0xff, next, ..] => *next < 0x80,
            [..] => true,
        })
    }

    /// Bits that are whole bytes.
    fn bits(&mut self) -> Option<&'d [u8]> {
        let (unused, bytes) = self.take(BITS)?.split_first()?;
        (*unused == 0).then_some(bytes)
    }
}

fn is_negative(number: &[u8]) -> bool {
    number.first().is_some_and(|first| *first >= 0x80)
}

/// Without the zero before a number whose first bit is one.
pub(super) fn trimmed(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number[zeros..].to_vec()
}

/// The key of a certificate. What stands behind the key, its extensions, is not looked at.
///
/// # Errors
/// Go's words for what is wrong before or in the key.
pub(super) fn public_key(der: &[u8]) -> Result<PublicKey, &'static str> {
    let mut all = Der(der);
    let mut certificate = all.sequence().ok_or("x509: malformed certificate")?;
    let mut signed = certificate.sequence().ok_or("x509: malformed tbs certificate")?;
    skip_version(&mut signed)?;
    let serial = signed.number().ok_or("x509: malformed serial number")?;
    if is_negative(serial) {
        return Err("x509: negative serial number");
    }
    let inner = signed
        .sequence()
        .ok_or("x509: malformed signature algorithm identifier")?;
    let outer = certificate.sequence().ok_or("x509: malformed algorithm identifier")?;
    if inner.0 != outer.0 {
        return Err("x509: inner and outer signature algorithm identifiers don't match");
    }
    signed.sequence().ok_or("x509: malformed issuer")?;
    signed.sequence().ok_or("x509: malformed validity")?;
    // Upstream's library calls the subject so, too.
    signed.sequence().ok_or("x509: malformed issuer")?;
    let key = key(signed.sequence().ok_or("x509: malformed spki")?)?;
    certificate.bits().ok_or("x509: malformed signature")?;
    if all.0.is_empty() {
        Ok(key)
    } else {
        Err("x509: trailing data")
    }
}

fn skip_version(signed: &mut Der<'_>) -> Result<(), &'static str> {
    if signed.0.first() != Some(&VERSION) {
        return Ok(());
    }
    let malformed = "x509: malformed version";
    let mut inside = Der(signed.take(VERSION).ok_or(malformed)?);
    match inside.number() {
        Some([0..=2]) if inside.0.is_empty() => Ok(()),
        Some(number) if inside.0.is_empty() && !is_negative(number) => Err("x509: invalid version"),
        _ => Err(malformed),
    }
}

fn key(mut info: Der<'_>) -> Result<PublicKey, &'static str> {
    let algorithm = info.sequence();
    let mut algorithm = algorithm.ok_or("x509: malformed public key algorithm identifier")?;
    let sort = algorithm.take(OBJECT).ok_or("x509: malformed OID")?;
    let mut parameters = algorithm;
    let bytes = info.bits().ok_or("x509: malformed subjectPublicKey")?;
    match sort {
        RSA => {
            if parameters.take(NULL) != Some(&[]) {
                return Err("x509: RSA key missing NULL parameters");
            }
            rsa(Der(bytes))
        }
        ELLIPTIC => match parameters.take(OBJECT) {
            Some(_) => Ok(PublicKey::Elliptic(bytes.to_vec())),
            None => Err("x509: invalid ECDSA parameters"),
        },
        EDWARDS if !parameters.0.is_empty() => Err("x509: Ed25519 key encoded with illegal parameters"),
        EDWARDS if bytes.len() != EDWARDS_LEN => Err("x509: wrong Ed25519 public key size"),
        EDWARDS => Ok(PublicKey::Edwards(bytes.to_vec())),
        _ => Ok(PublicKey::Other),
    }
}

fn rsa(mut der: Der<'_>) -> Result<PublicKey, &'static str> {
    let mut both = der.sequence().ok_or("x509: invalid RSA public key")?;
    let modulus = both.number().ok_or("x509: invalid RSA modulus")?;
    let exponent = both.number().ok_or("x509: invalid RSA public exponent")?;
    if is_negative(modulus) {
        return Err("x509: RSA modulus is not a positive number");
    }
    if is_negative(exponent) {
        return Err("x509: RSA public exponent is not a positive number");
    }
    Ok(PublicKey::Rsa(trimmed(modulus), trimmed(exponent)))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{P256, RSA};
    use super::{Der, SEQUENCE, public_key};
    use crate::certificates::pem;

    fn der(certificate: &str) -> Vec<u8> {
        pem::blocks(certificate).remove(0).bytes
    }

    #[test]
    fn an_element_has_a_tag_and_the_shortest_length() {
        for (bytes, content) in [
            (&[0x30, 1, 7, 9][..], Some(&[7][..])),
            (&[0x30, 0], Some(&[])),
            (&[0x31, 1, 7], None),
            (&[0x30, 2, 7], None),
            (&[0x30, 0x81, 1, 7], None),
            (&[0x30, 0x80, 7, 0, 0], None),
            (&[0x30], None),
        ] {
            assert_eq!(Der(bytes).take(SEQUENCE), content, "{bytes:?}");
        }
        let long = [&[0x30, 0x81, 0x80][..], &[1; 0x80]].concat();
        assert_eq!(Der(&long).take(SEQUENCE).map(<[u8]>::len), Some(0x80));
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_told() {
        for (certificate, _) in [P256, RSA] {
            let whole = der(certificate);
            assert!(public_key(&whole).is_ok());
            let longer = [&whole[..], &[0]].concat();
            assert_eq!(public_key(&longer), Err("x509: trailing data"));
            for length in 0..whole.len() {
                assert_eq!(public_key(&whole[..length]), Err("x509: malformed certificate"));
            }
            for at in 0..whole.len() {
                // Nothing that is changed makes it panic.
                let mut changed = whole.clone();
                changed[at] ^= 0x55;
                let _ = public_key(&changed);
            }
        }
        let mut changed = der(P256.0);
        // The version, which is the third.
        assert_eq!(changed[8..13], [0xa0, 3, 2, 1, 2]);
        changed[12] = 3;
        assert_eq!(public_key(&changed), Err("x509: invalid version"));
        changed[11] = 2;
        assert_eq!(public_key(&changed), Err("x509: malformed version"));
    }
}
