//! `NamespaceExists`: refuses what is written into, changed or deleted in a namespace that is not there.

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::namespaces::{find, is_namespace, missing_or_internal};
use crate::plugin::{Operation, Plugin, Request};

/// The plugin.
pub(crate) struct NamespaceExists;

#[async_trait]
impl Plugin for NamespaceExists {
    fn name(&self) -> &'static str {
        "NamespaceExists"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation != Operation::Connect
    }

    async fn validate(&self, request: &Request<'_>, _object: Option<&Tree>) -> Result<(), Status> {
        if request.namespace.is_empty() || is_namespace(request) {
            return Ok(());
        }
        match find(request.cluster, request.namespace).await {
            Ok(_) => Ok(()),
            Err(status) => Err(missing_or_internal(status)),
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::status::Status;

    use super::NamespaceExists;
    use crate::testing::Ask;

    fn ask() -> Ask {
        Ask::create("", "v1", "ConfigMap", "configmaps").within("n").named("a")
    }

    #[tokio::test]
    async fn a_namespace_must_be_in_the_cache_or_in_the_store() {
        let namespace = r#"{"metadata":{"name":"n"}}"#;
        for ask in [
            ask().knowing("", "namespaces", namespace),
            ask().storing("", "namespaces", namespace),
        ] {
            ask.validate(&NamespaceExists, "{}").await.unwrap();
        }
        let refused = ask().validate(&NamespaceExists, "{}").await.unwrap_err();
        assert_eq!(
            (refused.code, refused.message.as_str()),
            (404, r#"namespaces "n" not found"#)
        );
        let broken = ask();
        broken.world.fail(Status::service_unavailable("down"));
        let refused = broken.validate(&NamespaceExists, "{}").await.unwrap_err();
        assert_eq!(
            (refused.code, refused.message.as_str()),
            (500, "Internal error occurred: down")
        );
    }
}
