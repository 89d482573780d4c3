//! What the rules of a part need to know of the whole: volumes and claims by name, and what an object of old may keep.

use std::collections::{BTreeMap, BTreeSet};

use apiserver_api::labels::{self, Leniency};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Map, Tree};

use super::{containers, paths, resources, security};
use crate::amounts::{amount, is_huge_page};

/// A mistake that an object may keep, since it had it already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// A cost of deletion that is no number.
    DeletionCost,
    /// Values that no label has, in selectors of affinities.
    SelectorValues,
    /// The same in required node affinities.
    NodeValues,
    /// Selectors of spread constraints that are wrong.
    SpreadSelectors,
    /// Keys that stand in a spread constraint's selector and beside it.
    SpreadKeys,
    /// Huge pages that do not come in whole pages.
    HugePages,
    /// Projected tokens outside their volume.
    TokenPaths,
    /// Sysctls of namespaces that are the host's.
    HostSysctls,
    /// Addresses that are ambiguous.
    LooseAddresses,
}

/// Where a spec stands, and what is forgiven.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// The spec is that of a pod, not of a template.
    pub(crate) is_pod: bool,
    /// A bit for each [`Mistake`].
    forgiven: u16,
}

impl Options {
    /// For an object that takes the place of `old`.
    pub(crate) fn new(is_pod: bool, old: Option<&Tree>) -> Self {
        let mut options = Self { is_pod, forgiven: 0 };
        let Some(old) = old else {
            return options;
        };
        let (spec, affinity) = (old.at("spec"), old.at("spec").at("affinity"));
        let cost = super::annotations::deletion_cost(old.at("metadata"));
        for (mistake, had) in [
            (Mistake::DeletionCost, cost.is_err()),
            (Mistake::SelectorValues, has_wrong_selector_values(affinity)),
            (Mistake::NodeValues, has_wrong_node_values(affinity)),
            (Mistake::SpreadSelectors, has_wrong_spread_selectors(spec)),
            (Mistake::SpreadKeys, super::spread::has_doubled_keys(spec)),
            (Mistake::HugePages, has_split_huge_pages(spec)),
            (Mistake::TokenPaths, has_token_outside(spec)),
            (Mistake::HostSysctls, security::has_host_sysctl(spec)),
            (Mistake::LooseAddresses, super::dns::has_loose_addresses(spec)),
        ] {
            options.forgiven |= u16::from(had) << mistake as u16;
        }
        options
    }

    /// Whether an object may have this wrong.
    pub(crate) const fn forgives(self, mistake: Mistake) -> bool {
        self.forgiven & (1 << mistake as u16) != 0
    }
}

/// A spec with what its parts refer to.
pub(crate) struct Scope<'a> {
    pub(super) spec: &'a Tree,
    pub(super) options: Options,
    /// The volumes that have nothing wrong with them.
    pub(super) volumes: BTreeMap<&'a str, &'a Tree>,
    /// The names of the pod's resource claims.
    pub(super) claims: BTreeSet<&'a str>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(spec: &'a Tree, options: Options, volumes: BTreeMap<&'a str, &'a Tree>) -> Self {
        let claims = spec.items("resourceClaims").iter().map(|claim| claim.text("name"));
        Self {
            spec,
            options,
            volumes,
            claims: claims.filter(|name| !name.is_empty()).collect(),
        }
    }

    /// How many seconds the pod has to end.
    pub(super) fn grace(&self) -> Option<i64> {
        self.spec.at("terminationGracePeriodSeconds").as_int()
    }

    /// Whether users in the pod are those of the host, which they are where nothing is said.
    pub(super) fn host_users(&self) -> bool {
        self.spec.at("hostUsers") != &Tree::Bool(false)
    }
}

#[cfg(test)]
impl<'a> Scope<'a> {
    pub(super) fn for_tests(spec: &'a Tree) -> Self {
        let volumes = spec.items("volumes").iter().map(|one| (one.text("name"), one));
        Self::new(spec, Options::default(), volumes.collect())
    }
}

