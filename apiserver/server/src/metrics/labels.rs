//! What a request is called in metrics: few words, whatever clients send (upstream's `endpoints/metrics`).

use crate::catalog::Catalog;
use crate::handlers;
use crate::request::Call;
use crate::request::info::Info;
use crate::zpages::VERSIONS;

/// The component that answers resources.
pub(super) const COMPONENT: &str = "apiserver";
/// What stands for methods that are none of the API's.
const OTHER: &str = "other";
/// The only dry run that there is.
const ALL: &str = "All";

/// What a request is for, where the server has that: a resource, or one of the paths that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// `resource`, `namespace` or `cluster`; empty for paths.
    pub(super) scope: &'static str,
    /// Who answers.
    pub(super) component: &'static str,
    /// The path; empty for resources.
    pub(super) path: &'static str,
    /// The page that stands at the path, as if it were a resource, and the version in which it was told, if as an object.
    pub(super) page: Option<(&'static str, &'static str)>,
    /// Whether the path itself says `watch`.
    pub(super) watches: bool,
    /// What clients are warned of, who should not ask for it any more.
    pub(super) deprecated: Option<&'static str>,
}

impl Route {
    /// Where a request goes; nowhere where no router of upstream would take it.
    pub(crate) fn of(catalog: &Catalog, call: &Call) -> Option<Self> {
        let info = &call.info;
        if !info.is_resource {
            return Self::of_path(&call.path);
        }
        let resource = catalog.find(&info.group, &info.version, &info.resource)?;
        if info.subresource.is_empty() || info.by_prefix {
            handlers::place(resource, call).ok()?;
        } else {
            resource.subresource(&info.subresource)?;
        }
        // A namespace is in none, whatever its path looks like.
        let is_within = resource.kind.namespaced && !info.namespace.is_empty();
        Some(Self {
            scope: match (info.is_named || info.verb == "create", is_within) {
                (true, _) => "resource",
                (false, true) => "namespace",
                (false, false) => "cluster",
            },
            component: COMPONENT,
            path: "",
            page: None,
            watches: info.by_prefix,
            deprecated: resource.kind.rules.deprecated(),
        })
    }

    fn of_path(path: &str) -> Option<Self> {
        let (path, component) = match path {
            "/healthz" => ("/healthz", ""),
            "/livez" => ("/livez", ""),
            "/readyz" => ("/readyz", ""),
            "/api" => ("/api", COMPONENT),
            "/apis" => ("/apis", COMPONENT),
            "/statusz" => ("/statusz", COMPONENT),
            "/flagz" => ("/flagz", COMPONENT),
            "/openapi/v3" => ("openapi/v3", ""),
            path if path.starts_with("/openapi/v3/") => ("openapi/v3/", ""),
            _ => return None,
        };
        Some(Self {
            scope: "",
            component,
            path,
            page: match path {
                "/statusz" => Some(("statusz", "")),
                "/flagz" => Some(("flagz", "")),
                _ => None,
            },
            watches: false,
            deprecated: None,
        })
    }

    /// Where a page was told as an object, notes the version that its media type says.
    pub(crate) fn told(mut self, media_type: &str) -> Self {
        if let Some((_, version)) = &mut self.page {
            let told = |(name, _): &&(&'static str, bool)| media_type.contains(&format!(";v={name};"));
            if let Some((name, is_deprecated)) = VERSIONS.iter().find(told) {
                *version = name;
                // No release lacks it yet.
                self.deprecated = is_deprecated.then_some("");
            }
        }
        self
    }

    /// Whether it is a resource.
    pub(super) const fn is_resource(&self) -> bool {
        self.path.is_empty()
    }

    /// Whether upstream counts such an answer: routers refuse by themselves, and of discovery only what is aggregated counts.
    pub(crate) fn counts(&self, call: &Call, code: u16, media_type: &str) -> bool {
        match code {
            405 => false,
            // A page that is off.
            404 if self.page.is_some() => false,
            415 => call.method != http::Method::PATCH,
            _ if matches!(self.path, "/api" | "/apis") => media_type.contains("g=apidiscovery.k8s.io"),
            _ => true,
        }
    }
}

/// How much a request is about: one object, those of a namespace, all.
pub(crate) fn scope(info: &Info) -> &'static str {
    if !info.name.is_empty() || info.verb == "create" {
        "resource"
    } else if !info.namespace.is_empty() {
        "namespace"
    } else if info.is_resource {
        "cluster"
    } else {
        ""
    }
}

/// The verb of a request that is about so much: a method, or what is hidden behind it.
pub(crate) fn verb(call: &Call, scope: &str) -> &'static str {
    let connects = matches!(
        call.info.subresource.as_str(),
        "log" | "exec" | "portforward" | "attach" | "proxy"
    );
    if call.info.is_resource && connects {
        return "CONNECT";
    }
    match call.method.as_str() {
        "GET" if call.query.flag("watch").unwrap_or_default() => "WATCH",
        "GET" | "HEAD" if matches!(scope, "resource" | "") => "GET",
        "GET" | "HEAD" => "LIST",
        "PATCH" if call.header("content-type") == "application/apply-patch+yaml" => "APPLY",
        "PATCH" => "PATCH",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        _ => OTHER,
    }
}

/// The verb of a request that a route took.
pub(super) fn routed_verb(call: &Call, route: &Route) -> &'static str {
    if route.watches {
        "WATCH"
    } else if route.page.is_some() {
        "GET"
    } else {
        verb(call, route.scope)
    }
}

/// Whether and how a request asks for a dry run.
pub(super) fn dry_run(call: &Call) -> &'static str {
    let mut asked = call.query.all("dryRun").peekable();
    if asked.peek().is_none() {
        return "";
    }
    if asked.all(|one| one == ALL) { ALL } else { "invalid" }
}

