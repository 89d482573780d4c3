//! `NamespaceAutoProvision`: makes a namespace for whoever writes into one that is not there.

use apiserver_api::meta;
use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::namespaces::{NAMESPACES, is_namespace};
use crate::plugin::{Operation, Plugin, Request};
use crate::refuse::forbidden_by;

/// The plugin.
pub(crate) struct NamespaceAutoProvision;

#[async_trait]
impl Plugin for NamespaceAutoProvision {
    fn name(&self) -> &'static str {
        "NamespaceAutoProvision"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation == Operation::Create
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        let known = || request.cluster.cached(&NAMESPACES, "", request.namespace).is_some();
        if request.dry_run || request.namespace.is_empty() || is_namespace(request) || known() {
            return Ok(());
        }
        let mut namespace = Tree::map();
        meta::set_type(&mut namespace, "v1", "Namespace");
        meta::set_name(&mut namespace, request.namespace);
        match request.cluster.create(&NAMESPACES, namespace).await {
            Err(status) if status.reason != Reason::AlreadyExists => {
                Err(forbidden_by(request, object.as_deref(), status))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::meta;
    use apiserver_api::status::Status;

    use super::NamespaceAutoProvision;
    use crate::testing::Ask;

    fn ask() -> Ask {
        Ask::create("", "v1", "ConfigMap", "configmaps")
            .within("new")
            .named("a")
    }

    #[tokio::test]
    async fn a_namespace_is_made_where_there_is_none() {
        let ask = ask();
        ask.admit(&NamespaceAutoProvision, "{}").await.unwrap();
        let made = ask.world.made();
        assert_eq!(made.iter().map(meta::name).collect::<Vec<_>>(), ["new"]);
    }

    #[tokio::test]
    async fn nothing_is_made_for_a_dry_run_or_where_it_is_there() {
        let mut dry = ask();
        dry.dry_run = true;
        dry.admit(&NamespaceAutoProvision, "{}").await.unwrap();
        assert!(dry.world.made().is_empty());
        let there = ask().knowing("", "namespaces", r#"{"metadata":{"name":"new"}}"#);
        there.admit(&NamespaceAutoProvision, "{}").await.unwrap();
        assert!(there.world.made().is_empty());
    }

    #[tokio::test]
    async fn one_that_the_cache_does_not_know_yet_is_no_failure() {
        let ask = ask().storing("", "namespaces", r#"{"metadata":{"name":"new"}}"#);
        ask.admit(&NamespaceAutoProvision, "{}").await.unwrap();
        let broken = self::ask();
        broken.world.fail(Status::service_unavailable("down"));
        let refused = broken.admit(&NamespaceAutoProvision, "{}").await.unwrap_err();
        assert_eq!(refused.message, r#"configmaps "a" is forbidden: down"#);
    }
}
