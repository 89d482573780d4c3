//! `apiserver_admission_*`: how long plugins and the two steps took, and whether they refused.

use std::sync::OnceLock;
use std::time::Instant;

use apiserver_api::status::Status;
use prometheus::{Histogram, HistogramOpts, HistogramVec, Registry};

use crate::plugin::Operation;

const BUCKETS: [f64; 6] = [0.005, 0.025, 0.1, 0.5, 1.0, 2.5];

/// Plugins that only change objects, or refuse them while the others change them; the other step is not counted for them.
const CHANGE: [&str; 13] = [
    "DefaultIngressClass",
    "DefaultStorageClass",
    "DefaultTolerationSeconds",
    "ExtendedResourceToleration",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionWebhook",
    "NamespaceAutoProvision",
    "NamespaceLifecycle",
    "NodeRestriction",
    "PodGroupProtection",
    "PodTopologyLabels",
    "StorageObjectInUseProtection",
    "TaintNodesByCondition",
];

/// Plugins that only look at what the others left.
const LOOK: [&str; 18] = [
    "CertificateApproval",
    "CertificateSigning",
    "CertificateSubjectRestriction",
    "ClusterTrustBundleAttest",
    "DenyServiceExternalIPs",
    "EventRateLimit",
    "JobValidation",
    "LimitPodHardAntiAffinityTopology",
    "NamespaceExists",
    "NodeDeclaredFeatureValidator",
    "OwnerReferencesPermissionEnforcement",
    "PersistentVolumeClaimResize",
    "PodGroupWorkloadExists",
    "PodResizeValidator",
    "PodSecurity",
    "ResourceQuota",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionWebhook",
];

/// What plugins are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To change the object.
    Admit,
    /// To look at what all have left.
    Validate,
}

impl Step {
    const ALL: [Self; 2] = [Self::Admit, Self::Validate];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Validate => "validate",
        }
    }

    /// Whether a plugin does anything in it.
    fn is_of(self, plugin: &str) -> bool {
        match self {
            Self::Admit => !LOOK.contains(&plugin),
            Self::Validate => !CHANGE.contains(&plugin),
        }
    }
}

/// Both families.
pub(crate) struct Metrics {
    step: Times,
    /// In the order of the plugins.
    plugins: Vec<Times>,
}

/// The times of one plugin, or of all together: one histogram for each step, operation and outcome that came up.
struct Times {
    family: HistogramVec,
    /// Empty for all together.
    plugin: &'static str,
    /// What it does anything in.
    steps: [bool; 2],
    made: [OnceLock<Histogram>; 16],
}

impl Metrics {
    /// Registers both families.
    pub(crate) fn new(registry: &Registry, plugins: &[&'static str]) -> prometheus::Result<Self> {
        let family = |name: &str, help: &str, labels: &[&str]| {
            let options = HistogramOpts::new(name, help).buckets(BUCKETS.to_vec());
            let family = HistogramVec::new(options, labels)?;
            registry.register(Box::new(family.clone()))?;
            prometheus::Result::Ok(family)
        };
        let step = family(
            "apiserver_admission_step_admission_duration_seconds",
            "[STABLE] How long all plugins together took, by step (admit, validate), operation and whether they refused.",
            &["type", "operation", "rejected"],
        )?;
        let each = family(
            "apiserver_admission_controller_admission_duration_seconds",
            "[STABLE] How long a plugin took, by step (admit, validate), operation and whether it refused.",
            &["name", "type", "operation", "rejected"],
        )?;
        Ok(Self {
            step: Times::new(step, ""),
            plugins: plugins.iter().map(|name| Times::new(each.clone(), name)).collect(),
        })
    }

    /// All plugins together were asked since then.
    pub(crate) fn observe_step(&self, step: Step, operation: Operation, since: Instant, outcome: &Result<(), Status>) {
        self.step.observe(step, operation, since, outcome);
    }

    /// The plugin at this place was asked since then.
    pub(crate) fn observe(
        &self,
        at: usize,
        step: Step,
        operation: Operation,
        since: Instant,
        outcome: &Result<(), Status>,
    ) {
        if let Some(times) = self.plugins.get(at) {
            times.observe(step, operation, since, outcome);
        }
    }
}

impl Times {
    fn new(family: HistogramVec, plugin: &'static str) -> Self {
        Self {
            family,
            plugin,
            steps: Step::ALL.map(|step| step.is_of(plugin)),
            made: Default::default(),
        }
    }

    fn observe(&self, step: Step, operation: Operation, since: Instant, outcome: &Result<(), Status>) {
        if !self.steps[step as usize] {
            return;
        }
        let rejected = outcome.is_err();
        let at = step as usize * 8 + operation as usize * 2 + usize::from(rejected);
        let histogram = self.made[at].get_or_init(|| {
            let name = (!self.plugin.is_empty()).then_some(self.plugin);
            let rejected = if rejected { "true" } else { "false" };
            let rest = [step.as_str(), operation.as_str(), rejected];
            let labels: Vec<&str> = name.into_iter().chain(rest).collect();
            self.family.with_label_values(&labels)
        });
        histogram.observe(since.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use apiserver_api::status::Status;
    use prometheus::{Registry, TextEncoder};

    use super::{CHANGE, LOOK, Metrics, Step};
    use crate::plugin::Operation;

    const OPERATIONS: [Operation; 4] = [
        Operation::Create,
        Operation::Update,
        Operation::Delete,
        Operation::Connect,
    ];

    #[test]
    fn plugins_that_do_one_step_only_are_plugins() {
        let known = crate::chain::known();
        for name in CHANGE.iter().chain(&LOOK) {
            assert!(known.contains(name), "{name}");
        }
        assert!(CHANGE.iter().all(|name| !LOOK.contains(name)));
    }

    #[test]
    fn each_step_operation_and_outcome_has_its_own_times() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry, &["Priority"]).unwrap();
        let refused = Err(Status::internal("no"));
        for step in Step::ALL {
            for operation in OPERATIONS {
                for outcome in [&Ok(()), &refused] {
                    metrics.observe(0, step, operation, Instant::now(), outcome);
                    metrics.observe_step(step, operation, Instant::now(), outcome);
                }
            }
        }
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        let once = text
            .lines()
            .filter(|line| line.contains("_count{") && line.ends_with(" 1"));
        assert_eq!(once.count(), 32);
        let line = r#"name="Priority",operation="CONNECT",rejected="true",type="validate",le="0.005"} 1"#;
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn what_a_plugin_does_not_do_is_not_counted() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry, &["NodeRestriction", "PodSecurity"]).unwrap();
        for at in 0..2 {
            for step in Step::ALL {
                metrics.observe(at, step, Operation::Create, Instant::now(), &Ok(()));
            }
        }
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        let counts: Vec<&str> = text.lines().filter(|line| line.contains("_count{")).collect();
        assert_eq!(counts.len(), 2, "{text}");
        assert!(counts[0].contains("NodeRestriction") && counts[0].contains("admit"));
        assert!(counts[1].contains("PodSecurity") && counts[1].contains("validate"));
    }
}
