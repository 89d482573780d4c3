//! `PodSecurity`: a namespace's labels say how much pods may do to their node (upstream's `pod-security-admission`).
//!
//! Three levels, each stricter than the one before. Of a namespace's three modes, `enforce` refuses pods, `warn` tells clients
//! of pods and of templates, and `audit` is for the audit log. Start reading at [`policy`], then at `checks`.

mod checks;
mod evaluate;
mod metrics;
mod namespace;
mod pods;
mod policy;
mod settings;
#[cfg(test)]
mod tests;

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use async_trait::async_trait;
use prometheus::Registry;

use self::metrics::{Metrics, Mode};
use self::policy::{Level, Policy, policy};
use self::settings::Settings;
use crate::namespaces::{is_namespace, labels};
use crate::plugin::{Operation, Plugin, Request};

/// The plugin.
pub(crate) struct PodSecurity {
    settings: Settings,
    metrics: Option<Metrics>,
}

impl PodSecurity {
    /// From its configuration; `null` for none.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn new(configuration: &Tree) -> Result<Self, String> {
        let settings = Settings::read(configuration)?;
        Ok(Self {
            settings,
            metrics: None,
        })
    }

    /// Counts something where it is counted.
    fn count(&self, note: impl FnOnce(&Metrics)) {
        if let Some(metrics) = &self.metrics {
            note(metrics);
        }
    }

    /// Whether a write's namespace or user is exempt, which is counted.
    fn exempts(&self, request: &Request<'_>) -> bool {
        let exempts = self.settings.exempts(request);
        if exempts {
            self.count(|metrics| metrics.exempted(request));
        }
        exempts
    }

    /// The same of a pod's runtime class.
    fn exempts_runtime(&self, request: &Request<'_>, spec: &Tree) -> bool {
        let exempts = self.settings.exempts_runtime(spec);
        if exempts {
            self.count(|metrics| metrics.exempted(request));
        }
        exempts
    }

    /// The policy of a write's namespace, and whether its labels are all right.
    async fn policy(&self, request: &Request<'_>) -> Result<(Policy, bool), Status> {
        let labels = labels(request.cluster, request.namespace).await?;
        let (policy, refusals) = policy(&labels, self.settings.defaults);
        Ok((policy, refusals.is_empty()))
    }

    async fn validate_pod(&self, request: &Request<'_>, pod: &Tree) -> Result<(), Status> {
        if pods::IGNORED.contains(&request.subresource) || self.exempts(request) {
            return Ok(());
        }
        let found = self.policy(request).await;
        let (policy, right) = found.map_err(|_| {
            self.count(|metrics| metrics.failed(request, true));
            let name = apiserver_api::go::quote(request.namespace);
            Status::internal(format!("failed to lookup namespace {name}"))
        })?;
        if right && policy.is_privileged() {
            self.count(|metrics| metrics.evaluated(request, policy.enforce, Mode::Enforce, true));
            return Ok(());
        }
        if let Some(old) = request.old.filter(|_| request.operation == Operation::Update)
            && !pods::differ(pod, old)
        {
            return Ok(());
        }
        if self.exempts_runtime(request, pod.at("spec")) {
            return Ok(());
        }
        if !right {
            self.count(|metrics| metrics.failed(request, false));
        }
        let judged = pods::Pod::of(pod);
        let verdict = evaluate::evaluate(policy.enforce, &judged).detail();
        self.count(|metrics| metrics.evaluated(request, policy.enforce, Mode::Enforce, verdict.is_none()));
        self.audit(request, policy, &judged);
        if let Some(detail) = verdict {
            let words = format!("violates PodSecurity \"{}\": {detail}", policy.enforce);
            return Err(Status::forbidden(
                &request.resource.group_resource(),
                request.name,
                words,
            ));
        }
        self.warn(request, policy, &judged);
        Ok(())
    }

    /// Templates are never refused: their controllers' pods are.
    async fn validate_template(&self, request: &Request<'_>, object: &Tree) {
        if !request.subresource.is_empty() {
            return;
        }
        let Some(template) = pods::template(request, object) else {
            return;
        };
        if self.exempts(request) {
            return;
        }
        // A namespace that cannot be found out is no reason to refuse a controller.
        let Ok((policy, right)) = self.policy(request).await else {
            return self.count(|metrics| metrics.failed(request, true));
        };
        let silent = policy.warn.level == Level::Privileged && policy.audit.level == Level::Privileged;
        if right && silent || self.exempts_runtime(request, template.at("spec")) {
            return;
        }
        if !right {
            self.count(|metrics| metrics.failed(request, false));
        }
        let judged = pods::Pod::of(template);
        self.audit(request, policy, &judged);
        self.warn(request, policy, &judged);
    }

    /// There is no audit log yet; what would stand there is counted.
    fn audit(&self, request: &Request<'_>, policy: Policy, pod: &pods::Pod<'_>) {
        self.count(|metrics| {
            if !evaluate::evaluate(policy.audit, pod).is_clean() {
                metrics.evaluated(request, policy.audit, Mode::Audit, false);
            }
        });
    }

    fn warn(&self, request: &Request<'_>, policy: Policy, pod: &pods::Pod<'_>) {
        if let Some(detail) = evaluate::evaluate(policy.warn, pod).detail() {
            request.warn(format!("would violate PodSecurity \"{}\": {detail}", policy.warn));
            self.count(|metrics| metrics.evaluated(request, policy.warn, Mode::Warn, false));
        }
    }
}

#[async_trait]
impl Plugin for PodSecurity {
    fn name(&self) -> &'static str {
        "PodSecurity"
    }

    fn handles(&self, operation: Operation) -> bool {
        matches!(operation, Operation::Create | Operation::Update)
    }

    fn measure(&mut self, registry: &Registry) -> prometheus::Result<()> {
        self.metrics = Some(Metrics::new(registry)?);
        Ok(())
    }

    async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let Some(object) = object else {
            return Ok(());
        };
        if is_namespace(request) {
            return namespace::validate(&self.settings, request, object);
        }
        if request.resource.group.is_empty() && request.resource.resource == "pods" {
            return self.validate_pod(request, object).await;
        }
        self.validate_template(request, object).await;
        Ok(())
    }
}
