//! `PodGroupProtection`: a group of pods stays until none of its pods is left.

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::plugin::{Operation, Plugin, Request};

const FINALIZER: &str = "scheduling.k8s.io/podgroup-protection";

/// The plugin. Groups are only served where upstream's gate `GenericWorkload` is on, so that it needs no gate of its own.
#[derive(Debug, Default)]
pub(crate) struct PodGroupProtection;

impl PodGroupProtection {
    /// It has no settings.
    pub(crate) const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Plugin for PodGroupProtection {
    fn name(&self) -> &'static str {
        "PodGroupProtection"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation == Operation::Create
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        if let Some(group) = object.filter(|_| request.is_of("scheduling.k8s.io", "podgroups")) {
            meta::add_finalizer(group, FINALIZER);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::PodGroupProtection;
    use crate::double::{Scene, json};
    use crate::plugin::{Operation, Plugin};

    #[tokio::test]
    async fn a_new_group_is_protected() {
        let scene = Scene::new();
        let request = scene.request(Operation::Create, "podgroups.scheduling.k8s.io");
        let mut group = json("{}");
        let plugin = PodGroupProtection::new();
        plugin.admit(&request, Some(&mut group)).await.unwrap();
        plugin.admit(&request, Some(&mut group)).await.unwrap();
        let expected = r#"{"metadata":{"finalizers":["scheduling.k8s.io/podgroup-protection"]}}"#;
        assert_eq!(group, json(expected));
    }
}
