//! What bounds are held against: what each container of a pod asks for, a pod as a whole, or a claim.

use std::cell::OnceCell;
use std::slice;

use apiserver_api::tree::Tree;
use apiserver_kinds::amounts::Amounts;
use apiserver_kinds::pod_sum::{Counted, Half, of_pod};

pub(super) const CLAIM: &str = "PersistentVolumeClaim";
/// Limit ranges have a rule of their own for pods (`podRequests` and `podLimits` of upstream's plugin): a pod itself says only
/// of these resources how much it gets, not of huge pages, and neither its runtime counts nor what it has while it runs.
const COUNTED: Counted = Counted {
    running: false,
    whole: |name| matches!(name, "cpu" | "memory"),
    overhead: false,
};

/// What is asked for and what may be used.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) requests: Amounts,
    pub(super) limits: Amounts,
}

impl Asked {
    fn read(resources: &Tree) -> Self {
        Self {
            requests: Half::Requests.read(resources),
            limits: Half::Limits.read(resources),
        }
    }

    /// All names that it says something of, some of them twice.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.requests.names().chain(self.limits.names())
    }
}

/// A pod or a claim. It is read once, however many ranges it is held against.
pub(super) struct Subject<'o> {
    object: &'o Tree,
    is_pod: bool,
    containers: OnceCell<Vec<Asked>>,
    whole: OnceCell<Asked>,
}

impl<'o> Subject<'o> {
    pub(super) const fn new(object: &'o Tree, is_pod: bool) -> Self {
        Self {
            object,
            is_pod,
            containers: OnceCell::new(),
            whole: OnceCell::new(),
        }
    }

    /// What bounds of a kind are held against, in order.
    pub(super) fn parts(&self, kind: &str) -> &[Asked] {
        match (kind, self.is_pod) {
            ("Container", true) => self.containers.get_or_init(|| self.containers()),
            ("Pod", true) => slice::from_ref(self.whole.get_or_init(|| self.pod())),
            (CLAIM, false) => slice::from_ref(self.whole.get_or_init(|| self.claim())),
            _ => &[],
        }
    }

    fn containers(&self) -> Vec<Asked> {
        let lists = ["containers", "initContainers"].into_iter();
        let containers = lists.flat_map(|list| self.object.at("spec").items(list));
        containers
            .map(|container| Asked::read(container.at("resources")))
            .collect()
    }

    fn pod(&self) -> Asked {
        let sum = |half| of_pod(self.object, half, COUNTED);
        Asked {
            requests: sum(Half::Requests),
            limits: sum(Half::Limits),
        }
    }

    /// Of claims only requests count.
    fn claim(&self) -> Asked {
        let resources = self.object.below(&["spec", "resources"]);
        Asked {
            requests: Half::Requests.read(resources),
            ..Asked::default()
        }
    }
}
