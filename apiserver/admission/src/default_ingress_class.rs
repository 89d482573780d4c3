//! `DefaultIngressClass`: an ingress that names no class gets the default one.

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::default_class::default_class;
use crate::plugin::{Operation, Plugin, Request};

const GROUP: &str = "networking.k8s.io";
const CLASSES: GroupResource = GroupResource::known(GROUP, "ingressclasses");
const DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";
/// How classes were named before the spec had a field for it.
const CLASS: &str = "kubernetes.io/ingress.class";

/// The plugin.
#[derive(Debug, Default)]
pub(crate) struct DefaultIngressClass;

impl DefaultIngressClass {
    /// It has no settings.
    pub(crate) const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Plugin for DefaultIngressClass {
    fn name(&self) -> &'static str {
        "DefaultIngressClass"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation == Operation::Create
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        let Some(ingress) = object.filter(|_| request.is_of(GROUP, "ingresses")) else {
            return Ok(());
        };
        if ingress.at("spec").has("ingressClassName") || meta::annotations(ingress).contains(CLASS) {
            return Ok(());
        }
        if let Some(class) = default_class(request.cluster.cached_list(&CLASSES, ""), &[DEFAULT]) {
            ingress.child("spec").set("ingressClassName", meta::name(&class));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::DefaultIngressClass;
    use crate::double::{Scene, json};
    use crate::plugin::{Operation, Plugin};

    #[tokio::test]
    async fn an_ingress_without_a_class_gets_the_default_one() {
        let scene = Scene::new();
        scene.cluster.put(
            "ingressclasses.networking.k8s.io",
            r#"{"metadata":{"name":"i","annotations":{"ingressclass.kubernetes.io/is-default-class":"true"}}}"#,
        );
        let request = scene.request(Operation::Create, "ingresses.networking.k8s.io");
        let noted = r#"{"metadata":{"annotations":{"kubernetes.io/ingress.class":""}},"spec":{}}"#;
        for (before, after) in [
            (r#"{"spec":{}}"#, r#"{"spec":{"ingressClassName":"i"}}"#),
            (
                r#"{"spec":{"ingressClassName":"j"}}"#,
                r#"{"spec":{"ingressClassName":"j"}}"#,
            ),
            (noted, noted),
        ] {
            let mut ingress = json(before);
            let plugin = DefaultIngressClass::new();
            plugin.admit(&request, Some(&mut ingress)).await.unwrap();
            assert_eq!(ingress, json(after));
        }
    }
}
