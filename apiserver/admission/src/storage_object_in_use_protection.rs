//! `StorageObjectInUseProtection`: claims, volumes and classes of their attributes stay until nobody uses them.

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::plugin::{Operation, Plugin, Request};

/// Group, resource and the finalizer that a controller takes away again.
const PROTECTED: &[(&str, &str, &str)] = &[
    ("", "persistentvolumes", "kubernetes.io/pv-protection"),
    ("", "persistentvolumeclaims", "kubernetes.io/pvc-protection"),
    (
        "storage.k8s.io",
        "volumeattributesclasses",
        "kubernetes.io/vac-protection",
    ),
];

/// The plugin.
#[derive(Debug, Default)]
pub(crate) struct StorageObjectInUseProtection;

impl StorageObjectInUseProtection {
    /// It has no settings.
    pub(crate) const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Plugin for StorageObjectInUseProtection {
    fn name(&self) -> &'static str {
        "StorageObjectInUseProtection"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation == Operation::Create
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        let mut kinds = PROTECTED.iter();
        let found = kinds.find(|(group, resource, _)| request.is_of(group, resource));
        if let (Some((_, _, finalizer)), Some(object)) = (found, object) {
            meta::add_finalizer(object, finalizer);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::StorageObjectInUseProtection;
    use crate::double::{Scene, json};
    use crate::plugin::{Operation, Plugin};

    #[tokio::test]
    async fn what_holds_data_is_protected_once() {
        let scene = Scene::new();
        for (resource, before, after) in [
            ("persistentvolumes", "[]", r#"["kubernetes.io/pv-protection"]"#),
            (
                "persistentvolumeclaims",
                r#"["e.com/x"]"#,
                r#"["e.com/x","kubernetes.io/pvc-protection"]"#,
            ),
            (
                "persistentvolumeclaims",
                r#"["kubernetes.io/pvc-protection","a/b"]"#,
                r#"["kubernetes.io/pvc-protection","a/b"]"#,
            ),
            (
                "volumeattributesclasses.storage.k8s.io",
                "[]",
                r#"["kubernetes.io/vac-protection"]"#,
            ),
            ("storageclasses.storage.k8s.io", "[]", "[]"),
        ] {
            let request = scene.request(Operation::Create, resource);
            let mut object = json(&format!(r#"{{"metadata":{{"finalizers":{before}}}}}"#));
            let plugin = StorageObjectInUseProtection::new();
            plugin.admit(&request, Some(&mut object)).await.unwrap();
            assert_eq!(object.at("metadata").at("finalizers"), &json(after), "{resource}");
        }
    }
}
