//! All paths that are no resources: what the server is, what it serves, and how it does.

use std::sync::Arc;

use apiserver_access::tokens::MAX_AGE_SECONDS;
use apiserver_api::status::Status;
use axum::body::Body;
use base::random::Random;
use base::task::Tasks;
use http::Method;
use http::header::{CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH};

use crate::answer::{self, Answer};
use crate::debug::{self, Debug};
use crate::discovery::{self, Aggregated, Served};
use crate::handlers::{not_allowed, nowhere};
use crate::health::Health;
use crate::machine::Machine;
use crate::metrics::Page;
use crate::openapi::Documents;
use crate::pipeline::{not_found, reads};
use crate::request::Call;
use crate::request::accept::{Form, Wanted, negotiate_discovery, negotiate_whole, negotiate_whole_routed};
use crate::request::info::Info;
use crate::swagger_ui::SwaggerUi;
use crate::version::version;
use crate::zpages::{self, Zpages};

/// The group that upstream's aggregator serves itself.
const AGGREGATOR: &str = "apiregistration.k8s.io";

/// What is served at other paths.
pub struct Paths {
    served: Served,
    core: Aggregated,
    named: Aggregated,
    documents: Arc<Documents>,
    /// When the server started, in seconds since 1970: since then documents are as they are.
    started: u64,
    health: Arc<Health>,
    metrics: Page,
    /// Where clients reach the server: `host:port`.
    address: String,
    /// What proves the tokens of service accounts: the configuration of its issuer, and its keys. Ready JSON.
    tokens: Option<(String, String)>,
    /// Where it is wanted.
    swagger_ui: Option<SwaggerUi>,
    /// The index.
    listed: Vec<String>,
    zpages: Zpages,
    /// Where time is spent, if that is shown.
    debug: Option<Debug>,
}

/// What is told at other paths, beside what is served and how it does.
pub struct Told {
    /// Where clients reach the server: `host:port`.
    pub address: String,
    /// What proves the tokens of service accounts: the configuration of its issuer, and its keys. Ready JSON.
    pub tokens: Option<(String, String)>,
    /// Whether Swagger UI is served.
    pub swagger_ui: bool,
    /// What the server is and was told.
    pub zpages: zpages::Options,
    /// Whether it is shown where time is spent (`--profiling`).
    pub profiling: bool,
    /// Chance.
    pub random: Arc<dyn Random>,
    /// Under which tasks work is done that takes a while.
    pub tasks: Tasks,
}

impl Paths {
    /// The paths of a server.
    pub fn new(served: Served, documents: Arc<Documents>, health: Arc<Health>, metrics: Page, told: Told) -> Self {
        let listed = listed(&served, &told);
        let started = metrics.metrics.started();
        Self {
            swagger_ui: told.swagger_ui.then(|| SwaggerUi::new(documents.paths())),
            core: discovery::core_group(&served),
            named: discovery::named_groups(&served),
            served,
            documents,
            started: u64::try_from(started).unwrap_or_default(),
            health,
            metrics,
            address: told.address,
            tokens: told.tokens,
            zpages: Zpages::new(told.zpages, started, &listed, told.random),
            debug: told.profiling.then(|| Debug::new(told.tasks)),
            listed,
        }
    }

    /// Whether a path lies in a group version that is served, whose router then has the say.
    pub(crate) fn is_group_version(machine: &Machine, info: &Info) -> bool {
        machine.catalog.serves(&info.group, &info.version)
    }

    /// Answers a request.
    ///
    /// # Errors
    /// What the client is told.
    pub(crate) async fn serve(&self, call: &Call, body: Body) -> Result<Answer, Status> {
        let path = call.path.as_str();
        if let Some(answer) = self.health.serve(call).await {
            return Ok(answer);
        }
        if let Some(answer) = self.zpages.serve(call) {
            return Ok(answer);
        }
        if let Some(debug) = &self.debug
            && path.starts_with(debug::ROOT)
            && let Some(answer) = debug.serve(call, body).await
        {
            return Ok(answer);
        }
        if path.starts_with("//") {
            return Ok(not_found());
        }
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        if matches!(parts[0], "api" | "apis") {
            return self.discovery(call, &parts);
        }
        if let Some(answer) = self.routed(call, &parts) {
            return answer;
        }
        // All others are served at their very path, whatever the method.
        Ok(match path {
            "/" | "/index.html" => self.index(call),
            "/metrics" | "/metrics/slis" => self.metrics(call).await,
            _ => match (self.documents.serve(call, self.started), parts.as_slice()) {
                (Some(answer), _) => answer,
                (None, ["swagger-ui", below @ ..]) if reads(&call.method) => {
                    let page = self.swagger_ui.as_ref().and_then(|page| page.serve(call, below));
                    page.unwrap_or_else(not_found)
                }
                _ => not_found(),
            },
        })
    }

    /// What has a route of its own beside the API: a slash at the end does not count, GET alone is allowed, and below
    /// it is nothing, which the router says. `None` for any other path.
    fn routed(&self, call: &Call, parts: &[&str]) -> Option<Result<Answer, Status>> {
        let (media, document, below) = match (parts, &self.tokens) {
            (["version", below @ ..], _) => (Form::Json.media_type(), version(), below),
            ([".well-known", "openid-configuration", below @ ..], Some((configuration, _))) => {
                ("application/json", configuration.clone(), below)
            }
            (["openid", "v1", "jwks", below @ ..], Some((_, keys))) => {
                ("application/jwk-set+json", keys.clone(), below)
            }
            _ => return None,
        };
        Some(match (below, &call.method) {
            ([], &Method::GET) => {
                let mut answer = answer::bytes(200, media, document);
                if parts[0] != "version" {
                    // Who checks tokens need not ask for each of them what proves them.
                    let age = format!("public, max-age={MAX_AGE_SECONDS}");
                    answer::set(&mut answer, CACHE_CONTROL, &age);
                }
                Ok(answer)
            }
            ([], _) => Err(not_allowed()),
            _ => Err(nowhere()),
        })
    }

