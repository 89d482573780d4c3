//! The HTTP pages of a member: health, version, metrics, variables.

use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use prometheus::{Encoder, TextEncoder};
use serde_json::json;
use store_node::{HealthQuery, Member, Probe};
use tonic::body::Body;

use crate::metrics::Metrics;
use crate::reply;

/// The pages.
#[derive(Clone)]
pub(crate) struct Pages {
    pub(crate) member: Member,
    pub(crate) metrics: Metrics,
}

impl Pages {
    /// Answers a request for a page that client and metrics ports share.
    pub(crate) async fn answer(&self, request: &Parts) -> Response<Body> {
        let (path, query) = (request.uri.path(), Query::of(request));
        let get = request.method == Method::GET;
        match path {
            "/health" | "/livez" | "/readyz" | "/version" if !get => reply::method_not_allowed("GET"),
            "/health" => self.health(&query).await,
            "/version" => self.version(),
            "/metrics" => self.metrics(),
            "/debug/vars" => self.variables(),
            _ => match probe(path) {
                Some(_) if !get => reply::method_not_allowed("GET"),
                Some((probe, only)) => self.probe(probe, only, &query).await,
                None => reply::not_found(),
            },
        }
    }

    async fn health(&self, query: &Query) -> Response<Body> {
        let serializable = query.first("serializable") == Some("true");
        let health = self
            .member
            .health(&HealthQuery {
                exclude: query.all("exclude"),
                serializable,
            })
            .await;
        let body = json!({"health": health.ok.to_string(), "reason": health.reason}).to_string();
        if health.ok {
            let mut answer = reply::text(StatusCode::OK, &body);
            answer.headers_mut().remove(header::X_CONTENT_TYPE_OPTIONS);
            return answer;
        }
        tracing::warn!(reason = health.reason, "/health is false");
        reply::error(StatusCode::SERVICE_UNAVAILABLE, &body)
    }

    async fn probe(&self, probe: Probe, only: Option<&str>, query: &Query) -> Response<Body> {
        let Some(report) = self.member.probe(probe, only, &query.all("exclude")).await else {
            return reply::not_found();
        };
        let status = if report.ok {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let text = report.text(query.has("verbose"));
        if text.ends_with('\n') {
            reply::text(status, &text)
        } else {
            reply::error(status, &text)
        }
    }

    /// Versions of the member, the cluster and what is on disk.
    pub(crate) fn version(&self) -> Response<Body> {
        let versions = self.member.versions();
        let document = json!({
            "etcdserver": versions.server,
            "etcdcluster": versions.cluster,
            "storage": versions.storage,
        });
        reply::json(StatusCode::OK, document.to_string())
    }

    fn metrics(&self) -> Response<Body> {
        self.member.refresh_metrics();
        let mut text = Vec::new();
        let encoder = TextEncoder::new();
        if let Err(error) = encoder.encode(&self.metrics.registry.gather(), &mut text) {
            return reply::error(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string());
        }
        let mut answer = Response::new(reply::full(text));
        let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        answer.headers_mut().insert(header::CONTENT_TYPE, kind);
        answer
    }

    fn variables(&self) -> Response<Body> {
        let status = self.member.consensus().look();
        let document = json!({
            "cmdline": std::env::args().collect::<Vec<_>>(),
            "raft.status": {
                "id": format!("{:x}", self.member.id()),
                "term": status.term,
                "commit": status.committed,
                "applied": status.applied,
                "lead": format!("{:x}", status.leader.unwrap_or_default()),
                "raftState": format!("State{:?}", status.role),
                "progress": status
                    .replication
                    .iter()
                    .map(|(id, matched)| (format!("{id:x}"), json!({"match": matched})))
                    .collect::<serde_json::Map<_, _>>(),
            },
        });
        reply::json(StatusCode::OK, document.to_string())
    }
}

/// The probe that a path asks for, and the one check of it, where only one is asked for.
fn probe(path: &str) -> Option<(Probe, Option<&str>)> {
    for (root, probe) in [("/livez", Probe::Live), ("/readyz", Probe::Ready)] {
        if let Some(rest) = path.strip_prefix(root) {
            return match rest.strip_prefix('/') {
                Some(check) if !check.is_empty() => Some((probe, Some(check))),
                None if rest.is_empty() => Some((probe, None)),
                _ => None,
            };
        }
    }
    None
}

/// The query of a request, decoded.
struct Query(Vec<(String, String)>);

impl Query {
    fn of(request: &Parts) -> Self {
        let pairs = url::form_urlencoded::parse(request.uri.query().unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    fn first(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    fn all(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.clone())
            .collect()
    }
}
