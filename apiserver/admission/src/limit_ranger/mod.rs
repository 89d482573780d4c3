//! `LimitRanger`: a namespace's limit ranges say what its pods and claims ask for where they say nothing, and bound it.

mod asked;
mod bounds;
mod defaults;
#[cfg(test)]
mod tests;

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;

use crate::plugin::{Operation, Plugin, Request};
use crate::refuse::{forbidden, together};
use asked::Subject;

const RANGES: GroupResource = GroupResource::known("", "limitranges");

/// The plugin.
pub(crate) struct LimitRanger;

/// Whether limits are for such a write: for new pods, pods whose resources change in place, and claims.
fn concerns(request: &Request<'_>) -> bool {
    let is = |kind: &str| request.kind.group.is_empty() && request.kind.kind == kind;
    let update = request.operation == Operation::Update;
    match request.subresource {
        "" => is("Pod") && !update || is("PersistentVolumeClaim"),
        "resize" => is("Pod") && update,
        _ => false,
    }
}

/// The limit ranges that a write must keep to; none for what is on its way out.
fn ranges(request: &Request<'_>) -> Vec<Tree> {
    if !concerns(request) || request.old.is_some_and(meta::is_deleting) {
        return Vec::new();
    }
    request.cluster.cached_list(&RANGES, request.namespace)
}

#[async_trait]
impl Plugin for LimitRanger {
    fn name(&self) -> &'static str {
        "LimitRanger"
    }

    fn handles(&self, operation: Operation) -> bool {
        matches!(operation, Operation::Create | Operation::Update)
    }

    async fn admit(&self, request: &Request<'_>, object: Option<&mut Tree>) -> Result<(), Status> {
        if let Some(pod) = object.filter(|_| request.resource.resource == "pods") {
            let mut room = defaults::BYTES_MAX;
            for range in ranges(request) {
                defaults::fill(pod, &range, &mut room)?;
            }
        }
        Ok(())
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let Some(object) = object else {
            return Ok(());
        };
        let subject = Subject::new(object, request.resource.resource == "pods");
        for range in ranges(request) {
            if let Some(text) = together(&bounds::mistakes(&subject, &range)) {
                return Err(forbidden(request, Some(object), text));
            }
        }
        Ok(())
    }
}
