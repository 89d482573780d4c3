//! `LimitPodHardAntiAffinityTopology`: pods may keep others away from their node alone, not from a zone.

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::plugin::{Operation, Plugin, Request};

const HOST: &str = "kubernetes.io/hostname";

/// The plugin.
pub(crate) struct LimitPodHardAntiAffinityTopology;

#[async_trait]
impl Plugin for LimitPodHardAntiAffinityTopology {
    fn name(&self) -> &'static str {
        "LimitPodHardAntiAffinityTopology"
    }

    fn handles(&self, operation: Operation) -> bool {
        matches!(operation, Operation::Create | Operation::Update)
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let Some(pod) = object.filter(|_| request.is_of("", "pods")) else {
            return Ok(());
        };
        let rules = pod.below(&["spec", "affinity", "podAntiAffinity"]);
        let terms = rules.items("requiredDuringSchedulingIgnoredDuringExecution");
        match terms
            .iter()
            .map(|term| term.text("topologyKey"))
            .find(|key| *key != HOST)
        {
            None => Ok(()),
            Some(key) => {
                let words = format!(
                    "affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey {key} but only key {HOST} is allowed"
                );
                let resource = request.resource.group_resource();
                Err(Status::forbidden(&resource, meta::name(pod), words))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LimitPodHardAntiAffinityTopology;
    use crate::testing::Ask;

    #[tokio::test]
    async fn only_hosts_may_be_kept_free() {
        let pod = |key: &str| {
            format!(
                r#"{{"metadata":{{"name":"a"}},"spec":{{"affinity":{{"podAntiAffinity":{{
                "requiredDuringSchedulingIgnoredDuringExecution":[{{"topologyKey":"{key}"}}]}}}}}}}}"#
            )
        };
        let ask = Ask::create("", "v1", "Pod", "pods").within("t").named("a");
        let plugin = LimitPodHardAntiAffinityTopology;
        ask.validate(&plugin, &pod("kubernetes.io/hostname")).await.unwrap();
        let refused = ask.validate(&plugin, &pod("zone")).await.unwrap_err();
        let words = "affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey zone but only key \
                     kubernetes.io/hostname is allowed";
        assert_eq!(refused.message, format!(r#"pods "a" is forbidden: {words}"#));
    }
}
