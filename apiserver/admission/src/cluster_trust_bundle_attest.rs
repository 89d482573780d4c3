//! `ClusterTrustBundleAttest`: whoever says which certificates a signer's are must be allowed to for that signer.

use apiserver_api::go::quote;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::forbid::forbid;
use crate::plugin::{Operation, Plugin, Request};
use crate::signer;

/// What the garbage collector and storage migration write.
const HOUSEKEEPING: [&str; 4] = ["finalizers", "managedFields", "ownerReferences", "selfLink"];

/// The plugin. Bundles are only served where upstream's gate `ClusterTrustBundle` is on, so that it needs no gate of its own.
#[derive(Debug, Default)]
pub(crate) struct ClusterTrustBundleAttest;

impl ClusterTrustBundleAttest {
    /// It has no settings.
    pub(crate) const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Plugin for ClusterTrustBundleAttest {
    fn name(&self) -> &'static str {
        "ClusterTrustBundleAttest"
    }

    fn handles(&self, operation: Operation) -> bool {
        matches!(operation, Operation::Create | Operation::Update)
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let ours = request.resource.group == signer::GROUP && request.resource.resource == "clustertrustbundles";
        let Some(bundle) = object.filter(|_| ours) else {
            return Ok(());
        };
        // The kind's rules let nobody change the name of the signer, so the new one can be believed.
        let name = bundle.at("spec").text("signerName");
        let kept = request.operation == Operation::Update && request.old.is_some_and(|old| same(bundle, old));
        if name.is_empty() || kept || signer::may(request.authorizer, request.user, "attest", name).await {
            return Ok(());
        }
        let why = format!("user not permitted to attest for signerName {}", quote(name));
        Err(forbid(request, object, why))
    }
}

/// Whether only housekeeping changes (`rbac.IsOnlyMutatingGCFields`).
fn same(new: &Tree, old: &Tree) -> bool {
    let plain = |object: &Tree| {
        let mut object = object.clone();
        for field in HOUSEKEEPING {
            object.child("metadata").remove(field);
        }
        object
    };
    plain(new) == plain(old)
}

#[cfg(test)]
mod tests {
    use super::ClusterTrustBundleAttest;
    use crate::double::{Scene, json, told};
    use crate::plugin::{Operation, Plugin};

    #[tokio::test]
    async fn a_bundle_of_a_signer_needs_a_right_for_it() {
        let mut scene = Scene::new();
        scene.allow(&["attest certificates.k8s.io/signers a.com/mine"]);
        let bundle = |name: &str, finalizers: &str, text: &str| {
            json(&format!(
                r#"{{"metadata":{{"finalizers":{finalizers}}},"spec":{{"signerName":"{name}","trustBundle":"{text}"}}}}"#
            ))
        };
        let refused = r#"clustertrustbundles.certificates.k8s.io "x" is forbidden: user not permitted to attest for signerName "a.com/other""#;
        let stored = bundle("a.com/other", "[]", "b");
        for (old, new, expected) in [
            (None, bundle("", "[]", "b"), ""),
            (None, bundle("a.com/mine", "[]", "b"), ""),
            (None, bundle("a.com/other", "[]", "b"), refused),
            (Some(&stored), bundle("a.com/other", r#"["a/b"]"#, "b"), ""),
            (Some(&stored), bundle("a.com/other", "[]", "c"), refused),
        ] {
            let operation = if old.is_some() {
                Operation::Update
            } else {
                Operation::Create
            };
            let mut request = scene.request(operation, "clustertrustbundles.certificates.k8s.io");
            request.old = old;
            let answer = ClusterTrustBundleAttest::new().validate(&request, Some(&new)).await;
            assert_eq!(told(answer), expected);
        }
    }
}
