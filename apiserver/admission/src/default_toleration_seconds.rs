//! `DefaultTolerationSeconds`: pods stay for a while on a node that is not ready or cannot be reached.

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::plugin::{Operation, Plugin, Request};

const EFFECT: &str = "NoExecute";

/// The plugin.
pub(crate) struct DefaultTolerationSeconds {
    /// `--default-not-ready-toleration-seconds`
    pub(crate) not_ready: i64,
    /// `--default-unreachable-toleration-seconds`
    pub(crate) unreachable: i64,
}

#[async_trait]
impl Plugin for DefaultTolerationSeconds {
    fn name(&self) -> &'static str {
        "DefaultTolerationSeconds"
    }

    fn handles(&self, operation: Operation) -> bool {
        matches!(operation, Operation::Create | Operation::Update)
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        let Some(pod) = object.filter(|_| request.is_of("", "pods")) else {
            return Ok(());
        };
        let said = pod.at("spec").items("tolerations");
        let missing: Vec<Tree> = [
            ("node.kubernetes.io/not-ready", self.not_ready),
            ("node.kubernetes.io/unreachable", self.unreachable),
        ]
        .into_iter()
        .filter(|(key, _)| !said.iter().any(|one| tolerates(one, key)))
        .map(|(key, seconds)| toleration(key, seconds))
        .collect();
        if !missing.is_empty() {
            let all = [said, missing.as_slice()].concat();
            pod.child("spec").set("tolerations", all);
        }
        Ok(())
    }
}

/// Whether something is said of such a taint already.
fn tolerates(toleration: &Tree, key: &str) -> bool {
    ["", key].contains(&toleration.text("key")) && ["", EFFECT].contains(&toleration.text("effect"))
}

fn toleration(key: &str, seconds: i64) -> Tree {
    let mut toleration = Tree::map();
    toleration.set("key", key);
    toleration.set("operator", "Exists");
    toleration.set("effect", EFFECT);
    toleration.set("tolerationSeconds", seconds);
    toleration
}

#[cfg(test)]
mod tests {
    use super::DefaultTolerationSeconds;
    use crate::testing::{Ask, tree};

    const PLUGIN: DefaultTolerationSeconds = DefaultTolerationSeconds {
        not_ready: 300,
        unreachable: 60,
    };

    async fn tolerations(json: &str) -> Vec<String> {
        let ask = Ask::create("", "v1", "Pod", "pods").within("t").named("a");
        let pod = ask.admit(&PLUGIN, json).await.unwrap();
        let list = pod.at("spec").items("tolerations").iter();
        list.map(|one| format!("{}={}", one.text("key"), one.int("tolerationSeconds")))
            .collect()
    }

    #[tokio::test]
    async fn what_is_not_said_is_added() {
        assert_eq!(
            tolerations("{}").await,
            ["node.kubernetes.io/not-ready=300", "node.kubernetes.io/unreachable=60"]
        );
        let own = r#"{"spec":{"tolerations":[{"key":"node.kubernetes.io/not-ready","effect":"NoExecute"}]}}"#;
        assert_eq!(
            tolerations(own).await,
            ["node.kubernetes.io/not-ready=0", "node.kubernetes.io/unreachable=60"]
        );
        let other = r#"{"spec":{"tolerations":[{"key":"node.kubernetes.io/not-ready","effect":"NoSchedule"}]}}"#;
        assert_eq!(tolerations(other).await.len(), 3);
    }

    #[tokio::test]
    async fn who_tolerates_everything_gets_nothing() {
        let pod = r#"{"spec":{"tolerations":[{"operator":"Exists"}]}}"#;
        assert_eq!(tolerations(pod).await, ["=0"]);
    }

    #[tokio::test]
    async fn parts_of_pods_are_left_alone() {
        let ask = Ask::create("", "v1", "Pod", "pods")
            .within("t")
            .named("a")
            .part("status");
        assert_eq!(ask.admit(&PLUGIN, "{}").await.unwrap(), tree("{}"));
    }
}
