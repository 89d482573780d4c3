//! The stores behind the server: one for all kinds, and others for single kinds (`--etcd-servers-overrides`).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use apiserver_api::gvk::GroupResource;
use apiserver_storage::metrics::Metrics;
use apiserver_storage::store::{Layout, Store};
use base::task::Tasks;
use store_client::Client;

use crate::catalog::{Catalog, Kept};
use crate::inside::compaction;

/// Where objects are kept, and how.
pub struct Options {
    /// The client of the store.
    pub client: Client,
    /// The stores of single kinds. Where several name a kind the last counts.
    pub apart: Vec<Apart>,
    /// Below which keys everything is, in each store.
    pub prefix: String,
    /// How many bytes of what happened are kept for each kind.
    pub history: usize,
    /// How long a lease of objects that die is shared at most (`--lease-reuse-duration-seconds`).
    pub lease_reuse: Duration,
    /// How often old revisions are compacted away; zero is never (`--etcd-compaction-interval`).
    pub compaction: Duration,
    /// The kinds whose lists are never older than the store when it was asked.
    pub uncached: Uncached,
}

/// A store of single kinds.
pub struct Apart {
    /// Which.
    pub kinds: Vec<GroupResource>,
    /// The client of the store.
    pub client: Client,
    /// Whether it has a server in common with a store before it, which is then compacted already.
    pub shared: bool,
}

/// Before which kinds no cache stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uncached {
    /// All (`--watch-cache=false`).
    All,
    /// These (`--watch-cache-sizes`).
    Some(Vec<GroupResource>),
}

/// The stores, that of all kinds first.
pub(super) struct Stores {
    all: Vec<Arc<Store>>,
    uncached: HashSet<String>,
}

impl Stores {
    /// Opens the stores, and has them compacted.
    pub(super) fn open(options: &Options, metrics: &Arc<Metrics>, tasks: &Tasks) -> Self {
        let (mut main, mut apart) = (Vec::new(), Vec::new());
        apart.resize_with(options.apart.len(), Vec::new);
        let mut uncached = HashSet::new();
        for layout in Catalog::layouts(options.history) {
            if options.uncached.has(&layout.resource) {
                uncached.insert(layout.folder.to_string());
            }
            let own = options
                .apart
                .iter()
                .rposition(|one| one.kinds.contains(&layout.resource));
            own.map_or(&mut main, |place| &mut apart[place]).push(layout);
        }
        let open = |client: &Client, layouts: Vec<Layout>| {
            let Options {
                prefix, lease_reuse, ..
            } = options;
            Store::open(client.clone(), prefix, layouts, *lease_reuse, metrics.clone(), tasks)
        };
        let mut all = vec![open(&options.client, main)];
        let mut compacted = vec![options.client.clone()];
        for (one, layouts) in options.apart.iter().zip(apart) {
            all.push(open(&one.client, layouts));
            if !one.shared {
                compacted.push(one.client.clone());
            }
        }
        if !options.compaction.is_zero() {
            for client in compacted {
                tasks.spawn_until("store compaction", compaction::run(client, options.compaction));
            }
            for store in &all {
                tasks.spawn_until("compacted revision", compaction::follow(store.clone()));
            }
        }
        Self { all, uncached }
    }

    /// All of them.
    pub(super) fn all(&self) -> &[Arc<Store>] {
        &self.all
    }

    /// Where a kind is, by its folder.
    pub(super) fn kept(&self, folder: &str) -> Option<Kept> {
        self.all.iter().find_map(|store| {
            Some(Kept {
                shelf: store.shelf(folder)?.clone(),
                store: store.clone(),
                cached: !self.uncached.contains(folder),
            })
        })
    }
}

impl Uncached {
    fn has(&self, resource: &GroupResource) -> bool {
        match self {
            Self::All => true,
            Self::Some(some) => some.contains(resource),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use apiserver_api::gvk::GroupResource;
    use apiserver_storage::metrics::Metrics;
    use base::task::Tasks;
    use prometheus::Registry;
    use store_client::{Client, Options as StoreOptions};

    use super::{Apart, Options, Stores, Uncached};

    #[tokio::test]
    async fn a_kind_is_where_the_flags_say_and_all_others_are_together() {
        let tasks = Tasks::new();
        let client = || Client::new(StoreOptions::new(["http://127.0.0.1:1"]), &tasks).unwrap();
        let apart = |kinds: &[(&str, &str)]| Apart {
            kinds: kinds
                .iter()
                .map(|(group, plural)| GroupResource::new(group, plural))
                .collect(),
            client: client(),
            shared: false,
        };
        let options = Options {
            client: client(),
            apart: vec![
                apart(&[("", "events"), ("", "pods")]),
                apart(&[("", "pods"), ("x", "y")]),
            ],
            prefix: "/registry".to_owned(),
            history: 1 << 10,
            lease_reuse: Duration::from_secs(60),
            compaction: Duration::ZERO,
            uncached: Uncached::Some(vec![GroupResource::new("", "events")]),
        };
        let metrics = Metrics::new(&Registry::new()).unwrap().into();
        let stores = Stores::open(&options, &metrics, &tasks);
        let place = |folder: &str| {
            let kept = stores.kept(folder).unwrap();
            let place = stores
                .all()
                .iter()
                .position(|store| std::sync::Arc::ptr_eq(store, &kept.store));
            (place.unwrap(), kept.cached)
        };
        assert_eq!(place("configmaps"), (0, true));
        assert_eq!(place("events"), (1, false));
        assert_eq!(place("pods"), (2, true));
        assert!(stores.all()[0].shelf("pods").is_none() && stores.kept("nopes").is_none());
        tasks.shutdown().await;
    }
}