/// The terms of both affinities to pods.
pub(super) fn pod_terms(affinity: &Tree) -> impl Iterator<Item = &Tree> {
    ["podAffinity", "podAntiAffinity"].into_iter().flat_map(|kind| {
        let half = affinity.at(kind);
        let preferred = half.items("preferredDuringSchedulingIgnoredDuringExecution").iter();
        half.items("requiredDuringSchedulingIgnoredDuringExecution")
            .iter()
            .chain(preferred.map(|term| term.at("podAffinityTerm")))
    })
}

fn is_wrong(selector: &Tree) -> bool {
    let mut refusals = Refusals::new();
    labels::validate(&Path::root(), selector, Leniency::default(), &mut refusals);
    !refusals.is_empty()
}

fn has_wrong_selector_values(affinity: &Tree) -> bool {
    pod_terms(affinity).any(|term| is_wrong(term.at("labelSelector")) || is_wrong(term.at("namespaceSelector")))
}

fn has_wrong_node_values(affinity: &Tree) -> bool {
    let required = affinity.below(&["nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"]);
    let expressions = required.items("nodeSelectorTerms").iter();
    expressions
        .flat_map(|term| term.items("matchExpressions"))
        .flat_map(|expression| expression.items("values"))
        .any(|value| !apiserver_api::names::label_value(value.as_str().unwrap_or_default()).is_empty())
}

fn has_wrong_spread_selectors(spec: &Tree) -> bool {
    let constraints = spec.items("topologySpreadConstraints").iter();
    constraints.map(|one| one.at("labelSelector")).any(is_wrong)
}

fn has_split_huge_pages(spec: &Tree) -> bool {
    let lists = containers::all(spec).flat_map(|container| {
        let resources = container.at("resources");
        [resources.entries("limits"), resources.entries("requests")]
    });
    lists
        .chain([spec.entries("overhead")])
        .flat_map(Map::iter)
        .any(|(name, value)| is_huge_page(name) && !resources::is_whole_pages(name, &amount(value)))
}

fn has_token_outside(spec: &Tree) -> bool {
    let volumes = spec.items("volumes").iter();
    volumes
        .flat_map(|volume| volume.at("projected").items("sources"))
        .filter(|source| source.has("serviceAccountToken"))
        .any(|source| {
            let mut refusals = Refusals::new();
            paths::local(
                &Path::root(),
                source.at("serviceAccountToken").text("path"),
                &mut refusals,
            );
            !refusals.is_empty()
        })
}

#[cfg(test)]
mod tests {
    use super::{Mistake, Options};
    use crate::pod::testing::json;

    #[test]
    fn what_an_object_had_already_is_forgiven() {
        let fine = json(r#"{"spec":{"topologySpreadConstraints":[{"labelSelector":{}}]}}"#);
        assert!(!Options::new(false, Some(&fine)).forgives(Mistake::SpreadSelectors));
        let old = json(
            r#"{"metadata":{"annotations":{"controller.kubernetes.io/pod-deletion-cost":"x"}},
                "spec":{"topologySpreadConstraints":[{"labelSelector":{"matchLabels":{"-":"a"}}}],
                "overhead":{"hugepages-2Mi":"1"},
                "volumes":[{"projected":{"sources":[{"serviceAccountToken":{"path":"../x"}}]}}],
                "affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[
                    {"labelSelector":{"matchLabels":{"a":"-"}}}]}}}}"#,
        );
        let options = Options::new(true, Some(&old));
        for (mistake, forgiven) in [
            (Mistake::DeletionCost, true),
            (Mistake::SelectorValues, true),
            (Mistake::SpreadSelectors, true),
            (Mistake::HugePages, true),
            (Mistake::TokenPaths, true),
            (Mistake::NodeValues, false),
            (Mistake::SpreadKeys, false),
            (Mistake::HostSysctls, false),
            (Mistake::LooseAddresses, false),
        ] {
            assert_eq!(options.forgives(mistake), forgiven, "{mistake:?}");
        }
    }
}