/// A path as labels hold it: its first part where the server has such paths, so that clients cannot make up more.
pub(super) fn known_path(path: &str) -> &'static str {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    const KNOWN: [&str; 11] = [
        "/healthz",
        "/livez",
        "/readyz",
        "/metrics",
        "/version",
        "/api",
        "/apis",
        "/openapi",
        "/openid",
        "/.well-known",
        "/swagger-ui",
    ];
    KNOWN.into_iter().find(|known| known[1..] == *first).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Route, dry_run, known_path, routed_verb, scope, verb};
    use crate::catalog::Catalog;
    use crate::discovery::Served;
    use crate::request::tests::call;

    fn shown(method: &str, target: &str) -> String {
        let catalog = Catalog::new(&Served::default(), |_| None);
        let call = call(method, target);
        match Route::of(&catalog, &call) {
            None => "nowhere".to_owned(),
            Some(route) => format!("{} {}{}", routed_verb(&call, &route), route.scope, route.path),
        }
    }

    #[test]
    fn requests_are_told_apart_by_verb_and_scope() {
        for (method, target, told) in [
            ("GET", "/api/v1/pods", "LIST cluster"),
            ("GET", "/api/v1/namespaces/n/pods", "LIST namespace"),
            ("GET", "/api/v1/namespaces/n/pods?watch=1", "WATCH namespace"),
            ("GET", "/api/v1/namespaces/n/pods?watch=false", "LIST namespace"),
            ("GET", "/api/v1/watch/pods", "WATCH cluster"),
            ("GET", "/api/v1/watch/namespaces/n/pods/p", "WATCH resource"),
            ("GET", "/api/v1/namespaces/n/pods/p", "GET resource"),
            ("GET", "/api/v1/namespaces/n/pods/p/status", "GET resource"),
            ("GET", "/api/v1/namespaces", "LIST cluster"),
            ("GET", "/api/v1/namespaces/n", "GET resource"),
            ("POST", "/api/v1/namespaces", "POST resource"),
            ("POST", "/api/v1/namespaces/n/pods", "POST resource"),
            ("DELETE", "/api/v1/namespaces/n/pods", "DELETE namespace"),
            ("DELETE", "/api/v1/nodes", "DELETE cluster"),
            ("GET", "/readyz", "GET /readyz"),
            ("HEAD", "/healthz", "GET /healthz"),
            ("GET", "/apis", "GET /apis"),
            ("GET", "/openapi/v3", "GET openapi/v3"),
            ("GET", "/openapi/v3/apis/apps/v1", "GET openapi/v3/"),
        ] {
            assert_eq!(shown(method, target), told, "{method} {target}");
        }
    }

    #[test]
    fn what_no_router_takes_is_not_counted() {
        for (method, target) in [
            ("GET", "/api/v1/nopes"),
            ("GET", "/api/v1/pods/p"),
            ("PUT", "/api/v1/namespaces/n/pods"),
            ("HEAD", "/api/v1/pods"),
            ("GET", "/api/v1/namespaces/n/pods/p/nope"),
            ("GET", "/version"),
            ("GET", "/openapi/v2"),
            ("GET", "/readyz/ping"),
        ] {
            assert_eq!(shown(method, target), "nowhere", "{method} {target}");
        }
        let catalog = Catalog::new(&Served::default(), |_| None);
        let patch = call("PATCH", "/api/v1/namespaces/n/pods/p");
        let route = Route::of(&catalog, &patch).unwrap();
        assert!(!route.counts(&patch, 415, "") && !route.counts(&patch, 405, "") && route.counts(&patch, 404, ""));
        let apis = call("GET", "/apis");
        let route = Route::of(&catalog, &apis).unwrap();
        assert!(!route.counts(&apis, 200, "application/json"));
        assert!(route.counts(
            &apis,
            200,
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        ));
    }

    #[test]
    fn a_patch_that_applies_and_what_connects_have_verbs_of_their_own() {
        let mut patch = call("PATCH", "/api/v1/namespaces/n/pods/p");
        assert_eq!(verb(&patch, "resource"), "PATCH");
        let kind = "application/apply-patch+yaml".parse().unwrap();
        patch.headers.insert("content-type", kind);
        assert_eq!(verb(&patch, "resource"), "APPLY");
        for part in ["log", "exec", "portforward", "attach", "proxy"] {
            let path = format!("/api/v1/namespaces/n/pods/p/{part}");
            assert_eq!(verb(&call("POST", &path), "resource"), "CONNECT");
        }
        assert_eq!(verb(&call("BREW", "/api/v1/pods"), "cluster"), "other");
    }

    #[test]
    fn a_request_that_was_not_routed_has_the_scope_of_its_path() {
        for (method, target, told) in [
            ("GET", "/api/v1/pods?fieldSelector=metadata.name%3Dp", "resource"),
            ("POST", "/api/v1/namespaces", "resource"),
            ("GET", "/api/v1/namespaces/n/pods", "namespace"),
            ("GET", "/api/v1/nodes", "cluster"),
            ("GET", "/version", ""),
        ] {
            assert_eq!(scope(&call(method, target).info), told, "{method} {target}");
        }
    }

    #[test]
    fn clients_cannot_make_up_labels() {
        assert_eq!(dry_run(&call("POST", "/")), "");
        assert_eq!(dry_run(&call("POST", "/?dryRun=All&dryRun=All")), "All");
        assert_eq!(dry_run(&call("POST", "/?dryRun=x")), "invalid");
        assert_eq!(known_path("/healthz/etcd"), "/healthz");
        assert_eq!(known_path("/whatever/a/b"), "");
        assert_eq!(known_path(""), "");
    }
}
