//! Requests as authorizers see them.

use apiserver_access::authorize::{Attributes, On, Resource as Asked};
use apiserver_api::gvk::GroupResource;
use apiserver_api::status::Status;

use crate::catalog::Resource;
use crate::request::info::Info;

/// A resource that the server asks about by itself.
pub(crate) fn resource<'a>(
    resource: &'a Resource,
    namespace: &'a str,
    name: &'a str,
    subresource: &'a str,
) -> Asked<'a> {
    Asked {
        namespace,
        group: resource.kind.group,
        version: resource.version.name,
        resource: resource.kind.plural,
        subresource,
        name,
        ..Asked::default()
    }
}

/// What a request asks for.
pub(crate) fn on<'a>(info: &'a Info, path: &'a str) -> On<'a> {
    if !info.is_resource {
        return On::Path(path);
    }
    On::Resource(Asked {
        namespace: &info.namespace,
        group: &info.group,
        version: &info.version,
        resource: &info.resource,
        subresource: &info.subresource,
        name: &info.name,
        ..Asked::default()
    })
}

/// 403 for a request that nobody allowed.
pub(crate) fn forbidden(asked: &Attributes<'_>, reason: &str) -> Status {
    let user = apiserver_api::go::quote(&asked.user.name);
    let verb = apiserver_api::go::quote(asked.verb);
    let (group_resource, name, what) = match &asked.on {
        On::Path(path) => {
            let what = format!(
                "User {user} cannot {} path {}",
                asked.verb,
                apiserver_api::go::quote(path)
            );
            (GroupResource::new("", ""), "", what)
        }
        On::Resource(on) => {
            let resource = if on.subresource.is_empty() {
                on.resource.to_owned()
            } else {
                format!("{}/{}", on.resource, on.subresource)
            };
            let scope = if on.namespace.is_empty() {
                "at the cluster scope".to_owned()
            } else {
                format!("in the namespace {}", apiserver_api::go::quote(on.namespace))
            };
            let what = format!(
                "User {user} cannot {} resource {} in API group {} {scope}",
                asked.verb,
                apiserver_api::go::quote(&resource),
                apiserver_api::go::quote(on.group)
            );
            (GroupResource::new(on.group, on.resource), on.name, what)
        }
    };
    let _ = verb;
    let text = if reason.is_empty() {
        what
    } else {
        format!("{what}: {reason}")
    };
    Status::forbidden(&group_resource, name, text)
}
