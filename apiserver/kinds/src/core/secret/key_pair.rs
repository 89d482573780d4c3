//! Whether a certificate and a private key belong together, and what Go says of those that do not.

use super::certificate::{self, PublicKey};
use super::private_key;
use crate::certificates::pem::{self, Block};

const CERTIFICATE: &str = "CERTIFICATE";

/// Checks a certificate, or a chain that begins with it, and its key, both as PEM.
///
/// # Errors
/// Go's words.
pub(super) fn check(certificate: &[u8], key: &[u8]) -> Result<(), String> {
    let certificate = first_certificate(&blocks(certificate))?;
    let key = first_key(&blocks(key))?;
    let public = certificate::public_key(&certificate)?;
    let Some(private) = private_key::public_half(&key)? else {
        // Of a curve that is not calculated with here.
        return Ok(());
    };
    if public == PublicKey::Other {
        Err("tls: unknown public key algorithm".to_owned())
    } else if std::mem::discriminant(&public) != std::mem::discriminant(&private) {
        Err("tls: private key type does not match public key type".to_owned())
    } else if public == private {
        Ok(())
    } else {
        Err("tls: private key does not match public key".to_owned())
    }
}

fn blocks(bytes: &[u8]) -> Vec<Block> {
    pem::blocks(&String::from_utf8_lossy(bytes))
}

/// The kinds of blocks as Go prints a list of texts.
fn kinds(blocks: &[Block]) -> String {
    let kinds: Vec<&str> = blocks.iter().map(|block| block.kind.as_str()).collect();
    format!("[{}]", kinds.join(" "))
}

fn first_certificate(blocks: &[Block]) -> Result<Vec<u8>, String> {
    if let Some(first) = blocks.iter().find(|block| block.kind == CERTIFICATE) {
        return Ok(first.bytes.clone());
    }
    Err(match blocks {
        [] => "tls: failed to find any PEM data in certificate input".to_owned(),
        [one] if one.kind.ends_with("PRIVATE KEY") => {
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may \
             have been switched"
                .to_owned()
        }
        many => format!(
            "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the \
             following types: {}",
            kinds(many)
        ),
    })
}

fn first_key(blocks: &[Block]) -> Result<Vec<u8>, String> {
    let is_key = |block: &&Block| block.kind == "PRIVATE KEY" || block.kind.ends_with(" PRIVATE KEY");
    if let Some(first) = blocks.iter().find(is_key) {
        return Ok(first.bytes.clone());
    }
    Err(match blocks {
        [] => "tls: failed to find any PEM data in key input".to_owned(),
        [one] if one.kind == CERTIFICATE => {
            "tls: found a certificate rather than a key in the PEM for the private key".to_owned()
        }
        many => format!(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks \
             of the following types: {}",
            kinds(many)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::{CURVE_P224, DSA, ED25519, EXCHANGE, P256, P256_SEC1, P384, P521, RSA, RSA_PKCS1};
    use super::check;

    fn said(certificate: &str, key: &str) -> String {
        check(certificate.as_bytes(), key.as_bytes()).err().unwrap_or_default()
    }

    #[test]
    fn a_key_of_every_sort_fits_its_own_certificate_only() {
        let pairs = [P256, P384, P521, ED25519, RSA];
        for (at, (certificate, _)) in pairs.iter().enumerate() {
            for (other, (_, key)) in pairs.iter().enumerate() {
                let told = match (at, other) {
                    _ if at == other => "",
                    (0..=2, 0..=2) => "tls: private key does not match public key",
                    _ => "tls: private key type does not match public key type",
                };
                assert_eq!(said(certificate, key), told, "{at} {other}");
            }
        }
        assert_eq!(said(P256.0, P256_SEC1), "");
        assert_eq!(said(RSA.0, RSA_PKCS1), "");
        assert_eq!(said(CURVE_P224.0, CURVE_P224.1), "", "it is not looked at");
        let chain = format!("text\n{}{}", P256.0, RSA.0);
        assert_eq!(said(&chain, P256.1), "", "the first certificate counts");
    }

    #[test]
    fn blocks_that_are_missing_are_told() {
        let (certificate, key) = P256;
        for (given, told) in [
            ("", "tls: failed to find any PEM data in certificate input"),
            (
                key,
                "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs \
                 may have been switched",
            ),
            (
                "-----BEGIN A-----\nAQ==\n-----END A-----\n-----BEGIN B C-----\nAQ==\n-----END B C-----\n",
                "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the \
                 following types: [A B C]",
            ),
        ] {
            assert_eq!(said(given, key), told);
        }
        for (given, told) in [
            ("x", "tls: failed to find any PEM data in key input"),
            (
                certificate,
                "tls: found a certificate rather than a key in the PEM for the private key",
            ),
            (
                "-----BEGIN EC PARAMETERS-----\nAQ==\n-----END EC PARAMETERS-----\n",
                "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM \
                 blocks of the following types: [EC PARAMETERS]",
            ),
        ] {
            assert_eq!(said(certificate, given), told);
        }
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let block = |kind: &str| format!("-----BEGIN {kind}-----\nAQ==\n-----END {kind}-----\n");
        assert_eq!(said(&block("CERTIFICATE"), P256.1), "x509: malformed certificate");
        for kind in ["PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
            assert_eq!(said(P256.0, &block(kind)), "tls: failed to parse private key");
        }
        assert_eq!(
            said(P256.0, EXCHANGE),
            "tls: found unknown private key type in PKCS#8 wrapping"
        );
        assert_eq!(said(DSA, P256.1), "tls: unknown public key algorithm");
    }
}
