//! `NamespaceLifecycle`: nothing is made in a namespace that is not there or that is going, and three namespaces never go.

use apiserver_api::status::Status;
use apiserver_api::time::Time;
use apiserver_api::tree::{Text, Tree};
use async_trait::async_trait;
use parking_lot::Mutex;

use crate::namespaces::{NAMESPACES, is_namespace, missing_or_internal};
use crate::plugin::{Operation, Plugin, Request};
use crate::refuse::forbidden;

/// Namespaces that may not be deleted.
const PROTECTED: [&str; 3] = ["default", "kube-public", "kube-system"];
/// For so long the cache is not believed of a namespace whose deletion passed here.
const DOUBT_NANOS: i128 = 30_000_000_000;
/// So many namespaces are remembered for it.
const DOUBTED_MAX: usize = 100;

/// The plugin.
#[derive(Default)]
pub(crate) struct NamespaceLifecycle {
    /// Namespaces whose deletion passed here and until when that is remembered; the one asked for last stands last.
    doubted: Mutex<Vec<(Text, i128)>>,
}

impl NamespaceLifecycle {
    fn doubt(&self, name: &str, now: Time) {
        let mut doubted = self.doubted.lock();
        doubted.retain(|(one, _)| one != name);
        if doubted.len() >= DOUBTED_MAX {
            doubted.remove(0);
        }
        doubted.push((name.into(), now.unix_nanos() + DOUBT_NANOS));
    }

    fn is_doubted(&self, name: &str, now: Time) -> bool {
        let mut doubted = self.doubted.lock();
        let Some(at) = doubted.iter().position(|(one, _)| one == name) else {
            return false;
        };
        let entry = doubted.remove(at);
        let holds = now.unix_nanos() <= entry.1;
        if holds {
            doubted.push(entry);
        }
        holds
    }

    /// The phase of the namespace of a write. The store is asked where the cache knows none, and where it shows one as active
    /// whose deletion has just passed here. Upstream waits a moment first, for its cache and for followers of its store to catch
    /// up; here the store's answer is the latest one, so that there is nothing to wait for.
    async fn phase(&self, request: &Request<'_>) -> Result<Text, Status> {
        let cached = request
            .cluster
            .cached_field(&NAMESPACES, "", request.namespace, "status.phase");
        if let Some(phase) = cached
            && !(self.is_doubted(request.namespace, request.now) && phase == "Active")
        {
            return Ok(phase);
        }
        let read = request.cluster.read(&NAMESPACES, "", request.namespace).await;
        Ok(read.map_err(missing_or_internal)?.at("status").text("phase").into())
    }
}

/// Reviews of access are answered for namespaces that do not exist, too: another answer would tell which ones do.
fn is_review(request: &Request<'_>) -> bool {
    request.resource.group == "authorization.k8s.io" && request.resource.resource == "localsubjectaccessreviews"
}

