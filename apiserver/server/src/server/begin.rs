//! What is started once the caches are filled.

use std::sync::Arc;
use std::time::Duration;

use apiserver_access::bootstrap;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::stores::Stores;
use crate::health::Health;
use crate::inside::{self, Inside};

/// What is started once the caches are filled.
pub(super) struct Begin {
    pub(super) health: Arc<Health>,
    pub(super) ready: watch::Sender<bool>,
    pub(super) stores: Arc<Stores>,
    pub(super) inside: inside::Parts,
    pub(super) options: inside::Options,
    pub(super) has_rbac: bool,
    /// How long the first hook waits for the stores.
    pub(super) patience: Duration,
    /// Where what runs inside is kept, until it is to stop.
    pub(super) running: Arc<Mutex<Option<Inside>>>,
}

/// After a failure to read the store it is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// The hooks that [`Begin::run`] begins.
pub(super) const fn hooks(has_rbac: bool) -> &'static [&'static str] {
    if has_rbac {
        &["storage-readiness", "rbac/bootstrap-roles"]
    } else {
        &["storage-readiness"]
    }
}

impl Begin {
    pub(super) async fn run(self) {
        let readiness = self.inside.hooks.begin("storage-readiness");
        let filled = filled(self.stores.clone());
        tokio::pin!(filled);
        if tokio::time::timeout(self.patience, &mut filled).await.is_err() {
            tracing::warn!("deadline exceeded while waiting for storage readiness; ignoring");
            readiness.done();
            filled.await;
        } else {
            readiness.done();
        }
        if self.has_rbac {
            let hook = self.inside.hooks.begin("rbac/bootstrap-roles");
            match bootstrap::ensure(&*self.inside.cluster, &*self.inside.clock).await {
                Ok(_) => hook.done(),
                Err(error) => hook.failed(error.to_string()),
            }
        }
        match Inside::start(self.inside, self.options) {
            Ok(inside) => *self.running.lock() = Some(inside),
            Err(error) => tracing::error!(%error, "what runs inside the apiserver was not started"),
        }
        while !self.health.is_ready().await {
            tokio::time::sleep(PAUSE).await;
        }
        self.ready.send_replace(true);
    }
}

/// Waits until all caches are filled.
async fn filled(stores: Arc<Stores>) {
    for store in stores.all() {
        while store.reaches(1).await.is_err() {
            tokio::time::sleep(PAUSE).await;
        }
    }
}