    /// The pages of metrics. DELETE begins to count anew, where profiles may be taken, too.
    async fn metrics(&self, call: &Call) -> Answer {
        let is_all = call.path == "/metrics";
        if call.method == Method::DELETE && self.debug.is_some() {
            if is_all {
                self.metrics.forget();
            } else {
                self.metrics.forget_slis();
            }
            return answer::text(200, "metrics reset\n");
        }
        if is_all {
            self.metrics.all(call).await
        } else {
            self.metrics.slis(call)
        }
    }

    fn discovery(&self, call: &Call, parts: &[&str]) -> Result<Answer, Status> {
        // Upstream's aggregator tells of groups that it takes from others, whatever the method; all else has routes for
        // GET.
        let takes_all = matches!(parts, ["apis"]) || matches!(parts, ["apis", group] if *group != AGGREGATOR);
        let is_taken = takes_all || call.method == Method::GET;
        let tree = match parts {
            ["api" | "apis"] if is_taken && let Some(form) = negotiate_discovery(call.header("accept")) => {
                let aggregated = if parts[0] == "api" { &self.core } else { &self.named };
                return Ok(whole(call, form, aggregated));
            }
            ["api"] => {
                let addresses = [("0.0.0.0/0", self.address.as_str())];
                Some(discovery::api_versions(&self.served, &addresses))
            }
            ["apis"] => Some(discovery::group_list(&self.served)),
            ["api", version] => discovery::resource_list(&self.served, "", version),
            ["apis", group] => discovery::group(&self.served, group),
            ["apis", group, version] => discovery::resource_list(&self.served, group, version),
            _ => None,
        };
        match tree {
            Some(_) if !is_taken => Err(not_allowed()),
            Some(tree) => {
                let accept = call.header("accept");
                // What the aggregator tells of no router has looked at before.
                let wanted = if takes_all {
                    negotiate_whole(accept)?
                } else {
                    negotiate_whole_routed(accept)?
                };
                Ok(answer::tree(call, wanted, 200, &tree))
            }
            // A group that is known in some version has a router, which says so of all else.
            None if parts[0] == "api" || self.is_group(parts.get(1)) => Err(nowhere()),
            None => Ok(not_found()),
        }
    }

    fn is_group(&self, name: Option<&&str>) -> bool {
        name.is_some_and(|name| discovery::group(&self.served, name).is_some())
    }

    /// The paths that there are, whatever the client accepts.
    fn index(&self, call: &Call) -> Answer {
        let mut tree = apiserver_api::tree::Tree::map();
        tree.set(
            "paths",
            self.listed
                .iter()
                .map(String::as_str)
                .collect::<apiserver_api::tree::Tree>(),
        );
        // Upstream indents what is no object.
        let wanted = Wanted {
            pretty: true,
            ..Wanted::PLAIN
        };
        answer::tree(call, wanted, 200, &tree)
    }
}

/// The paths that the index lists.
fn listed(served: &Served, told: &Told) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    let plain_paths = [
        "/.well-known/openid-configuration",
        "/api",
        "/api/v1",
        "/apis",
        "/apis/",
        "/healthz",
        "/livez",
    ];
    paths.extend(plain_paths.map(str::to_owned));
    for (group, versions) in served.groups() {
        paths.push(format!("/apis/{group}"));
        paths.extend(versions.iter().map(|version| format!("/apis/{group}/{version}")));
    }
    let more = [
        "/metrics",
        "/metrics/slis",
        "/openapi/v2",
        "/openapi/v3",
        "/openapi/v3/",
        "/openid/v1/jwks",
        "/readyz",
        "/version",
    ];
    paths.extend(more.map(str::to_owned));
    paths.extend(told.swagger_ui.then(|| "/swagger-ui/".to_owned()));
    if told.zpages.flagz.is_some() {
        paths.push("/flagz".to_owned());
    }
    if told.zpages.statusz {
        paths.push("/statusz".to_owned());
    }
    paths.sort_unstable();
    paths
}

/// All groups in one document.
fn whole(call: &Call, form: Form, aggregated: &Aggregated) -> Answer {
    let media = match form {
        Form::Json => "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        Form::Yaml => "application/yaml;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        Form::Protobuf => "application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    };
    if call.header(IF_NONE_MATCH.as_str()) == aggregated.tag {
        return with_tag(answer::bytes(304, media, ""), &aggregated.tag);
    }
    let answer = answer::packed(call, 200, media, aggregated.written(form));
    let mut answer = with_tag(answer, &aggregated.tag);
    answer
        .headers_mut()
        .append(http::header::VARY, HeaderValue::from_static("Accept"));
    answer
}

fn with_tag(mut answer: Answer, tag: &str) -> Answer {
    if let Ok(tag) = HeaderValue::from_str(tag) {
        answer.headers_mut().insert(ETAG, tag);
    }
    answer
}

#[cfg(test)]
mod tests;
