//! What is asked to be signed (PKCS #10, RFC 2986), and what was signed.

use apiserver_api::go::quote;
use apiserver_api::tree::Tree;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use x509_parser::certificate::X509Certificate;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use super::super::{pem, signature};

/// The text behind bytes as trees keep them.
fn text(bytes: &Tree) -> String {
    let bytes = STANDARD.decode(bytes.as_str().unwrap_or_default()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Checks a request: that it parses, and that whoever made it has the key.
pub(super) fn check(request: &Tree) -> Result<(), String> {
    let text = text(request);
    let blocks = pem::blocks(&text);
    let Some(block) = blocks.first().filter(|block| block.kind == "CERTIFICATE REQUEST") else {
        return Err("PEM block type must be CERTIFICATE REQUEST".to_owned());
    };
    // Who signs looks at the first block, and trusts that it was checked here: other versions of Go find it by other rules.
    if pem::has_several(&text) {
        return Err("there must be one PEM block, and nothing else that begins as one".to_owned());
    }
    let parsed = match X509CertificationRequest::from_der(&block.bytes) {
        Ok(([], parsed)) => parsed,
        Ok(_) => return Err("asn1: syntax error: trailing data".to_owned()),
        Err(_) => return Err("asn1: structure error: malformed certificate request".to_owned()),
    };
    signature::check(&parsed)
}

/// Checks what was issued.
pub(super) fn check_certificate(certificate: &Tree) -> Result<(), String> {
    if certificate.is_zero() {
        return Ok(());
    }
    let blocks = pem::blocks(&text(certificate));
    for block in &blocks {
        if block.kind != "CERTIFICATE" {
            let found = quote(&block.kind);
            return Err(format!("only CERTIFICATE PEM blocks are allowed, found {found}"));
        }
        if block.headers {
            return Err("no PEM block headers are permitted".to_owned());
        }
        let mut rest = block.bytes.as_slice();
        if rest.is_empty() {
            return Err("found CERTIFICATE PEM block containing 0 certificates".to_owned());
        }
        while !rest.is_empty() {
            let parsed = X509Certificate::from_der(rest);
            rest = parsed.map_err(|_| "x509: malformed certificate".to_owned())?.0;
        }
    }
    if blocks.is_empty() {
        return Err("must contain at least one CERTIFICATE PEM block".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::Tree;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::super::super::samples::{AUTHORITY, REQUEST};
    use super::{check, check_certificate};

    fn bytes(text: &str) -> Tree {
        STANDARD.encode(text).into()
    }

    #[test]
    fn a_request_is_signed_with_its_own_key() {
        assert_eq!(check(&bytes(REQUEST)), Ok(()));
        for (request, wrong) in [
            (String::new(), "PEM block type must be CERTIFICATE REQUEST"),
            (
                REQUEST.replace("REQUEST", "X"),
                "PEM block type must be CERTIFICATE REQUEST",
            ),
            (
                "-----BEGIN CERTIFICATE REQUEST-----\nAQI=\n-----END CERTIFICATE REQUEST-----".to_owned(),
                "asn1: structure error: malformed certificate request",
            ),
        ] {
            assert_eq!(check(&bytes(&request)), Err(wrong.to_owned()));
        }
        // A letter of the signature, which is the end of the data.
        let forged = REQUEST.replace("+2W7yA3EYH1GMRVAsg==", "+2W7yA3EYH1GMRVBsg==");
        assert_ne!(forged, REQUEST);
        assert_eq!(
            check(&bytes(&forged)),
            Err("x509: ECDSA verification failure".to_owned())
        );
    }

    #[test]
    fn what_was_issued_are_certificates_and_nothing_else() {
        assert_eq!(check_certificate(&Tree::Null), Ok(()));
        assert_eq!(check_certificate(&bytes(AUTHORITY)), Ok(()));
        for (text, wrong) in [
            ("x", "must contain at least one CERTIFICATE PEM block"),
            (
                REQUEST,
                r#"only CERTIFICATE PEM blocks are allowed, found "CERTIFICATE REQUEST""#,
            ),
            (
                "-----BEGIN CERTIFICATE-----\nk: v\n\nAQI=\n-----END CERTIFICATE-----",
                "no PEM block headers are permitted",
            ),
            (
                "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
                "found CERTIFICATE PEM block containing 0 certificates",
            ),
            (
                "-----BEGIN CERTIFICATE-----\nAQI=\n-----END CERTIFICATE-----",
                "x509: malformed certificate",
            ),
        ] {
            assert_eq!(check_certificate(&bytes(text)), Err(wrong.to_owned()));
        }
    }
}
