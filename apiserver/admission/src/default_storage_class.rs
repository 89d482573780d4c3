//! `DefaultStorageClass`: a claim that names no storage class gets the default one.

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::default_class::default_class;
use crate::plugin::{Operation, Plugin, Request};
use crate::volume_claim::{CLAIMS, CLASSES, said_class};

const ANNOTATIONS: &[&str] = &[
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];

/// The plugin.
#[derive(Debug, Default)]
pub(crate) struct DefaultStorageClass;

impl DefaultStorageClass {
    /// It has no settings.
    pub(crate) const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Plugin for DefaultStorageClass {
    fn name(&self) -> &'static str {
        "DefaultStorageClass"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation == Operation::Create
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        let Some(claim) = object.filter(|_| request.is_of("", &CLAIMS.resource)) else {
            return Ok(());
        };
        if said_class(claim).is_none()
            && let Some(class) = default_class(request.cluster.cached_list(&CLASSES, ""), ANNOTATIONS)
        {
            claim.child("spec").set("storageClassName", meta::name(&class));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::DefaultStorageClass;
    use crate::double::{Scene, json};
    use crate::plugin::{Operation, Plugin};

    #[tokio::test]
    async fn a_claim_without_a_class_gets_the_default_one() {
        let scene = Scene::new();
        let plugin = DefaultStorageClass::new();
        let request = scene.request(Operation::Create, "persistentvolumeclaims");
        let mut claim = json(r#"{"spec":{}}"#);
        plugin.admit(&request, Some(&mut claim)).await.unwrap();
        assert_eq!(claim, json(r#"{"spec":{}}"#));
        scene.cluster.put(
            "storageclasses.storage.k8s.io",
            r#"{"metadata":{"name":"fast","annotations":{"storageclass.beta.kubernetes.io/is-default-class":"true"}}}"#,
        );
        plugin.admit(&request, Some(&mut claim)).await.unwrap();
        assert_eq!(claim, json(r#"{"spec":{"storageClassName":"fast"}}"#));
    }

    #[tokio::test]
    async fn a_claim_that_says_it_has_none_keeps_none() {
        let scene = Scene::new();
        scene.cluster.put(
            "storageclasses.storage.k8s.io",
            r#"{"metadata":{"name":"fast","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}}}"#,
        );
        let request = scene.request(Operation::Create, "persistentvolumeclaims");
        for text in [
            r#"{"spec":{"storageClassName":""}}"#,
            r#"{"metadata":{"annotations":{"volume.beta.kubernetes.io/storage-class":""}},"spec":{}}"#,
        ] {
            let mut claim = json(text);
            DefaultStorageClass::new()
                .admit(&request, Some(&mut claim))
                .await
                .unwrap();
            assert_eq!(claim, json(text));
        }
    }
}
