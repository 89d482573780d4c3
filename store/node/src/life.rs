//! The end of a member: which requests are still let in, why it stopped, and the orderly way out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proto::fault::Fault;
use tokio::sync::watch;

use crate::Member;
use crate::error::{Error, Result};

/// Why a member ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The cluster removed it; its data is of no use any more.
    Removed,
    /// It was asked to.
    Shutdown,
    /// It cannot go on; the text says why.
    Fatal(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    Stopping(Stop),
    Stopped(Stop),
}

/// How far a member's life has come.
pub(crate) struct Life {
    phase: watch::Sender<Phase>,
    ready: watch::Sender<bool>,
    requests: Arc<AtomicUsize>,
}

/// A request that is let in; shutdown waits for it.
pub(crate) struct Inside(Arc<AtomicUsize>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Life {
    pub(crate) fn new() -> Self {
        Self {
            phase: watch::Sender::new(Phase::Running),
            ready: watch::Sender::new(false),
            requests: Arc::new(AtomicUsize::new(0)),
        }
    }

    /// Lets a request in, unless the member is on its way out.
    pub(crate) fn enter(&self) -> Result<Inside> {
        self.requests.fetch_add(1, Ordering::AcqRel);
        let inside = Inside(Arc::clone(&self.requests));
        if *self.phase.borrow() == Phase::Running {
            Ok(inside)
        } else {
            Err(Fault::Stopped.into())
        }
    }

    /// Resolves once no new requests are let in.
    pub(crate) async fn stopping(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.phase.subscribe().wait_for(|phase| *phase != Phase::Running).await;
    }

    pub(crate) fn is_running(&self) -> bool {
        *self.phase.borrow() == Phase::Running
    }

    pub(crate) fn set_ready(&self) {
        self.ready.send_replace(true);
    }

    /// Marks the end as begun; the first reason stands.
    pub(crate) fn begin(&self, why: Stop) {
        begin(&self.phase, why);
    }

    /// The same, for whoever outlives this.
    pub(crate) fn stopper(&self) -> impl Fn(Stop) + Send + Sync + 'static {
        let phase = self.phase.clone();
        move |why| begin(&phase, why)
    }

    fn finish(&self) {
        self.phase.send_modify(|phase| {
            if let Phase::Stopping(why) = phase {
                *phase = Phase::Stopped(why.clone());
            }
        });
    }
}

fn begin(phase: &watch::Sender<Phase>, why: Stop) {
    phase.send_if_modified(|phase| {
        let first = *phase == Phase::Running;
        if first {
            *phase = Phase::Stopping(why);
        }
        first
    });
}

/// How often shutdown looks whether the last requests have ended.
const DRAIN_STEP: Duration = Duration::from_millis(5);

impl Member {
    /// Resolves once a leader is known and this member's name and client URLs are published.
    ///
    /// # Errors
    /// [`Fault::Stopped`] when the member ends before.
    pub async fn ready(&self) -> Result<()> {
        let mut ready = self.life.ready.subscribe();
        tokio::select! {
            _ = ready.wait_for(|ready| *ready) => Ok(()),
            () = self.life.stopping() => Err(Error::Fault(Fault::Stopped)),
        }
    }

    /// Resolves when the member has ended, or must be ended: after [`Stop::Removed`] and [`Stop::Fatal`] the program
    /// calls [`shutdown`](Self::shutdown) to leave in order.
    pub async fn stopped(&self) -> Stop {
        let mut phase = self.life.phase.subscribe();
        let ended = phase.wait_for(|phase| match phase {
            Phase::Running => false,
            Phase::Stopping(why) => *why != Stop::Shutdown,
            Phase::Stopped(_) => true,
        });
        match ended.await.map(|phase| phase.clone()) {
            Ok(Phase::Stopping(why) | Phase::Stopped(why)) => why,
            _ => Stop::Shutdown,
        }
    }

    /// Leaves in order: no new requests, leadership handed over, requests under way finished, the engine flushed so
    /// that the next start has little to replay.
    pub async fn shutdown(&self) {
        self.life.begin(Stop::Shutdown);
        self.hand_over().await;
        let limit = self.config.request_timeout();
        if crate::time::within(&*self.clock, limit, self.drained()).await.is_none() {
            tracing::warn!("requests were still under way after {limit:?}; stopping anyway");
        }
        if let Err(error) = self.consensus.snapshot().await {
            tracing::warn!(%error, "failed to flush before stopping; the next start replays the log instead");
        }
        self.consensus.shutdown().await;
        self.tasks.shutdown().await;
        self.life.finish();
        tracing::info!(local_member_id = format!("{:x}", self.id()), "stopped");
    }

    async fn drained(&self) {
        while self.life.requests.load(Ordering::Acquire) > 0 {
            self.clock.sleep(DRAIN_STEP).await;
        }
    }

    /// Gives leadership to the voter that holds the most of the log.
    async fn hand_over(&self) {
        if !self.is_leader() {
            return;
        }
        let target = {
            let status = self.consensus.look();
            let others = status.voters.iter().filter(|id| **id != self.id());
            others.max_by_key(|id| status.replication.get(id)).copied()
        };
        let Some(target) = target else {
            tracing::info!("skipped leadership transfer for single voting member cluster");
            return;
        };
        match self.transfer(target).await {
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "leadership transfer failed"),
        }
    }
}
