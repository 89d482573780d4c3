//! What all other parts of a server stand on: its store, what is counted, and the machine as its own parts know it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use apiserver_access::authenticate;
use apiserver_access::rbac::Rbac;
use apiserver_storage::cluster::Cluster;
use base::clock::Clock;
use base::random::Random;
use base::task::Tasks;
use parking_lot::Mutex;
use prometheus::Registry;
use tokio::sync::watch;

use super::begin::Begin;
use super::stores::Stores;
use super::{Config, Error};
use crate::catalog::Catalog;
use crate::discovery::Served;
use crate::health::{Health, Patience};
use crate::inside::addresses::ServiceAddresses;
use crate::inside::hooks::Hooks;
use crate::inside::{self, Inside};
use crate::machine::Late;
use crate::metrics::{Metrics, Page, Shown, ShownOptions};

/// What all other parts stand on.
pub(super) struct Ground {
    pub(super) registry: Registry,
    pub(super) metrics: Arc<Metrics>,
    pub(super) stores: Arc<Stores>,
    /// The machine, as its own parts know it.
    pub(super) late: Arc<Late>,
    pub(super) cluster: Arc<dyn Cluster>,
    pub(super) rbac: Arc<Rbac>,
    pub(super) services: ServiceAddresses,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    tasks: Tasks,
}

impl Ground {
    pub(super) fn lay(config: &Config, tasks: Tasks) -> Result<Self, Error> {
        let registry = Registry::new();
        let metrics = Arc::new(Metrics::new(&registry, &config.features)?);
        let counted = Arc::new(apiserver_storage::metrics::Metrics::new(&registry)?);
        let stores = Arc::new(Stores::open(&config.stores, &counted, &tasks));
        let late = Arc::new(Late::default());
        let cluster: Arc<dyn Cluster> = late.clone();
        let services = ServiceAddresses::new(
            cluster.clone(),
            config.random.clone(),
            &config.inside.service_ranges,
            config.inside.node_ports.clone(),
            &metrics,
        )?;
        let counted = metrics.clone();
        tasks.spawn_until("in-flight watermark", async move { counted.in_flight.run().await });
        Ok(Self {
            registry,
            metrics,
            stores,
            late,
            rbac: Arc::new(Rbac::new(cluster.clone())),
            cluster,
            services,
            clock: config.clock.clone(),
            random: config.random.clone(),
            tasks,
        })
    }

    pub(super) fn catalog(&self, served: &Served) -> Catalog {
        Catalog::new(served, |folder| self.stores.kept(folder))
    }

    pub(super) fn authentication(&self) -> Result<authenticate::Parts, Error> {
        Ok(authenticate::Parts {
            cluster: self.cluster.clone(),
            clock: self.clock.clone(),
            random: self.random.clone(),
            metrics: Arc::new(authenticate::Metrics::new(&self.registry)?),
        })
    }

    pub(super) fn health(&self, patience: Patience, hooks: &Hooks, stopping: &Arc<AtomicBool>) -> Arc<Health> {
        let (stores, metrics) = (self.stores.all().to_vec(), self.metrics.clone());
        Arc::new(Health::new(stores, patience, hooks.clone(), stopping.clone(), metrics))
    }

    pub(super) fn page(&self, shown: ShownOptions) -> Result<Page, Error> {
        Ok(Page {
            metrics: self.metrics.clone(),
            stores: self.stores.all().to_vec(),
            services: Some(self.services.clone()),
            shown: Shown::new(shown)?,
        })
    }

    /// Starts what runs inside once the caches are filled: where it is kept, and whether the server is ready.
    pub(super) fn begin(
        self,
        health: Arc<Health>,
        hooks: Hooks,
        options: inside::Options,
        has_rbac: bool,
        patience: Duration,
    ) -> (Arc<Mutex<Option<Inside>>>, watch::Receiver<bool>) {
        let running = Arc::new(Mutex::new(None));
        let (ready, is_ready) = watch::channel(false);
        let tasks = self.tasks.clone();
        let begin = Begin {
            health,
            ready,
            stores: self.stores,
            inside: inside::Parts {
                cluster: self.cluster,
                applier: self.late,
                clock: self.clock,
                random: self.random,
                tasks: self.tasks,
                hooks,
                metrics: self.metrics,
            },
            options: inside::Options {
                ready: is_ready.clone(),
                ..options
            },
            has_rbac,
            patience,
            running: running.clone(),
        };
        tasks.spawn_until("api start", begin.run());
        (running, is_ready)
    }
}
