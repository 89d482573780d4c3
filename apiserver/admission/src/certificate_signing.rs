//! `CertificateSigning`: whoever signs a request, or says how it went, must be allowed to for its signer.

use apiserver_api::go::quote;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::forbid::forbid;
use crate::plugin::{Operation, Plugin, Request};
use crate::signer;

/// The requests that are signed, and where what was signed stands in their status.
const REQUESTS: &[(&str, &str)] = &[
    ("certificatesigningrequests", "certificate"),
    ("podcertificaterequests", "certificateChain"),
];

/// The plugin.
#[derive(Debug, Default)]
pub(crate) struct CertificateSigning;

impl CertificateSigning {
    /// It has no settings.
    pub(crate) const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Plugin for CertificateSigning {
    fn name(&self) -> &'static str {
        "CertificateSigning"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation == Operation::Update
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let mut requests = REQUESTS.iter();
        let found = requests.find(|(resource, _)| request.is_part(signer::GROUP, resource, "status"));
        let (Some((_, certificate)), Some(new)) = (found, object) else {
            return Ok(());
        };
        let old = request.old.unwrap_or(&Tree::Null);
        let (before, after) = (old.at("status"), new.at("status"));
        let same = before.text(certificate) == after.text(certificate)
            && before.items("conditions") == after.items("conditions");
        let name = old.at("spec").text("signerName");
        if same || signer::may(request.authorizer, request.user, "sign", name).await {
            return Ok(());
        }
        let why = format!("user not permitted to sign requests with signerName {}", quote(name));
        Err(forbid(request, object, why))
    }
}

#[cfg(test)]
mod tests {
    use super::CertificateSigning;
    use crate::double::{Scene, json, told};
    use crate::plugin::{Operation, Plugin};

    #[tokio::test]
    async fn what_is_signed_and_how_it_went_needs_a_right_for_the_signer() {
        let mut scene = Scene::new();
        scene.allow(&["sign certificates.k8s.io/signers mine.com/*"]);
        let with =
            |signer: &str, status: &str| json(&format!(r#"{{"spec":{{"signerName":"{signer}"}},"status":{status}}}"#));
        let refused = r#"forbidden: user not permitted to sign requests with signerName "other.com/x""#;
        for (resource, signer, status, expected) in [
            (
                "certificatesigningrequests",
                "mine.com/x",
                r#"{"certificate":"eA=="}"#,
                "",
            ),
            (
                "certificatesigningrequests",
                "other.com/x",
                r#"{"certificate":"eA=="}"#,
                refused,
            ),
            (
                "certificatesigningrequests",
                "other.com/x",
                r#"{"conditions":[{"type":"Failed"}]}"#,
                refused,
            ),
            ("certificatesigningrequests", "other.com/x", r#"{"conditions":[]}"#, ""),
            (
                "podcertificaterequests",
                "other.com/x",
                r#"{"certificateChain":"x"}"#,
                refused,
            ),
            ("podcertificaterequests", "other.com/x", r#"{"certificate":"x"}"#, ""),
        ] {
            let old = with(signer, "{}");
            let resource = format!("{resource}.certificates.k8s.io");
            let mut request = scene.request(Operation::Update, &resource);
            request.subresource = "status";
            request.old = Some(&old);
            let answer = CertificateSigning::new()
                .validate(&request, Some(&with(signer, status)))
                .await;
            let answer = told(answer);
            assert!(
                answer.ends_with(expected) && answer.is_empty() == expected.is_empty(),
                "{answer}"
            );
        }
    }
}
