//! `apiserver_nodeport_repair_*`: what the repair of nodes' ports found, and how often it failed.

use prometheus::{IntCounter, IntCounterVec};

use super::Make;

/// What the repair is counted on. Cheap to clone.
#[derive(Clone)]
pub(crate) struct PortRepairs {
    ports: IntCounterVec,
    failures: IntCounter,
}

/// What may be wrong with a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PortError {
    /// It was taken, and no service has it.
    Leak,
    /// A service has it, and nobody took it.
    Repair,
    /// Two services have it.
    Duplicate,
    /// It is none of those that services may have.
    OutOfRange,
}

impl PortRepairs {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            ports: make.counters(
                "apiserver_nodeport_repair_port_errors_total",
                "[ALPHA] Ports of nodes with which something was wrong, by what it was.",
                &["type"],
            )?,
            failures: make.counter(
                "apiserver_nodeport_repair_reconcile_errors_total",
                "[ALPHA] How often the repair of ports of nodes failed, or others were faster.",
            )?,
        })
    }

    /// Something was wrong with a port.
    pub(crate) fn found(&self, error: PortError) {
        let name = match error {
            PortError::Leak => "leak",
            PortError::Repair => "repair",
            PortError::Duplicate => "duplicate",
            PortError::OutOfRange => "outOfRange",
        };
        self.ports.with_label_values(&[name]).inc();
    }

    /// How often something of a type was wrong.
    #[cfg(test)]
    pub(crate) fn count(&self, sort: &str) -> u64 {
        self.ports.with_label_values(&[sort]).get()
    }

    /// What is taken was not written.
    pub(crate) fn failed(&self) {
        self.failures.inc();
    }
}

#[cfg(test)]
mod tests {
    use super::PortError;
    use crate::metrics::tests::Trial;

    #[test]
    fn what_is_wrong_with_ports_is_told_and_so_are_failures() {
        let trial = Trial::new();
        trial.shows(&["apiserver_nodeport_repair_reconcile_errors_total 0"]);
        let repairs = &trial.metrics.port_repairs;
        repairs.found(PortError::OutOfRange);
        repairs.failed();
        trial.shows(&[
            r#"apiserver_nodeport_repair_port_errors_total{type="outOfRange"} 1"#,
            "apiserver_nodeport_repair_reconcile_errors_total 1",
        ]);
    }
}
