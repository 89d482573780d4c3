//! Services: how many there are, how many ports of nodes and how many balancers of load they take.

use apiserver_api::tree::Tree;
use apiserver_kinds::amounts::{Amounts, count};

use super::evaluate::{Around, Evaluator};
use crate::plugin::Operation;

const COUNT: &str = "count/services";
const SERVICES: &str = "services";
const PORTS: &str = "services.nodeports";
const BALANCERS: &str = "services.loadbalancers";

/// Services.
pub(super) struct Services;

impl Evaluator for Services {
    fn handles(&self, operation: Operation, subresource: &str, _object: &Tree, _old: Option<&Tree>) -> bool {
        subresource.is_empty() && matches!(operation, Operation::Create | Operation::Update)
    }

    fn uses(&self, _around: &Around<'_>, resource: &str) -> bool {
        [COUNT, SERVICES, PORTS, BALANCERS].contains(&resource)
    }

    fn usage(&self, _around: &Around<'_>, object: &Tree) -> Amounts {
        let spec = object.at("spec");
        let ports = spec.items("ports");
        let (balances, allocates) = match spec.text("type") {
            "NodePort" => (false, true),
            "LoadBalancer" => (true, spec.at("allocateLoadBalancerNodePorts") != &Tree::Bool(false)),
            _ => (false, false),
        };
        let ports = match (balances, allocates) {
            (_, true) => ports.len(),
            // Where none are given out, those that were asked for by number are taken.
            (true, false) => ports.iter().filter(|port| port.int("nodePort") > 0).count(),
            (false, false) => 0,
        };
        let mut used = Amounts::default();
        used.set(COUNT, count(1));
        used.set(SERVICES, count(1));
        used.set(PORTS, count(i64::try_from(ports).unwrap_or(i64::MAX)));
        used.set(BALANCERS, count(balances.into()));
        used
    }
}
