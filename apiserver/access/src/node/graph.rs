//! What belongs to a node: its pods, what they name, and what their volumes name.
//!
//! The pods of a namespace are gone through again when a node asks for something there that was not known to be its own and
//! pods have changed since; what was known is looked up in its pod, which costs no list. Pods change all the time, and what
//! they name does not.

use std::collections::HashMap;
use std::sync::Arc;

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::tree::{Text, Tree};
use apiserver_storage::cluster::Cluster;

use super::references::{claim_of, node_of, of_pod, of_volume};
use crate::derived::{Derived, Namespaced};

static PODS: GroupResource = GroupResource::known("", "pods");
static VOLUMES: GroupResource = GroupResource::known("", "persistentvolumes");
static ATTACHMENTS: GroupResource = GroupResource::known("storage.k8s.io", "volumeattachments");
static SLICES: GroupResource = GroupResource::known("resource.k8s.io", "resourceslices");

/// In so many pods it is looked whether they still name something, before all pods are gone through again.
const PROOFS_MAX: usize = 4;

/// The kinds of what may belong to a node. The first ones are named by pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Secret,
    ConfigMap,
    Claim,
    ServiceAccount,
    ResourceClaim,
    Volume,
    Pod,
    Attachment,
    Slice,
}

/// How many kinds pods name.
const NAMED: usize = 5;

/// The names of the pods that name something, by what they name.
type Namers = HashMap<Text, Vec<Text>>;

/// What the pods of a namespace name, by the node that they are on.
#[derive(Default)]
struct Pods {
    by_node: HashMap<Text, [Namers; NAMED]>,
}

impl Pods {
    fn of(pods: &[Tree]) -> Self {
        let mut all = Self::default();
        for pod in pods {
            let node = node_of(pod);
            if node.is_empty() {
                continue;
            }
            let on_node = all.by_node.entry(node.into()).or_default();
            of_pod(pod, &mut |kind, name| {
                if let Some(namers) = on_node.get_mut(kind as usize) {
                    let namers = namers.entry(name.into()).or_default();
                    // A pod that names it twice does so in a row.
                    if namers.last().is_none_or(|last| last != meta::name(pod)) {
                        namers.push(meta::name(pod).into());
                    }
                }
            });
        }
        all
    }

    /// The pods on a node that name this.
    fn namers(&self, node: &str, kind: Kind, name: &str) -> &[Text] {
        let on_node = self.by_node.get(node).and_then(|kinds| kinds.get(kind as usize));
        on_node.and_then(|namers| namers.get(name)).map_or(&[], Vec::as_slice)
    }
}

/// The claims of the volumes that need a secret, by the secret.
#[derive(Default)]
struct Secrets {
    claims: HashMap<(Text, Text), Vec<(Text, Text)>>,
}

impl Secrets {
    fn of(volumes: &[Tree]) -> Self {
        let mut all = Self::default();
        for volume in volumes {
            let Some((namespace, name)) = claim_of(volume) else {
                continue;
            };
            of_volume(volume, &mut |of, secret| {
                let claims = all.claims.entry((of.into(), secret.into())).or_default();
                claims.push((namespace.into(), name.into()));
            });
        }
        all
    }
}

/// What belongs to which node, as far as anybody asked.
pub(super) struct Graph {
    cluster: Arc<dyn Cluster>,
    pods: Namespaced<Derived<Pods>>,
    secrets: Derived<Secrets>,
}

impl Graph {
    /// Of this cluster.
    pub(super) fn new(cluster: Arc<dyn Cluster>) -> Self {
        Self {
            cluster,
            pods: Namespaced::default(),
            secrets: Derived::default(),
        }
    }

    /// Whether an object belongs to a node.
    pub(super) async fn connects(&self, node: &str, kind: Kind, namespace: &str, name: &str) -> bool {
        match kind {
            Kind::Pod => self.is_on(&PODS, namespace, name, node),
            Kind::Attachment => self.is_on(&ATTACHMENTS, "", name, node),
            Kind::Slice => self.is_on(&SLICES, "", name, node),
            Kind::Volume => {
                let volume = self.cluster.cached(&VOLUMES, "", name).unwrap_or_default();
                match claim_of(&volume) {
                    Some((namespace, claim)) => self.names(node, Kind::Claim, namespace, claim).await,
                    None => false,
                }
            }
            Kind::Secret => self.names_secret(node, namespace, name).await,
            _ => self.names(node, kind, namespace, name).await,
        }
    }

    /// These say in their spec which node they are of.
    fn is_on(&self, resource: &GroupResource, namespace: &str, name: &str, node: &str) -> bool {
        let object = self.cluster.cached(resource, namespace, name);
        object.is_some_and(|object| node_of(&object) == node)
    }

    /// Whether a pod on the node names this.
    async fn names(&self, node: &str, kind: Kind, namespace: &str, name: &str) -> bool {
        self.is_known(node, kind, namespace, name) || self.is_found(node, kind, namespace, name).await
    }

    /// A secret may be of a pod, or of a volume whose claim is of a pod. What is known is looked up first for both.
    async fn names_secret(&self, node: &str, namespace: &str, name: &str) -> bool {
        if self.is_known(node, Kind::Secret, namespace, name) {
            return true;
        }
        let secrets = self.secrets.now(&*self.cluster, &VOLUMES, "", Secrets::of).await;
        let key = (namespace.into(), name.into());
        let claims = secrets.value.claims.get(&key).map_or(&[][..], Vec::as_slice);
        if claims
            .iter()
            .any(|(of, claim)| self.is_known(node, Kind::Claim, of, claim))
        {
            return true;
        }
        if self.is_found(node, Kind::Secret, namespace, name).await {
            return true;
        }
        for (of, claim) in claims {
            if self.is_found(node, Kind::Claim, of, claim).await {
                return true;
            }
        }
        false
    }

    /// Whether a pod that named this when pods were last gone through still does.
    fn is_known(&self, node: &str, kind: Kind, namespace: &str, name: &str) -> bool {
        let held = self.pods.of(&*self.cluster, namespace).held();
        let namers = held.value.namers(node, kind, name);
        if namers.is_empty() || held.mark == Some(self.cluster.mark(&PODS)) {
            return !namers.is_empty();
        }
        namers.iter().take(PROOFS_MAX).any(|pod| {
            let pod = self.cluster.cached(&PODS, namespace, pod).unwrap_or_default();
            let mut names_it = false;
            of_pod(&pod, &mut |other, named| names_it |= other == kind && named == name);
            names_it && node_of(&pod) == node
        })
    }

    /// Whether a pod names this now.
    async fn is_found(&self, node: &str, kind: Kind, namespace: &str, name: &str) -> bool {
        let pods = self.pods.of(&*self.cluster, namespace);
        let held = pods.now(&*self.cluster, &PODS, namespace, Pods::of).await;
        !held.value.namers(node, kind, name).is_empty()
    }
}
