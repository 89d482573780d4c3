//! What is computed of lists of objects, and computed again once the cache has moved on.

use std::collections::HashMap;
use std::sync::Arc;

use apiserver_api::gvk::GroupResource;
use apiserver_api::tree::{Text, Tree};
use apiserver_storage::cache::Mark;
use apiserver_storage::cluster::Cluster;
use arc_swap::ArcSwap;
use parking_lot::RwLock;
use tokio::sync::Mutex;

static NAMESPACES: GroupResource = GroupResource::known("", "namespaces");

/// Something computed, and of which objects; of none before anything was.
pub(crate) struct Held<T> {
    pub(crate) mark: Option<Mark>,
    pub(crate) value: T,
}

/// Something that is computed of the objects of one resource. Readers share it without a lock; of those who find it old one
/// computes it, and the others wait for that one: however many ask, no more than one computation runs, and each sees what
/// the cache had when it asked.
pub(crate) struct Derived<T> {
    held: ArcSwap<Held<T>>,
    turn: Mutex<()>,
}

impl<T: Default> Default for Derived<T> {
    fn default() -> Self {
        Self {
            held: ArcSwap::from_pointee(Held {
                mark: None,
                value: T::default(),
            }),
            turn: Mutex::default(),
        }
    }
}

impl<T> Derived<T> {
    /// What was computed last, however old.
    pub(crate) fn held(&self) -> Arc<Held<T>> {
        self.held.load_full()
    }

    /// What follows from the objects as the cache has them now; of all namespaces where `namespace` is empty.
    pub(crate) async fn now(
        &self,
        cluster: &dyn Cluster,
        resource: &GroupResource,
        namespace: &str,
        compute: fn(&[Tree]) -> T,
    ) -> Arc<Held<T>> {
        let (before, asked) = (self.held(), cluster.mark(resource));
        if before.mark == Some(asked) {
            return before;
        }
        let _turn = self.turn.lock().await;
        let held = self.held();
        if !Arc::ptr_eq(&held, &before) && held.mark >= Some(asked) {
            return held;
        }
        // The mark first: what changes after it is seen again the next time.
        let mark = Some(cluster.mark(resource));
        let value = compute(&cluster.cached_list(resource, namespace));
        let held = Arc::new(Held { mark, value });
        self.held.store(Arc::clone(&held));
        held
    }
}

/// One `T` a namespace. Those of namespaces that are gone, or never were, are dropped from time to time.
pub(crate) struct Namespaced<T> {
    slots: RwLock<Slots<T>>,
}

struct Slots<T> {
    by_name: HashMap<Text, Arc<T>>,
    /// With so many it is time to look which are of use.
    sweep_at: usize,
}

/// How many slots more than twice those in use are kept.
const SPARE: usize = 64;

impl<T> Default for Namespaced<T> {
    fn default() -> Self {
        Self {
            slots: RwLock::new(Slots {
                by_name: HashMap::new(),
                sweep_at: SPARE,
            }),
        }
    }
}

