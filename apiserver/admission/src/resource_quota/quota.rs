//! A quota as it is counted with.

use apiserver_api::meta;
use apiserver_api::tree::Tree;
use apiserver_kinds::amounts::Amounts;

use super::scope::Scope;

/// A quota.
#[derive(Clone, Debug)]
pub(super) struct Quota {
    object: Tree,
    /// For which objects it is: those of all scopes.
    pub(super) scopes: Vec<Scope>,
    /// How much there may be, as far as the controller has seen it.
    pub(super) hard: Amounts,
    /// How much is used.
    pub(super) used: Amounts,
}

impl Quota {
    pub(super) fn read(object: Tree) -> Self {
        let (spec, status) = (object.at("spec"), object.at("status"));
        let named = spec.items("scopes").iter().filter_map(Tree::as_str).map(Scope::named);
        let selected = spec
            .at("scopeSelector")
            .items("matchExpressions")
            .iter()
            .map(Scope::read);
        Self {
            scopes: named.chain(selected).collect(),
            hard: Amounts::read(status.entries("hard")),
            used: Amounts::read(status.entries("used")),
            object,
        }
    }

    pub(super) fn name(&self) -> &str {
        meta::name(&self.object)
    }

    /// The object with what is used now.
    pub(super) fn charged(&self) -> Tree {
        let mut object = self.object.clone();
        object.child("status").set("used", self.used.to_map());
        object
    }

    /// Whether it is known how much is used of each of these that is limited (`hasUsageStats`).
    pub(super) fn knows(&self, names: &[&str]) -> bool {
        let mut limited = names.iter().filter(|name| self.hard.get(name).is_some());
        limited.all(|name| self.used.get(name).is_some())
    }
}
