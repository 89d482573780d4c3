//! Probes and hooks: what is done to ask a container how it is, or to tell it what happens.

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::ports::number_or_name;
use crate::check::non_negative;
use crate::text::tell;

const SCHEMES: &[&str] = &["HTTP", "HTTPS"];
const COUNTS: &[&str] = &[
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
];

/// The hooks and probes of a container that may have them.
pub(super) fn validate(path: &Path<'_>, container: &Tree, grace: Option<i64>, refusals: &mut Refusals) {
    let lifecycle = path.field("lifecycle");
    for hook in ["postStart", "preStop"] {
        let handler = container.at("lifecycle").at(hook);
        if !handler.is_null() {
            let kinds = ["exec", "httpGet", "tcpSocket", "sleep"];
            validate_handler(&lifecycle.field(hook), handler, &kinds, grace, refusals);
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let probe = container.at(name);
        if !probe.is_null() {
            validate_probe(&path.field(name), name, probe, refusals);
        }
    }
}

fn validate_probe(path: &Path<'_>, name: &str, probe: &Tree, refusals: &mut Refusals) {
    validate_handler(path, probe, &["exec", "httpGet", "tcpSocket", "grpc"], None, refusals);
    for field in COUNTS {
        non_negative(&path.field(field), probe.int(field), refusals);
    }
    let grace = path.field("terminationGracePeriodSeconds");
    if let Some(seconds) = probe.at("terminationGracePeriodSeconds").as_int() {
        if seconds <= 0 {
            refusals.invalid(&grace, seconds, "must be greater than 0");
        }
        if name == "readinessProbe" {
            refusals.invalid(&grace, seconds, "must not be set for readinessProbes");
        }
    }
    let successes = probe.int("successThreshold");
    if name != "readinessProbe" && successes != 1 {
        refusals.invalid(&path.field("successThreshold"), successes, "must be 1");
    }
}

/// A handler does exactly one of these things; the first counts, the others are refused unseen.
fn validate_handler(path: &Path<'_>, handler: &Tree, kinds: &[&str], grace: Option<i64>, refusals: &mut Refusals) {
    let mut found = false;
    for kind in kinds {
        let action = handler.at(kind);
        if action.is_null() {
            continue;
        }
        let path = path.field(kind);
        if found {
            refusals.forbidden(&path, "may not specify more than 1 handler type");
            continue;
        }
        found = true;
        match *kind {
            "exec" if action.items("command").is_empty() => refusals.required(&path.field("command"), ""),
            "httpGet" => validate_http(&path, action, refusals),
            "tcpSocket" | "grpc" => number_or_name(&path.field("port"), action.at("port"), refusals),
            "sleep" => validate_sleep(&path, action, grace, refusals),
            _ => {}
        }
    }
    if !found {
        refusals.required(path, "must specify a handler type");
    }
}

fn validate_http(path: &Path<'_>, http: &Tree, refusals: &mut Refusals) {
    if http.text("path").is_empty() {
        refusals.required(&path.field("path"), "");
    }
    number_or_name(&path.field("port"), http.at("port"), refusals);
    let scheme = http.text("scheme");
    if !SCHEMES.contains(&scheme) {
        refusals.not_supported(&path.field("scheme"), scheme, SCHEMES);
    }
    for header in http.items("httpHeaders") {
        let name = header.text("name");
        tell(
            &path.field("httpHeaders"),
            name,
            names::http_header_name(name),
            refusals,
        );
    }
}

/// A pause fits into the time that the pod has to end.
fn validate_sleep(path: &Path<'_>, sleep: &Tree, grace: Option<i64>, refusals: &mut Refusals) {
    let seconds = sleep.int("seconds");
    if let Some(grace) = grace
        && !(0..=grace).contains(&seconds)
    {
        let detail = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
        refusals.invalid(path, seconds, &detail);
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, validate};
    use crate::pod::testing::{json, words};

    #[test]
    fn a_handler_does_one_thing_and_a_probe_counts_upward() {
        let cases = [
            (
                r#"{"livenessProbe":{"exec":{"command":["x"]},"successThreshold":1}}"#,
                "",
            ),
            (
                r#"{"livenessProbe":{"successThreshold":1}}"#,
                "c.livenessProbe: Required value: must specify a handler type",
            ),
            (
                r#"{"startupProbe":{"exec":{"command":["x"]},"grpc":{"port":1},"successThreshold":2}}"#,
                "c.startupProbe.grpc: Forbidden: may not specify more than 1 handler type\n\
                 c.startupProbe.successThreshold: Invalid value: 2: must be 1",
            ),
            (
                r#"{"readinessProbe":{"tcpSocket":{"port":"http"},"terminationGracePeriodSeconds":1}}"#,
                "c.readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: must not be set for readinessProbes",
            ),
            (
                r#"{"lifecycle":{"preStop":{"sleep":{"seconds":31}}}}"#,
                "c.lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than \
                 terminationGracePeriodSeconds (30)",
            ),
            (
                r#"{"lifecycle":{"postStart":{"httpGet":{"path":"/","port":80,"scheme":"http"}}}}"#,
                r#"c.lifecycle.postStart.httpGet.scheme: Unsupported value: "http": supported values: "HTTP", "HTTPS""#,
            ),
        ];
        for (container, told) in cases {
            let mut refusals = Refusals::new();
            validate(&Path::of("c"), &json(container), Some(30), &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }
}
