//! `CertificateSubjectRestriction`: nobody gets a certificate for the apiserver that makes them a cluster's master.

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_api::user::MASTERS;
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;

use crate::forbid::forbid;
use crate::plugin::{Operation, Plugin, Request};
use crate::signer;

const CLIENTS: &str = "kubernetes.io/kube-apiserver-client";
const LABEL: &str = "CERTIFICATE REQUEST";

/// The plugin.
#[derive(Debug, Default)]
pub(crate) struct CertificateSubjectRestriction;

impl CertificateSubjectRestriction {
    /// It has no settings.
    pub(crate) const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Plugin for CertificateSubjectRestriction {
    fn name(&self) -> &'static str {
        "CertificateSubjectRestriction"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation == Operation::Create
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let Some(asked) = object.filter(|_| request.is_of(signer::GROUP, "certificatesigningrequests")) else {
            return Ok(());
        };
        let spec = asked.at("spec");
        if spec.text("signerName") != CLIENTS {
            return Ok(());
        }
        match is_for_masters(spec.text("request")) {
            Ok(false) => Ok(()),
            Ok(true) => {
                let why = format!("use of {CLIENTS} signer with {MASTERS} group is not allowed");
                Err(forbid(request, object, why))
            }
            Err(why) => Err(forbid(request, object, format!("failed to parse CSR: {why}"))),
        }
    }
}

/// Whether any request in it is for one of the masters. Signers read the first block that is well-formed to them; whatever
/// that is, it is among these.
fn is_for_masters(request: &str) -> Result<bool, &'static str> {
    let text = STANDARD
        .decode(request)
        .map_err(|_| "the request is not written in base64")?;
    let mut found = false;
    for block in Pem::iter_from_buffer(&text) {
        let block = block.map_err(|_| "PEM block type must be CERTIFICATE REQUEST")?;
        if block.label != LABEL {
            continue;
        }
        found = true;
        let (_, parsed) = X509CertificationRequest::from_der(&block.contents)
            .map_err(|_| "asn1: structure error: malformed certificate request")?;
        let subject = &parsed.certification_request_info.subject;
        if subject
            .iter_organization()
            .any(|group| is_masters(group.attr_value().data))
        {
            return Ok(true);
        }
    }
    if found {
        Ok(false)
    } else {
        Err("PEM block type must be CERTIFICATE REQUEST")
    }
}

/// Whether a name says so, in any of the encodings that strings of certificates have: one byte a letter, or two.
fn is_masters(name: &[u8]) -> bool {
    let wide = MASTERS.bytes().flat_map(|letter| [0, letter]);
    name == MASTERS.as_bytes() || name.iter().copied().eq(wide)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::{CertificateSubjectRestriction, is_masters};
    use crate::double::{Scene, json, told};
    use crate::plugin::{Operation, Plugin};

    const OF_MASTERS: &str = "-----BEGIN CERTIFICATE REQUEST-----
MIHiMIGKAgEAMCgxDTALBgNVBAMMBGphbmUxFzAVBgNVBAoMDnN5c3RlbTptYXN0
ZXJzMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEh0c3mv5xXYvBgO4Av+/4MTv8
YfX+b0P0IcuMCq3CO7ziKzI/8ohCbVszljXsl/6iUMZrzcQrD+v1MUXbKepfZaAA
MAoGCCqGSM49BAMCA0cAMEQCIHR2CMExYufm95pFWYQmIv+N+gfGmjY8Mhe9W3Ff
tVNHAiAIy5HK3KwufhOUzM+DIcpMdfd/zpbez8sOJkNCewQ9MA==
-----END CERTIFICATE REQUEST-----
";
    const OF_DEV: &str = "-----BEGIN CERTIFICATE REQUEST-----
MIHXMH8CAQAwHTENMAsGA1UEAwwEamFuZTEMMAoGA1UECgwDZGV2MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEdbRWjp13O6s+Gop7GS+yi2olqww3n+2B4K2s5LbS
zX0TG0E1/fcHoQGvsfH0fIhvtiuTPrqL6n4EDct9cJWOMaAAMAoGCCqGSM49BAMC
A0gAMEUCIGohKBXNqH0HKjp7P5vWaZUoeT+n+PxPI+zxB3nty7ScAiEA5kjAQ1yL
O7ctctpBA1/56wN7XcLSHL9NiX/QQnIUPys=
-----END CERTIFICATE REQUEST-----
";

    #[tokio::test]
    async fn nobody_becomes_a_master_by_certificate() {
        let scene = Scene::new();
        let clients = "kubernetes.io/kube-apiserver-client";
        let hidden = format!("{}{OF_MASTERS}", OF_DEV.replace("END CERTIFICATE REQUEST", "END OTHER"));
        let refused = "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed";
        for (signer, text, expected) in [
            (clients, OF_DEV, ""),
            (clients, OF_MASTERS, refused),
            (clients, hidden.as_str(), refused),
            ("a.com/b", OF_MASTERS, ""),
            (
                clients,
                "",
                "failed to parse CSR: PEM block type must be CERTIFICATE REQUEST",
            ),
        ] {
            let request = scene.request(Operation::Create, "certificatesigningrequests.certificates.k8s.io");
            let csr = json(&format!(
                r#"{{"spec":{{"signerName":"{signer}","request":"{}"}}}}"#,
                STANDARD.encode(text)
            ));
            let answer = told(
                CertificateSubjectRestriction::new()
                    .validate(&request, Some(&csr))
                    .await,
            );
            let head = r#"certificatesigningrequests.certificates.k8s.io "x" is forbidden: "#;
            assert_eq!(answer.strip_prefix(head).unwrap_or_default(), expected);
        }
    }

    #[test]
    fn names_are_read_in_every_encoding() {
        assert!(is_masters(b"system:masters"));
        assert!(is_masters(b"\0s\0y\0s\0t\0e\0m\0:\0m\0a\0s\0t\0e\0r\0s"));
        assert!(!is_masters(b"system:master"));
    }
}
