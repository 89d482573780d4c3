//! Points on the curves that certificates have, as public keys of ECDSA.

const P256: &str = "1.2.840.10045.3.1.7";
const P384: &str = "1.3.132.0.34";
const P521: &str = "1.3.132.0.35";

/// A public key of ECDSA.
pub(super) enum Point {
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    P521(p521::ecdsa::VerifyingKey),
}

impl Point {
    /// The point that bytes are on a curve, which is named by its OID.
    ///
    /// # Errors
    /// The curve is not known, or the point is not on it, in Go's words.
    pub(super) fn read(curve: &str, bytes: &[u8]) -> Result<Self, &'static str> {
        let point = match curve {
            // 4 is a point with both of its coordinates: another form of a key Go does not take.
            P256 | P384 | P521 if bytes.first() != Some(&4) => None,
            P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(bytes).ok().map(Self::P256),
            P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(bytes).ok().map(Self::P384),
            P521 => p521::ecdsa::VerifyingKey::from_sec1_bytes(bytes).ok().map(Self::P521),
            _ => return Err("x509: unsupported elliptic curve"),
        };
        point.ok_or("x509: failed to unmarshal elliptic curve point")
    }

    /// Whether a signature of a digest was made with the other half.
    pub(super) fn signed(&self, digest: &[u8], signature: &[u8]) -> bool {
        use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
        match self {
            Self::P256(key) => p256::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&padded(digest, 32), &signature).is_ok()),
            Self::P384(key) => p384::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&padded(digest, 48), &signature).is_ok()),
            Self::P521(key) => p521::ecdsa::Signature::from_der(signature)
                .is_ok_and(|signature| key.verify_prehash(&padded(digest, 66), &signature).is_ok()),
        }
    }
}

/// A digest at least as long as a curve's numbers; the library refuses those that are less than half of that, which Go
/// takes as the numbers that they are.
fn padded(digest: &[u8], length: usize) -> Vec<u8> {
    let mut padded = vec![0; length.saturating_sub(digest.len())];
    padded.extend_from_slice(digest);
    padded
}
