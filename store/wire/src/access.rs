//! Who may talk HTTP to the client port from a browser: cross-origin rules and the host whitelist.

use http::header::{self, HeaderValue};
use http::{HeaderMap, Request, Response, StatusCode};
use tonic::body::Body;

use crate::reply;

const METHODS: HeaderValue = HeaderValue::from_static("POST, GET, OPTIONS, PUT, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static("accept, content-type, authorization");

/// `--cors` and `--host-whitelist`. Empty lists and `*` allow everything, as upstream.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) cors: Vec<String>,
    pub(crate) host_whitelist: Vec<String>,
}

fn allows(list: &[String], value: &str) -> bool {
    list.is_empty() || list.iter().any(|allowed| allowed == "*" || allowed == value)
}

impl Access {
    /// The refusal of a plaintext request whose `Host` is not in the whitelist (DNS rebinding, CVE-2018-5702).
    pub(crate) fn refuse_host<B>(&self, request: &Request<B>) -> Option<Response<Body>> {
        let host = request
            .headers()
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .or_else(|| request.uri().authority().map(http::uri::Authority::as_str))
            .unwrap_or_default();
        let name = without_port(host);
        if allows(&self.host_whitelist, name) {
            return None;
        }
        tracing::warn!(host = name, "rejecting HTTP request to prevent DNS rebinding attacks");
        let text = format!(
            "\netcd received your request, but the Host header {name:?} is not in the whitelist.\n\n\
             Serve over TLS, where any host is allowed, or add it: --host-whitelist {name:?}\n\
             (This prevents \"DNS Rebinding\" attacks, CVE-2018-5702.)\n"
        );
        Some(reply::text(StatusCode::MISDIRECTED_REQUEST, &text))
    }

    /// Adds the cross-origin headers to an answer, where its origin may see it.
    pub(crate) fn mark(&self, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
        let allowed = if allows(&self.cors, "*") {
            HeaderValue::from_static("*")
        } else {
            match origin {
                Some(origin) if origin.to_str().is_ok_and(|origin| allows(&self.cors, origin)) => origin.clone(),
                _ => return,
            }
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    }
}

fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    match host.rsplit_once(':') {
        Some((name, _)) if !name.contains(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(cors: &[&str], hosts: &[&str]) -> Access {
        let list = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Access {
            cors: list(cors),
            host_whitelist: list(hosts),
        }
    }

    fn refused(access: &Access, host: &str) -> bool {
        let request = Request::builder().uri("/health").header("host", host).body(()).unwrap();
        access.refuse_host(&request).is_some()
    }

    #[test]
    fn hosts_are_compared_without_port() {
        let some = access(&[], &["127.0.0.1", "::1", "etcd.example"]);
        for host in ["127.0.0.1:2379", "127.0.0.1", "[::1]:2379", "etcd.example:80"] {
            assert!(!refused(&some, host), "{host}");
        }
        for host in ["evil.example", "127.0.0.2:2379", ""] {
            assert!(refused(&some, host), "{host}");
        }
        assert!(!refused(&access(&[], &["*"]), "evil.example"));
        assert!(!refused(&access(&[], &[]), "evil.example"));
    }

    #[test]
    fn origins_see_what_they_may() {
        let marked = |access: &Access, origin: &'static str| {
            let mut headers = HeaderMap::new();
            access.mark(Some(&HeaderValue::from_static(origin)), &mut headers);
            headers
                .get("access-control-allow-origin")
                .map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(marked(&access(&["*"], &[]), "http://a").as_deref(), Some("*"));
        assert_eq!(
            marked(&access(&["http://a"], &[]), "http://a").as_deref(),
            Some("http://a")
        );
        assert_eq!(marked(&access(&["http://a"], &[]), "http://b"), None);
    }
}
