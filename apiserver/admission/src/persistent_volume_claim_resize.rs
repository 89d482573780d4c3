//! `PersistentVolumeClaimResize`: a claim grows only once it is bound, and where its storage class lets it.

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_kinds::amounts::amount;
use async_trait::async_trait;

use crate::forbid::forbid;
use crate::plugin::{Operation, Plugin, Request};
use crate::volume_claim::{CLAIMS, CLASSES, class};

const SIZE: &[&str] = &["spec", "resources", "requests", "storage"];

/// The plugin.
#[derive(Debug, Default)]
pub(crate) struct PersistentVolumeClaimResize;

impl PersistentVolumeClaimResize {
    /// It has no settings.
    pub(crate) const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Plugin for PersistentVolumeClaimResize {
    fn name(&self) -> &'static str {
        "PersistentVolumeClaimResize"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation == Operation::Update
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let (Some(claim), Some(old)) = (object, request.old) else {
            return Ok(());
        };
        if !request.is_of("", &CLAIMS.resource) || amount(claim.below(SIZE)) <= amount(old.below(SIZE)) {
            return Ok(());
        }
        if old.at("status").text("phase") != "Bound" {
            let why = "Only bound persistent volume claims can be expanded";
            return Err(forbid(request, object, why));
        }
        if !may_grow(request, claim, old) {
            let why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
            return Err(forbid(request, object, why));
        }
        Ok(())
    }
}

fn may_grow(request: &Request<'_>, claim: &Tree, old: &Tree) -> bool {
    let name = class(claim);
    !name.is_empty()
        && name == class(old)
        && (request.cluster.cached(&CLASSES, "", name)).is_some_and(|class| class.flag("allowVolumeExpansion"))
}

#[cfg(test)]
mod tests {
    use super::PersistentVolumeClaimResize;
    use crate::double::{Scene, json, told};
    use crate::plugin::{Operation, Plugin};

    #[tokio::test]
    async fn a_bound_claim_grows_where_its_class_lets_it() {
        let scene = Scene::new();
        for (name, grows) in [("yes", "true"), ("no", "false")] {
            let text = format!(r#"{{"metadata":{{"name":"{name}"}},"allowVolumeExpansion":{grows}}}"#);
            scene.cluster.put("storageclasses.storage.k8s.io", &text);
        }
        let claim = |class: &str, size: &str, phase: &str| {
            let text = format!(
                r#"{{"spec":{{"storageClassName":"{class}","resources":{{"requests":{{"storage":"{size}"}}}}}},
                    "status":{{"phase":"{phase}"}}}}"#
            );
            json(&text)
        };
        let unbound = r#"persistentvolumeclaims "x" is forbidden: Only bound persistent volume claims can be expanded"#;
        let refused = r#"persistentvolumeclaims "x" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"#;
        for (class, size, phase, expected) in [
            ("yes", "2Gi", "Bound", ""),
            ("yes", "1Gi", "Pending", ""),
            ("no", "1Gi", "Bound", ""),
            ("no", "500Mi", "Bound", ""),
            ("yes", "2Gi", "Pending", unbound),
            ("no", "2Gi", "Bound", refused),
            ("gone", "2Gi", "Bound", refused),
            ("", "2Gi", "Bound", refused),
        ] {
            let old = claim(class, "1Gi", phase);
            let mut request = scene.request(Operation::Update, "persistentvolumeclaims");
            request.old = Some(&old);
            let new = claim(class, size, phase);
            let answer = PersistentVolumeClaimResize::new().validate(&request, Some(&new)).await;
            assert_eq!(told(answer), expected, "{class} {size} {phase}");
        }
        let old = claim("no", "1Gi", "Bound");
        let mut request = scene.request(Operation::Update, "persistentvolumeclaims");
        request.old = Some(&old);
        let moved = claim("yes", "2Gi", "Bound");
        let answer = PersistentVolumeClaimResize::new()
            .validate(&request, Some(&moved))
            .await;
        assert_eq!(told(answer), refused);
    }
}
