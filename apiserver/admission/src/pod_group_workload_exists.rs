//! `PodGroupWorkloadExists`: a group of pods that is made of a template needs the workload that has it.

use apiserver_api::go::quote;
use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::forbid::forbid;
use crate::plugin::{Operation, Plugin, Request};

const GROUP: &str = "scheduling.k8s.io";
const WORKLOADS: GroupResource = GroupResource::known(GROUP, "workloads");

/// The plugin. Groups are only served where upstream's gate `GenericWorkload` is on, so that it needs no gate of its own.
#[derive(Debug, Default)]
pub(crate) struct PodGroupWorkloadExists;

impl PodGroupWorkloadExists {
    /// It has no settings.
    pub(crate) const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Plugin for PodGroupWorkloadExists {
    fn name(&self) -> &'static str {
        "PodGroupWorkloadExists"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation == Operation::Create
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let Some(group) = object.filter(|_| request.is_of(GROUP, "podgroups")) else {
            return Ok(());
        };
        let named = group.below(&["spec", "podGroupTemplateRef", "workload"]);
        if named.is_null() {
            return Ok(());
        }
        let (name, template) = (named.text("workloadName"), named.text("podGroupTemplateName"));
        let refuse = |why: String| Err(forbid(request, object, format!("PodGroup rejected: {why}")));
        let Some(workload) = workload(request, name).await? else {
            return refuse(format!("Workload {} not found", quote(name)));
        };
        if meta::is_deleting(&workload) {
            return refuse(format!("Workload {} is being deleted", quote(name)));
        }
        let mut templates = workload.at("spec").items("podGroupTemplates").iter();
        if templates.any(|one| one.text("name") == template) {
            return Ok(());
        }
        let (template, name) = (quote(template), quote(name));
        refuse(format!("PodGroupTemplate {template} not found in Workload {name}"))
    }
}

/// The workload of a name. One that was just made may not have reached the cache.
async fn workload(request: &Request<'_>, name: &str) -> Result<Option<Tree>, Status> {
    if let Some(found) = request.cluster.cached(&WORKLOADS, request.namespace, name) {
        return Ok(Some(found));
    }
    match request.cluster.read(&WORKLOADS, request.namespace, name).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code == 404 => Ok(None),
        Err(error) => Err(Status::internal(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::PodGroupWorkloadExists;
    use crate::double::{Scene, json, told};
    use crate::plugin::{Operation, Plugin};

    #[tokio::test]
    async fn a_group_needs_the_template_that_it_is_made_of() {
        let scene = Scene::new();
        scene.cluster.put(
            "workloads.scheduling.k8s.io",
            r#"{"metadata":{"name":"w","namespace":"n"},"spec":{"podGroupTemplates":[{"name":"t"}]}}"#,
        );
        scene.cluster.store(
            "workloads.scheduling.k8s.io",
            r#"{"metadata":{"name":"new","namespace":"n"},"spec":{"podGroupTemplates":[{"name":"t"}]}}"#,
        );
        scene.cluster.put(
            "workloads.scheduling.k8s.io",
            r#"{"metadata":{"name":"going","namespace":"n","deletionTimestamp":"2026-01-01T00:00:00Z"}}"#,
        );
        for (workload, template, expected) in [
            ("w", "t", ""),
            ("new", "t", ""),
            ("none", "t", r#"Workload "none" not found"#),
            ("going", "t", r#"Workload "going" is being deleted"#),
            ("w", "u", r#"PodGroupTemplate "u" not found in Workload "w""#),
        ] {
            let request = scene.request(Operation::Create, "podgroups.scheduling.k8s.io");
            let group = json(&format!(
                r#"{{"spec":{{"podGroupTemplateRef":{{"workload":{{"workloadName":"{workload}","podGroupTemplateName":"{template}"}}}}}}}}"#
            ));
            let answer = told(PodGroupWorkloadExists::new().validate(&request, Some(&group)).await);
            let head = r#"podgroups.scheduling.k8s.io "x" is forbidden: PodGroup rejected: "#;
            assert_eq!(answer.strip_prefix(head).unwrap_or_default(), expected);
        }
        let request = scene.request(Operation::Create, "podgroups.scheduling.k8s.io");
        let free = json(r#"{"spec":{}}"#);
        let answer = PodGroupWorkloadExists::new().validate(&request, Some(&free)).await;
        assert_eq!(told(answer), "");
    }
}