#[async_trait]
impl Plugin for NamespaceLifecycle {
    fn name(&self) -> &'static str {
        "NamespaceLifecycle"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation != Operation::Connect
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        let deletes = request.operation == Operation::Delete;
        if is_namespace(request) {
            if deletes && PROTECTED.contains(&request.name) {
                let resource = request.resource.group_resource();
                let words = "this namespace may not be deleted";
                return Err(Status::forbidden(&resource, request.name, words));
            }
            if deletes {
                self.doubt(request.name, request.now);
            }
            return Ok(());
        }
        if request.namespace.is_empty() || deletes || is_review(request) {
            return Ok(());
        }
        let going = self.phase(request).await? == "Terminating";
        if request.operation != Operation::Create || !going {
            return Ok(());
        }
        let name = request.namespace;
        let words = format!("unable to create new content in namespace {name} because it is being terminated");
        let refused = forbidden(request, object.as_deref(), words);
        Err(refused.because(
            "NamespaceTerminating",
            "metadata.namespace",
            format!("namespace {name} is being terminated"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::status::Status;
    use apiserver_api::time::Time;

    use super::NamespaceLifecycle;
    use crate::plugin::Operation;
    use crate::testing::{Ask, NOW};

    const ACTIVE: &str = r#"{"metadata":{"name":"n"},"status":{"phase":"Active"}}"#;
    const GOING: &str = r#"{"metadata":{"name":"n"},"status":{"phase":"Terminating"}}"#;

    fn ask() -> Ask {
        Ask::create("", "v1", "ConfigMap", "configmaps")
            .within("n")
            .named("late")
    }

    fn delete(name: &str) -> Ask {
        let mut ask = Ask::create("", "v1", "Namespace", "namespaces")
            .within(name)
            .named(name);
        ask.operation = Operation::Delete;
        ask
    }

    #[tokio::test]
    async fn protected_namespaces_stay() {
        let plugin = NamespaceLifecycle::default();
        let refused = delete("kube-system").admit_none(&plugin).await.unwrap_err();
        let words = r#"namespaces "kube-system" is forbidden: this namespace may not be deleted"#;
        assert_eq!((refused.code, refused.message.as_str()), (403, words));
        delete("kube-node-lease").admit_none(&plugin).await.unwrap();
    }

    #[tokio::test]
    async fn nothing_is_made_where_there_is_no_namespace() {
        let plugin = NamespaceLifecycle::default();
        let refused = ask().admit(&plugin, "{}").await.unwrap_err();
        assert_eq!(
            (refused.code, refused.message.as_str()),
            (404, r#"namespaces "n" not found"#)
        );
        let refused = ask().changing("{}").admit(&plugin, "{}").await.unwrap_err();
        assert_eq!(refused.code, 404);
        ask()
            .storing("", "namespaces", ACTIVE)
            .admit(&plugin, "{}")
            .await
            .unwrap();
        let broken = ask();
        broken.world.fail(Status::service_unavailable("down"));
        assert_eq!(broken.admit(&plugin, "{}").await.unwrap_err().code, 500);
    }

    #[tokio::test]
    async fn nothing_is_made_in_a_namespace_that_goes() {
        let plugin = NamespaceLifecycle::default();
        let refused = ask()
            .knowing("", "namespaces", GOING)
            .admit(&plugin, "{}")
            .await
            .unwrap_err();
        let words = "unable to create new content in namespace n because it is being terminated";
        assert_eq!(refused.message, format!(r#"configmaps "late" is forbidden: {words}"#));
        let cause = &refused.details.unwrap().causes[0];
        assert_eq!(
            (cause.reason.as_str(), cause.field.as_str(), cause.message.as_str()),
            (
                "NamespaceTerminating",
                "metadata.namespace",
                "namespace n is being terminated"
            )
        );
        // What is there may still be changed.
        let change = ask().knowing("", "namespaces", GOING).changing("{}");
        change.admit(&plugin, "{}").await.unwrap();
    }

    #[tokio::test]
    async fn after_a_deletion_the_store_is_asked_for_half_a_minute() {
        let plugin = NamespaceLifecycle::default();
        delete("n").admit_none(&plugin).await.unwrap();
        let late = || {
            ask()
                .knowing("", "namespaces", ACTIVE)
                .stored_instead("", "namespaces", GOING)
        };
        assert_eq!(late().admit(&plugin, "{}").await.unwrap_err().code, 403);
        let mut later = late();
        later.now = Time::from_unix(NOW + 31);
        later.admit(&plugin, "{}").await.unwrap();
    }

    #[tokio::test]
    async fn reviews_and_deletions_pass_everywhere() {
        let plugin = NamespaceLifecycle::default();
        let review = "localsubjectaccessreviews";
        let ask = Ask::create("authorization.k8s.io", "v1", "LocalSubjectAccessReview", review).within("n");
        ask.admit(&plugin, "{}").await.unwrap();
        let mut gone = self::ask();
        gone.operation = Operation::Delete;
        gone.admit_none(&plugin).await.unwrap();
    }

    #[test]
    fn no_more_than_a_hundred_deletions_are_remembered() {
        let plugin = NamespaceLifecycle::default();
        let now = Time::from_unix(NOW);
        for at in 0..200 {
            plugin.doubt(&format!("n{at}"), now);
        }
        assert_eq!(plugin.doubted.lock().len(), super::DOUBTED_MAX);
        assert!(plugin.is_doubted("n199", now) && !plugin.is_doubted("n99", now));
    }
}
