//! `pod_security_*`: how pods were judged, who is exempt, and what could not be judged.

use apiserver_api::gvk::GroupVersionResource;
use base::metrics::Make;
use prometheus::{IntCounter, IntCounterVec, Registry};

use super::policy::{Level, Standard, Version};
use crate::plugin::{Operation, Request};

/// The minor version of the API; standards of later ones are judged as those of this one.
const MINOR: i64 = 36;

/// In which mode a pod is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Enforce,
    Audit,
    Warn,
}

impl Mode {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Audit => "audit",
            Self::Warn => "warn",
        }
    }
}

/// All families.
pub(super) struct Metrics {
    evaluations: IntCounterVec,
    exemptions: IntCounterVec,
    errors: IntCounterVec,
    /// Where nothing is restricted, for new pods and changed ones: what mostly happens.
    free: [IntCounter; 2],
}

impl Metrics {
    /// Registers the families. What upstream shows from the beginning is there from the beginning.
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let make = Make::new(registry);
        let evaluations = make.counters(
            "pod_security_evaluations_total",
            "[ALPHA] How often a pod was held against a policy, but for those that are exempt or passed over.",
            &[
                "decision",
                "policy_level",
                "policy_version",
                "mode",
                "request_operation",
                "resource",
                "subresource",
            ],
        )?;
        let exemptions = make.counters(
            "pod_security_exemptions_total",
            "[ALPHA] Requests that are exempt.",
            &["request_operation", "resource", "subresource"],
        )?;
        let errors = make.counters(
            "pod_security_errors_total",
            "[ALPHA] What kept pods from being judged as they should be; where it was fatal, from being judged at all.",
            &["fatal", "request_operation", "resource", "subresource"],
        )?;
        for resource in ["pod", "controller"] {
            for operation in ["create", "update"] {
                exemptions.with_label_values(&[operation, resource, ""]);
            }
        }
        let free = ["create", "update"].map(|operation| {
            evaluations.with_label_values(&["allow", "privileged", "latest", "enforce", operation, "pod", ""])
        });
        Ok(Self {
            evaluations,
            exemptions,
            errors,
            free,
        })
    }

    /// A pod was held against a standard.
    pub(super) fn evaluated(&self, request: &Request<'_>, standard: Standard, mode: Mode, allowed: bool) {
        let place = place(request);
        let is_free = allowed && standard.level == Level::Privileged && mode == Mode::Enforce;
        match (is_free, place) {
            (true, ["create", "pod", ""]) => return self.free[0].inc(),
            (true, ["update", "pod", ""]) => return self.free[1].inc(),
            _ => {}
        }
        let decision = if allowed { "allow" } else { "deny" };
        let (level, version) = (standard.level.to_string(), version(standard));
        let [operation, resource, part] = place;
        let labels = [decision, &level, &version, mode.as_str(), operation, resource, part];
        self.evaluations.with_label_values(&labels).inc();
    }

    /// A request is exempt.
    pub(super) fn exempted(&self, request: &Request<'_>) {
        self.exemptions.with_label_values(&place(request)).inc();
    }

    /// A namespace's labels are wrong, or it could not be found out at all.
    pub(super) fn failed(&self, request: &Request<'_>, fatal: bool) {
        let [operation, resource, part] = place(request);
        let fatal = if fatal { "true" } else { "false" };
        self.errors.with_label_values(&[fatal, operation, resource, part]).inc();
    }
}

fn version(standard: Standard) -> String {
    match standard.version {
        // Where nothing is restricted all versions are the same.
        _ if standard.level == Level::Privileged => "latest".to_owned(),
        Version::Minor(minor) if minor > MINOR => "future".to_owned(),
        version => version.to_string(),
    }
}

/// What a request is about.
fn place<'r>(request: &Request<'r>) -> [&'r str; 3] {
    let operation = match request.operation {
        Operation::Create => "create",
        Operation::Update => "update",
        Operation::Delete => "delete",
        Operation::Connect => "connect",
    };
    [operation, sort(&request.resource), request.subresource]
}

/// What has pods and is none has a template of them.
fn sort(resource: &GroupVersionResource) -> &'static str {
    if resource.group.is_empty() && resource.resource == "pods" {
        "pod"
    } else {
        "controller"
    }
}
