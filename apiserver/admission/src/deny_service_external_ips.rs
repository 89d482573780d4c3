//! `DenyServiceExternalIPs`: no service takes addresses from outside beyond those that it has.

use std::collections::HashSet;

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::forbid::forbid;
use crate::plugin::{Operation, Plugin, Request};

/// The plugin.
#[derive(Debug, Default)]
pub(crate) struct DenyServiceExternalIps;

impl DenyServiceExternalIps {
    /// It has no settings.
    pub(crate) const fn new() -> Self {
        Self
    }
}

#[async_trait]
impl Plugin for DenyServiceExternalIps {
    fn name(&self) -> &'static str {
        "DenyServiceExternalIPs"
    }

    fn handles(&self, operation: Operation) -> bool {
        matches!(operation, Operation::Create | Operation::Update)
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let Some(service) = object.filter(|_| request.is_of("", "services")) else {
            return Ok(());
        };
        let old = request.old.unwrap_or(&Tree::Null).at("spec").items("externalIPs");
        let new = service.at("spec").items("externalIPs");
        let old: HashSet<Option<&str>> = old.iter().map(Tree::as_str).collect();
        if new.iter().all(|address| old.contains(&address.as_str())) {
            return Ok(());
        }
        let why = "Use of external IPs is denied by admission control";
        Err(forbid(request, object, why))
    }
}

#[cfg(test)]
mod tests {
    use super::DenyServiceExternalIps;
    use crate::double::{Scene, json, told};
    use crate::plugin::{Operation, Plugin};

    #[tokio::test]
    async fn only_addresses_that_a_service_has_may_stay() {
        let scene = Scene::new();
        let service = |list: &str| json(&format!(r#"{{"spec":{{"externalIPs":{list}}}}}"#));
        let denied = r#"services "x" is forbidden: Use of external IPs is denied by admission control"#;
        for (old, new, expected) in [
            (None, "[]", ""),
            (None, r#"["1.1.1.1"]"#, denied),
            (Some(r#"["1.1.1.1","2.2.2.2"]"#), r#"["2.2.2.2"]"#, ""),
            (Some(r#"["1.1.1.1"]"#), r#"["1.1.1.1","2.2.2.2"]"#, denied),
        ] {
            let old = old.map(service);
            let operation = if old.is_some() {
                Operation::Update
            } else {
                Operation::Create
            };
            let mut request = scene.request(operation, "services");
            request.old = old.as_ref();
            let answer = DenyServiceExternalIps::new()
                .validate(&request, Some(&service(new)))
                .await;
            assert_eq!(told(answer), expected, "{new}");
        }
    }

    #[tokio::test]
    async fn many_addresses_are_found_among_many() {
        let scene = Scene::new();
        let all: Vec<String> = (0..30_000)
            .map(|at| format!(r#""10.0.{}.{}""#, at / 200, at % 200))
            .collect();
        let service = json(&format!(r#"{{"spec":{{"externalIPs":[{}]}}}}"#, all.join(",")));
        let mut request = scene.request(Operation::Update, "services");
        request.old = Some(&service);
        let answer = DenyServiceExternalIps::new().validate(&request, Some(&service)).await;
        assert_eq!(told(answer), "");
    }
}
