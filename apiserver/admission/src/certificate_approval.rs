//! `CertificateApproval`: whoever approves a signing request must be allowed to for its signer.

use apiserver_api::go::quote;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::forbid::forbid;
use crate::plugin::{Operation, Plugin, Request};
use crate::signer;

/// The plugin.
#[derive(Debug, Default)]
pub(crate) struct CertificateApproval;

impl CertificateApproval {
    /// It has no settings.
    pub(crate) const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Plugin for CertificateApproval {
    fn name(&self) -> &'static str {
        "CertificateApproval"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation == Operation::Update
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        if !request.is_part(signer::GROUP, "certificatesigningrequests", "approval") {
            return Ok(());
        }
        // As it is stored: nobody approves for a signer by naming another.
        let name = request.old.unwrap_or(&Tree::Null).at("spec").text("signerName");
        if signer::may(request.authorizer, request.user, "approve", name).await {
            return Ok(());
        }
        let why = format!("user not permitted to approve requests with signerName {}", quote(name));
        Err(forbid(request, object, why))
    }
}

#[cfg(test)]
mod tests {
    use super::CertificateApproval;
    use crate::double::{Scene, json, told};
    use crate::plugin::{Operation, Plugin};

    #[tokio::test]
    async fn approval_needs_a_right_for_the_signer_that_is_stored() {
        let mut scene = Scene::new();
        scene.allow(&["approve certificates.k8s.io/signers a.com/mine"]);
        let mine = json(r#"{"spec":{"signerName":"a.com/mine"}}"#);
        let other = json(r#"{"spec":{"signerName":"a.com/other"}}"#);
        let refused = r#"certificatesigningrequests.certificates.k8s.io "x" is forbidden: user not permitted to approve requests with signerName "a.com/other""#;
        for (part, old, new, expected) in [
            ("approval", &mine, &mine, ""),
            ("approval", &other, &mine, refused),
            ("status", &other, &mine, ""),
        ] {
            let mut request = scene.request(Operation::Update, "certificatesigningrequests.certificates.k8s.io");
            request.subresource = part;
            request.old = Some(old);
            let answer = CertificateApproval::new().validate(&request, Some(new)).await;
            assert_eq!(told(answer), expected);
        }
    }
}
