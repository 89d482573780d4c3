//! Requests as authorizers see them.

use apiserver_access::authorize::{On, Resource as Asked, Verdict};

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
        fields: info.fields.terms(),
        labels: info.labels.requirements(),
    })
}

/// Why something is not allowed, as those tell it who also tell what went wrong.
pub(crate) fn why_not(verdict: &Verdict) -> String {
    match (verdict.error.as_str(), verdict.reason.as_str()) {
        ("", reason) => reason.to_owned(),
        (error, "") => error.to_owned(),
        (error, reason) => format!("{error}: {reason}"),
    }
}