impl<T: Default> Namespaced<T> {
    /// The one of a namespace, which is made where there is none.
    pub(crate) fn of(&self, cluster: &dyn Cluster, namespace: &str) -> Arc<T> {
        if let Some(slot) = self.slots.read().by_name.get(namespace) {
            return Arc::clone(slot);
        }
        let mut slots = self.slots.write();
        if slots.by_name.len() >= slots.sweep_at {
            let exists = |name: &Text, _: &mut Arc<T>| cluster.cached(&NAMESPACES, "", name).is_some();
            slots.by_name.retain(exists);
            slots.sweep_at = slots.by_name.len() * 2 + SPARE;
        }
        let slot = slots.by_name.entry(namespace.into()).or_default();
        Arc::clone(slot)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use apiserver_api::gvk::GroupResource;
    use apiserver_storage::cache::Mark;
    use apiserver_storage::cluster::Cluster;

    use super::{Derived, Held, NAMESPACES, Namespaced, SPARE};
    use crate::fake_cluster::FakeCluster;

    static PODS: GroupResource = GroupResource::known("", "pods");

    async fn count(derived: &Derived<usize>, cluster: &FakeCluster) -> usize {
        derived.now(cluster, &PODS, "", <[_]>::len).await.value
    }

    #[tokio::test]
    async fn it_is_computed_again_only_once_something_changed() {
        let (cluster, derived) = (FakeCluster::default(), Derived::default());
        assert_eq!((count(&derived, &cluster).await, cluster.lists()), (0, 1));
        assert_eq!((count(&derived, &cluster).await, cluster.lists()), (0, 1));
        cluster.put(&PODS, r#"{"metadata":{"name":"a","namespace":"n"}}"#);
        assert_eq!((count(&derived, &cluster).await, cluster.lists()), (1, 2));
        cluster.put(&NAMESPACES, r#"{"metadata":{"name":"n"}}"#);
        assert_eq!((count(&derived, &cluster).await, cluster.lists()), (1, 2));
    }

    #[tokio::test]
    async fn it_is_computed_again_after_the_store_went_back_and_on_to_the_same_revision() {
        let (cluster, derived) = (FakeCluster::default(), Derived::default());
        for name in ["a", "b"] {
            cluster.put(&PODS, &format!(r#"{{"metadata":{{"name":"{name}","namespace":"n"}}}}"#));
        }
        assert_eq!(count(&derived, &cluster).await, 2);
        let before = cluster.changed(&PODS);
        cluster.go_back();
        for _ in 0..2 {
            cluster.put(&PODS, r#"{"metadata":{"name":"c","namespace":"n"}}"#);
        }
        assert_eq!(cluster.changed(&PODS), before);
        assert_eq!(count(&derived, &cluster).await, 1);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn those_who_ask_at_once_share_a_computation_and_see_what_was_written_before() {
        let (cluster, derived) = (Arc::new(FakeCluster::default()), Arc::new(Derived::default()));
        let tasks = base::task::Tasks::new();
        let asking: Vec<_> = (0..40)
            .map(|at| {
                let (cluster, derived) = (Arc::clone(&cluster), Arc::clone(&derived));
                tasks.spawn_value("asking", async move {
                    cluster.put(&PODS, &format!(r#"{{"metadata":{{"name":"p{at}","namespace":"n"}}}}"#));
                    let held = derived
                        .now(&*cluster, &PODS, "", |pods| {
                            pods.iter()
                                .map(|pod| apiserver_api::meta::name(pod).to_owned())
                                .collect::<Vec<_>>()
                        })
                        .await;
                    held.value.contains(&format!("p{at}"))
                })
            })
            .collect();
        for one in asking {
            assert!(one.await.unwrap());
        }
        assert!(cluster.lists() <= 41);
    }

    #[tokio::test]
    async fn who_waits_takes_what_another_computed_only_where_it_is_new_enough() {
        for (revision, lists) in [(1, 1), (2, 0)] {
            let (cluster, derived) = (Arc::new(FakeCluster::default()), Arc::new(Derived::<usize>::default()));
            cluster.put(&PODS, r#"{"metadata":{"name":"a","namespace":"n"}}"#);
            cluster.put(&PODS, r#"{"metadata":{"name":"b","namespace":"n"}}"#);
            let turn = derived.turn.lock().await;
            let tasks = base::task::Tasks::new();
            let waiting = {
                let (cluster, derived) = (Arc::clone(&cluster), Arc::clone(&derived));
                tasks.spawn_value("waiting", async move { count(&derived, &cluster).await })
            };
            tokio::task::yield_now().await;
            let mark = Some(Mark { readings: 0, revision });
            derived.held.store(Arc::new(Held { mark, value: 2 }));
            drop(turn);
            assert_eq!((waiting.await, cluster.lists()), (Some(2), lists));
        }
    }

    #[tokio::test]
    async fn namespaces_that_never_were_are_dropped() {
        let (cluster, slots) = (FakeCluster::default(), Namespaced::<u8>::default());
        cluster.put(&NAMESPACES, r#"{"metadata":{"name":"real"}}"#);
        let real = slots.of(&cluster, "real");
        for at in 0..10 * SPARE {
            slots.of(&cluster, &format!("n{at}"));
            assert!(slots.slots.read().by_name.len() <= 2 * SPARE);
        }
        assert!(Arc::ptr_eq(&real, &slots.of(&cluster, "real")));
    }
}
