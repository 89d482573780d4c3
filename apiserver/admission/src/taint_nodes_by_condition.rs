//! `TaintNodesByCondition`: a new node gets no pods before its controller has seen it ready.

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::plugin::{Operation, Plugin, Request};

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const EFFECT: &str = "NoSchedule";

/// The plugin.
pub(crate) struct TaintNodesByCondition;

#[async_trait]
impl Plugin for TaintNodesByCondition {
    fn name(&self) -> &'static str {
        "TaintNodesByCondition"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation == Operation::Create
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        let Some(node) = object.filter(|_| request.is_of("", "nodes")) else {
            return Ok(());
        };
        let mut taints = node.at("spec").items("taints").to_vec();
        let is_it = |taint: &Tree| taint.text("key") == NOT_READY && taint.text("effect") == EFFECT;
        if !taints.iter().any(is_it) {
            let mut taint = Tree::map();
            taint.set("key", NOT_READY);
            taint.set("effect", EFFECT);
            taints.push(taint);
            node.child("spec").set("taints", taints);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::TaintNodesByCondition;
    use crate::testing::{Ask, tree};

    #[tokio::test]
    async fn a_new_node_is_not_ready() {
        let ask = Ask::create("", "v1", "Node", "nodes").named("a");
        let taint = r#"{"spec":{"taints":[{"effect":"NoSchedule","key":"node.kubernetes.io/not-ready"}]}}"#;
        for node in ["{}", taint] {
            assert_eq!(ask.admit(&TaintNodesByCondition, node).await.unwrap(), tree(taint));
        }
        let other = r#"{"spec":{"taints":[{"effect":"NoExecute","key":"node.kubernetes.io/not-ready"}]}}"#;
        let node = ask.admit(&TaintNodesByCondition, other).await.unwrap();
        assert_eq!(node.at("spec").items("taints").len(), 2);
        let status = Ask::create("", "v1", "Node", "nodes").named("a").part("status");
        assert_eq!(status.admit(&TaintNodesByCondition, "{}").await.unwrap(), tree("{}"));
    }
}
