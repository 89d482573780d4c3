//! What a path and a method ask for (`RequestInfo`): a resource and a verb, or another path of the server.

use apiserver_api::names::name_is_path_segment;
use apiserver_api::{fields, labels};
use http::Method;

use super::query::Query;

/// Where the path puts a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scope {
    /// At the beginning: resources of the cluster, namespaces among them, and those of all namespaces.
    #[default]
    Cluster,
    /// Below a namespace.
    Namespace,
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Info {
    /// Whether it is a resource of the API.
    pub(crate) is_resource: bool,
    /// `get`, `list`, `watch`, `create` and so on; the lower-case method for other paths.
    pub(crate) verb: String,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) namespace: String,
    pub(crate) scope: Scope,
    pub(crate) resource: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
    /// What stands below the subresource: the path of a proxy.
    pub(crate) rest: Vec<String>,
    /// Whether the path itself says `watch` or `proxy`, as upstream's first clients did.
    pub(crate) by_prefix: bool,
    /// Whether the name stands in the path, not in a field selector.
    pub(crate) is_named: bool,
    /// The parts of the path from the resource on.
    pub(crate) parts: usize,
    /// Which of the objects are meant, for those who say whether that may be; everything where it cannot be read.
    pub(crate) fields: fields::Selector,
    /// The same by their labels.
    pub(crate) labels: labels::Selector,
}

impl Info {
    /// Reads a path, whose percent signs are decoded.
    pub(crate) fn of(method: &Method, path: &str, query: &Query) -> Self {
        let verb = method.as_str().to_lowercase();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, parts) = match parts.as_slice() {
            ["api", rest @ ..] if rest.len() >= 2 => ("", rest),
            ["apis", group, rest @ ..] if rest.len() >= 2 => (*group, rest),
            _ => {
                return Self {
                    verb,
                    ..Self::default()
                };
            }
        };
        let mut info = Self {
            is_resource: true,
            verb: verb_of(method).to_owned(),
            group: group.to_owned(),
            version: parts[0].to_owned(),
            ..Self::default()
        };
        let mut parts = &parts[1..];
        if let ["watch" | "proxy", rest @ ..] = parts
            && !rest.is_empty()
        {
            parts[0].clone_into(&mut info.verb);
            info.by_prefix = true;
            parts = rest;
        }
        info.place(parts);
        info.refine(query);
        info.select(query);
        info
    }

    /// Upstream does not tell of selectors where the path itself says that it is a watch.
    fn select(&mut self, query: &Query) {
        let many = matches!(self.verb.as_str(), "list" | "watch" | "deletecollection");
        if many && !self.by_prefix && self.subresource.is_empty() {
            self.fields = fields::Selector::parse(query.text("fieldSelector")).unwrap_or_default();
            self.labels = labels::Selector::parse(query.text("labelSelector")).unwrap_or_default();
        }
    }

    /// Namespace, resource, name and subresource.
    fn place(&mut self, mut parts: &[&str]) {
        if let ["namespaces", namespace, ..] = parts {
            (*namespace).clone_into(&mut self.namespace);
            if parts.len() > 2 && !matches!(parts[2], "status" | "finalize") {
                parts = &parts[2..];
                self.scope = Scope::Namespace;
            }
        }
        self.parts = parts.len();
        let part = |at: usize| parts.get(at).map(|part| (*part).to_owned()).unwrap_or_default();
        self.resource = part(0);
        self.name = part(1);
        self.is_named = !self.name.is_empty();
        let rest = if self.by_prefix {
            2
        } else {
            self.subresource = part(2);
            3
        };
        self.rest = parts.iter().skip(rest).map(|part| (*part).to_owned()).collect();
    }

    /// What a missing name makes of the verb.
    fn refine(&mut self, query: &Query) {
        if !self.name.is_empty() {
            return;
        }
        match self.verb.as_str() {
            "delete" => "deletecollection".clone_into(&mut self.verb),
            "get" => {
                let watch = query.flag("watch").unwrap_or_default();
                if watch { "watch" } else { "list" }.clone_into(&mut self.verb);
                let selector = fields::Selector::parse(query.text("fieldSelector")).ok();
                let name = selector
                    .as_ref()
                    .and_then(|selector| selector.required_exact("metadata.name"));
                if let Some(name) = name.filter(|name| name_is_path_segment(name, false).is_empty()) {
                    name.clone_into(&mut self.name);
                }
            }
            _ => {}
        }
    }
}

fn verb_of(method: &Method) -> &'static str {
    match method.as_str() {
        "POST" => "create",
        "GET" | "HEAD" => "get",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::{Info, Query};

    fn of(method: &Method, path: &str, query: &str) -> String {
        let info = Info::of(method, path, &Query::parse(query));
        if !info.is_resource {
            return format!("{} {path}", info.verb);
        }
        let Info {
            verb,
            group,
            version,
            namespace,
            resource,
            name,
            subresource,
            rest,
            ..
        } = info;
        format!(
            "{verb} {group}/{version} {namespace} {resource} {name} {subresource} {}",
            rest.join("/")
        )
    }

    #[test]
    fn a_path_names_a_resource_and_a_method_a_verb() {
        let get = &Method::GET;
        for (method, path, query, text) in [
            (get, "/api/v1/namespaces", "", "list /v1  namespaces   "),
            (get, "/api/v1/namespaces/a", "", "get /v1 a namespaces a  "),
            (
                &Method::PUT,
                "/api/v1/namespaces/a/finalize",
                "",
                "update /v1 a namespaces a finalize ",
            ),
            (get, "/api/v1/namespaces/a/pods", "watch=1", "watch /v1 a pods   "),
            (get, "/api/v1/namespaces/a/pods/b/log", "", "get /v1 a pods b log "),
            (
                get,
                "/api/v1/pods",
                "fieldSelector=metadata.name%3Dx",
                "list /v1  pods x  ",
            ),
            (
                &Method::DELETE,
                "/apis/apps/v1/namespaces/a/deployments",
                "",
                "deletecollection apps/v1 a deployments   ",
            ),
            (
                &Method::POST,
                "/apis/apps/v1/namespaces/a/deployments",
                "",
                "create apps/v1 a deployments   ",
            ),
            (get, "/api/v1/watch/namespaces/a/pods/b", "", "watch /v1 a pods b  "),
            // What the path says goes before the method, also for those who say who may.
            (&Method::DELETE, "/api/v1/watch/pods", "", "watch /v1  pods   "),
            (&Method::HEAD, "/api/v1/pods", "watch=1", "watch /v1  pods   "),
            (
                get,
                "/api/v1/namespaces/a/services/b/proxy/c/d",
                "",
                "get /v1 a services b proxy c/d",
            ),
            (get, "/api/v1", "", "get /api/v1"),
            (get, "/apis/apps/v1", "", "get /apis/apps/v1"),
            (&Method::POST, "/healthz", "", "post /healthz"),
        ] {
            assert_eq!(of(method, path, query), text, "{method} {path}?{query}");
        }
    }
}
