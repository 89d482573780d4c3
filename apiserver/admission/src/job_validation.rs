//! `JobValidation`: a job whose pods are scheduled all or none keeps its parallelism.

use apiserver_api::go::quote;
use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::forbid::forbid;
use crate::plugin::{Operation, Plugin, Request};

const GROUPS: GroupResource = GroupResource::known("scheduling.k8s.io", "podgroups");

/// The plugin. There are no groups of pods unless upstream's gate `GenericWorkload` is on, so that it needs no gate of its
/// own.
#[derive(Debug, Default)]
pub(crate) struct JobValidation;

impl JobValidation {
    /// It has no settings.
    pub(crate) const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Plugin for JobValidation {
    fn name(&self) -> &'static str {
        "JobValidation"
    }

    fn handles(&self, operation: Operation) -> bool {
        operation == Operation::Update
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let ours = request.is_of("batch", "jobs");
        let (true, Some(job), Some(old)) = (ours, object, request.old) else {
            return Ok(());
        };
        if job.at("spec").at("parallelism") == old.at("spec").at("parallelism") {
            return Ok(());
        }
        let named = old.below(&["spec", "template", "spec", "schedulingGroup", "podGroupName"]);
        let namespace = meta::namespace(old);
        let groups = if let Some(name) = named.as_str() {
            request.cluster.cached(&GROUPS, namespace, name).into_iter().collect()
        } else {
            let mut groups = request.cluster.cached_list(&GROUPS, namespace);
            groups.retain(|group| is_controlled_by(group, old));
            groups
        };
        let is_gang = |group: &&Tree| group.below(&["spec", "schedulingPolicy"]).has("gang");
        match groups.iter().find(is_gang) {
            Some(group) => {
                let name = quote(meta::name(group));
                let why = format!("cannot change parallelism for a Job referencing gang-scheduled PodGroup {name}");
                Err(forbid(request, object, why))
            }
            None => Ok(()),
        }
    }
}

fn is_controlled_by(object: &Tree, owner: &Tree) -> bool {
    meta::controller(object).is_some_and(|controller| controller.text("uid") == meta::uid(owner))
}

#[cfg(test)]
mod tests {
    use super::JobValidation;
    use crate::double::{Scene, json, told};
    use crate::plugin::{Operation, Plugin};

    #[tokio::test]
    async fn a_job_of_a_gang_keeps_its_parallelism() {
        let scene = Scene::new();
        for (name, policy, owner) in [("gang", "gang", "u"), ("basic", "basic", "v")] {
            scene.cluster.put(
                "podgroups.scheduling.k8s.io",
                &format!(
                    r#"{{"metadata":{{"name":"{name}","namespace":"n","ownerReferences":[{{"uid":"{owner}","controller":true}}]}},
                        "spec":{{"schedulingPolicy":{{"{policy}":{{}}}}}}}}"#
                ),
            );
        }
        let refused = r#"jobs.batch "x" is forbidden: cannot change parallelism for a Job referencing gang-scheduled PodGroup "gang""#;
        for (uid, group, parallelism, expected) in [
            ("w", r#""gang""#, 2, refused),
            ("w", r#""gang""#, 1, ""),
            ("w", r#""basic""#, 2, ""),
            ("u", r#""none""#, 2, ""),
            ("u", "null", 2, refused),
            ("v", "null", 2, ""),
        ] {
            let job = |parallelism| {
                json(&format!(
                    r#"{{"metadata":{{"namespace":"n","uid":"{uid}"}},"spec":{{"parallelism":{parallelism},
                        "template":{{"spec":{{"schedulingGroup":{{"podGroupName":{group}}}}}}}}}}}"#
                ))
            };
            let old = job(1);
            let mut request = scene.request(Operation::Update, "jobs.batch");
            request.old = Some(&old);
            let answer = JobValidation::new().validate(&request, Some(&job(parallelism))).await;
            assert_eq!(told(answer), expected, "{uid} {group}");
        }
    }
}
