//! `apiserver_admission_*`: how long plugins and the two steps took, and whether they refused.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use apiserver_api::status::Status;
use prometheus::{Histogram, HistogramOpts, HistogramVec, Registry};

use crate::plugin::Operation;
use crate::step::Step;
use crate::summary::{Summaries, Summary};

/// Steps, operations and outcomes that there are.
const WAYS: usize = 16;
const BUCKETS: [f64; 6] = [0.005, 0.025, 0.1, 0.5, 1.0, 2.5];

/// All families.
pub(crate) struct Metrics {
    step: Times,
    summaries: Summaries,
    /// The summaries of the steps.
    made: [OnceLock<Arc<Summary>>; WAYS],
    /// In the order of the plugins.
    plugins: Vec<Times>,
}

/// The times of one plugin, or of all together: one histogram for each step, operation and outcome that came up.
struct Times {
    family: HistogramVec,
    /// Empty for all together.
    plugin: &'static str,
    made: [OnceLock<Histogram>; WAYS],
}

impl Metrics {
    /// Registers all families.
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
        let summaries = Summaries::new(
            "apiserver_admission_step_admission_duration_seconds_summary",
            "[ALPHA] How long all plugins took together in the last hours, by step, operation and whether they refused.",
            &["type", "operation", "rejected"],
        )?;
        registry.register(Box::new(summaries.clone()))?;
        let each = family(
            "apiserver_admission_controller_admission_duration_seconds",
            "[STABLE] How long a plugin took, by step (admit, validate), operation and whether it refused.",
            &["name", "type", "operation", "rejected"],
        )?;
        Ok(Self {
            step: Times::new(step, ""),
            summaries,
            made: Default::default(),
            plugins: plugins.iter().map(|name| Times::new(each.clone(), name)).collect(),
        })
    }

    /// All plugins together took so long.
    pub(crate) fn observe_step(&self, step: Step, operation: Operation, took: Duration, outcome: &Result<(), Status>) {
        self.step.observe(step, operation, took, outcome);
        let (rejected, now) = (outcome.is_err(), Instant::now());
        let labels = [step.as_str(), operation.as_str(), word(rejected)];
        let summary = self.made[way(step, operation, rejected)].get_or_init(|| self.summaries.make(&labels, now));
        summary.observe(took, now);
    }

    /// The plugin at this place took so long.
    pub(crate) fn observe(
        &self,
        at: usize,
        step: Step,
        operation: Operation,
        took: Duration,
        outcome: &Result<(), Status>,
    ) {
        if let Some(times) = self.plugins.get(at) {
            times.observe(step, operation, took, outcome);
        }
    }
}

/// The place of a step, an operation and an outcome among all.
fn way(step: Step, operation: Operation, rejected: bool) -> usize {
    step as usize * 8 + operation as usize * 2 + usize::from(rejected)
}

const fn word(rejected: bool) -> &'static str {
    if rejected { "true" } else { "false" }
}

impl Times {
    fn new(family: HistogramVec, plugin: &'static str) -> Self {
        Self {
            family,
            plugin,
            made: Default::default(),
        }
    }

    fn observe(&self, step: Step, operation: Operation, took: Duration, outcome: &Result<(), Status>) {
        let rejected = outcome.is_err();
        let histogram = self.made[way(step, operation, rejected)].get_or_init(|| {
            let name = (!self.plugin.is_empty()).then_some(self.plugin);
            let rest = [step.as_str(), operation.as_str(), word(rejected)];
            let labels: Vec<&str> = name.into_iter().chain(rest).collect();
            self.family.with_label_values(&labels)
        });
        histogram.observe(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use apiserver_api::status::Status;
    use prometheus::{Registry, TextEncoder};

    use super::Metrics;
    use crate::plugin::Operation;
    use crate::step::Step;

    const OPERATIONS: [Operation; 4] = [
        Operation::Create,
        Operation::Update,
        Operation::Delete,
        Operation::Connect,
    ];

    #[test]
    fn each_step_operation_and_outcome_has_its_own_times() {
        let registry = Registry::new();
        let metrics = Metrics::new(&registry, &["Priority"]).unwrap();
        let refused = Err(Status::internal("no"));
        for step in Step::ALL {
            for operation in OPERATIONS {
                for outcome in [&Ok(()), &refused] {
                    metrics.observe(0, step, operation, Duration::ZERO, outcome);
                    metrics.observe_step(step, operation, Duration::ZERO, outcome);
                }
            }
        }
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        let once = text
            .lines()
            .filter(|line| line.contains("_count{") && line.ends_with(" 1"));
        assert_eq!(once.count(), 48);
        let line = r#"name="Priority",operation="CONNECT",rejected="true",type="validate",le="0.005"} 1"#;
        assert!(text.contains(line), "{text}");
        let line = r#"duration_seconds_summary{operation="DELETE",rejected="false",type="admit",quantile="0.99"} 0"#;
        assert!(text.contains(line), "{text}");
    }
}
