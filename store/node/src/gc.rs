//! Removes compacted versions in the background, a bounded step at a time.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use proto::fault::Fault;
use store_engine::Engine;
use store_mvcc::{Gc, keys};
use tokio::sync::watch;

use crate::Member;
use crate::assemble::OnFatal;
use crate::error::Result;
use crate::gate::Gate;
use crate::offload;

/// Between two looks while an old read holds the collector back.
const PINNED: Duration = Duration::from_millis(100);

/// A write waits while a step is written, so a batch is taken in so many steps.
const STEPS: u32 = 5;
/// The collector rests so many times as long as its last step took: it has a fifth of one core at most, and less of it
/// where others want it too. When the next compaction comes before it is done, it stops resting so long.
const REST: u32 = 4;

/// The collector and how far it has come.
pub(crate) struct Collector {
    gc: Mutex<Gc>,
    engine: Arc<dyn Engine>,
    gate: Arc<Gate>,
    done: watch::Sender<i64>,
    on_fatal: OnFatal,
}

impl Collector {
    pub(crate) fn new(gc: Gc, engine: Arc<dyn Engine>, gate: Arc<Gate>, on_fatal: OnFatal) -> Self {
        let done = watch::Sender::new(gc.done());
        Self {
            gc: Mutex::new(gc),
            engine,
            gate,
            done,
            on_fatal,
        }
    }

    /// One step; the number of removed versions, `None` when there is nothing to do now.
    fn step(&self, limit: usize) -> store_mvcc::Result<Option<usize>> {
        let Some(_open) = self.gate.step() else { return Ok(None) };
        let gc = self.gc.lock();
        let Some(step) = gc.step(limit)? else {
            self.done.send_replace(gc.done());
            return Ok(None);
        };
        if let Err(error) = self.engine.write(&step.batch) {
            // As where commands are applied: nobody knows what the database holds now, and the log has all of it.
            (self.on_fatal)(&format!("cannot write the database: {error}"));
            return Err(error.into());
        }
        let removed = step.batch.len();
        let reclaim = step.reclaim.clone();
        gc.finish(step);
        self.done.send_replace(gc.done());
        // A hint: what it does not give back now is given back some other time, and nobody may wait for it.
        if let Some((from, to)) = reclaim
            && let Err(error) = self.engine.reclaim(keys::HISTORY, &from, &to)
        {
            tracing::warn!(%error, "the engine could not give back space");
        }
        Ok(Some(removed))
    }

    fn pending(&self) -> bool {
        self.gc.lock().pending()
    }

    fn behind(&self) -> bool {
        self.gc.lock().behind()
    }
}

impl Member {
    /// Runs as long as the member.
    pub(crate) async fn collect(self) {
        let mut compacted = self.sink.compacted.subscribe();
        loop {
            compacted.mark_unchanged();
            self.collect_all().await;
            if !self.life.is_running() {
                return;
            }
            let wait = async {
                if self.collector.pending() {
                    self.clock.sleep(PINNED).await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                changed = compacted.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
                () = wait => {}
            }
        }
    }

    async fn collect_all(&self) {
        let started = self.clock.monotonic();
        let mut removed = 0;
        let limit = self.config.compaction_batch_limit.div_ceil(STEPS as usize);
        let rest = self.config.compaction_sleep_interval / STEPS;
        loop {
            let member = self.clone();
            let before = self.clock.monotonic();
            let step = offload::run(&self.tasks, "collect", move || member.collector.step(limit)).await;
            match step {
                Ok(Ok(Some(count))) => removed += count,
                Ok(Ok(None)) => break,
                Ok(Err(error)) => {
                    tracing::error!(%error, "compaction cannot go on; it is tried again at the next one");
                    return;
                }
                Err(_) => return,
            }
            let pause = self.clock.monotonic().saturating_sub(before);
            self.metrics.mvcc.compaction_pause.observe(pause.as_secs_f64() * 1000.0);
            let long = if self.collector.behind() {
                Duration::ZERO
            } else {
                pause * REST
            };
            self.clock.sleep(rest.max(long)).await;
        }
        if removed > 0 {
            let took = self.clock.monotonic().saturating_sub(started);
            self.metrics.mvcc.compaction_keys.inc_by(removed as u64);
            self.metrics.mvcc.compaction_total.observe(took.as_secs_f64() * 1000.0);
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
            self.metrics
                .mvcc
                .compaction_last
                .set((self.clock.wall_ms() / 1000) as f64);
            let compact_revision = *self.collector.done.borrow();
            tracing::info!(compact_revision, took = ?took, removed, "finished scheduled compaction");
        }
    }

    /// Returns once everything compacted at this revision is gone here.
    pub(crate) async fn collected(&self, revision: i64) -> Result<()> {
        let mut done = self.collector.done.subscribe();
        tokio::select! {
            _ = done.wait_for(|done| *done >= revision) => Ok(()),
            () = self.life.stopping() => Err(Fault::Stopped.into()),
        }
    }
}
