//! Objects of any kind, counted: `count/deployments.apps`.

use apiserver_api::gvk::GroupResource;
use apiserver_api::tree::Tree;
use apiserver_kinds::amounts::{Amounts, count};

use super::evaluate::{Around, Evaluator};
use crate::plugin::Operation;

/// What was counted under its own name before everything was.
const ALIASES: &[&str] = &["configmaps", "replicationcontrollers", "resourcequotas", "secrets"];

/// Objects of a resource.
pub(super) struct Counts<'r>(pub(super) &'r GroupResource);

impl Counts<'_> {
    fn names(&self) -> impl Iterator<Item = String> {
        let Self(GroupResource { group, resource }) = self;
        let alias = group.is_empty() && ALIASES.contains(&resource.as_str());
        let alias = alias.then(|| resource.to_string());
        [format!("count/{}", self.0)].into_iter().chain(alias)
    }
}

impl Evaluator for Counts<'_> {
    fn handles(&self, operation: Operation, subresource: &str, _object: &Tree, _old: Option<&Tree>) -> bool {
        operation == Operation::Create && subresource.is_empty()
    }

    fn uses(&self, _around: &Around<'_>, resource: &str) -> bool {
        self.names().any(|name| name == resource)
    }

    fn usage(&self, _around: &Around<'_>, _object: &Tree) -> Amounts {
        let mut used = Amounts::default();
        for name in self.names() {
            used.set(&name, count(1));
        }
        used
    }
}
