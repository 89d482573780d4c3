//! Takes what apply did to everyone who waits for it: watches, the lease clock, the collector, the loops.
//!
//! Called in log order right after each commit and before the replies, so whoever has his answer also finds its effects
//! here.

use std::sync::Arc;
use std::time::Duration;

use base::clock::Clock;
use parking_lot::Mutex;
use proto::store::{Command, Reply};
use store_lease::Expiry;
use store_machine::{Effect, Reader};
use store_mvcc::watch::Hub;
use store_mvcc::{Kind, RevisionBatch};
use store_raft::EffectSink;
use tokio::sync::watch;

use crate::gate::Gate;
use crate::metrics::Metrics;
use crate::watch::Token;

/// The end of the apply path.
pub(crate) struct Sink {
    pub(crate) hub: Hub<Arc<Token>>,
    /// Primary only while this member leads; see `lease`.
    pub(crate) expiry: Mutex<Expiry>,
    /// Counts changes of members, alarms, users, versions.
    pub(crate) changed: watch::Sender<u64>,
    /// Counts revocations.
    pub(crate) revoked: watch::Sender<u64>,
    /// The newest compaction mark.
    pub(crate) compacted: watch::Sender<i64>,
    reader: Reader,
    mvcc: store_mvcc::Reader,
    gate: Arc<Gate>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

impl Sink {
    pub(crate) fn new(
        reader: Reader,
        gate: Arc<Gate>,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
        ring_bytes: usize,
        expiry: Expiry,
    ) -> Self {
        let state = reader.state();
        let mvcc = reader.mvcc();
        Self {
            hub: Hub::new(state.revision, state.compacted, ring_bytes),
            expiry: Mutex::new(expiry),
            changed: watch::Sender::new(0),
            revoked: watch::Sender::new(0),
            compacted: watch::Sender::new(state.compacted),
            reader,
            mvcc,
            gate,
            clock,
            metrics,
        }
    }

    fn revision(&self, batch: &Arc<RevisionBatch>) {
        for change in &batch.changes {
            match change.kind {
                Kind::Put => {
                    self.metrics.mvcc.puts.inc();
                    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
                    self.metrics.mvcc.put_bytes.add(change.kv.len() as f64);
                }
                Kind::Delete => self.metrics.mvcc.deletes.inc(),
            }
        }
        if batch.changes.len() > 1 {
            self.metrics.mvcc.txns.inc();
        }
        self.hub.publish(
            batch,
            &|key, revision| self.mvcc.value_at(key, revision).ok().flatten(),
            &mut |token: &Arc<Token>| token.wake(),
        );
    }

    fn one(&self, effect: Effect) {
        match effect {
            Effect::Revision(batch) => self.revision(&batch),
            Effect::Compacted(revision) => {
                self.hub.compacted(revision);
                self.compacted.send_replace(revision);
            }
            Effect::LeaseGranted { id, ttl } => {
                self.metrics.lease.granted.inc();
                #[expect(clippy::cast_precision_loss, reason = "an observation is a float")]
                self.metrics.lease.ttl.observe(ttl as f64);
                self.expiry.lock().granted(id, ttl, self.clock.monotonic());
            }
            Effect::LeaseRevoked(ids) => {
                self.metrics.lease.revoked.inc_by(ids.len() as u64);
                let mut expiry = self.expiry.lock();
                for id in ids {
                    expiry.revoked(id);
                }
                drop(expiry);
                self.revoked.send_modify(|count| *count += 1);
            }
            Effect::LeaseCheckpointed { id, remaining } => {
                self.expiry.lock().checkpointed(id, remaining, self.clock.monotonic());
            }
            Effect::Alarms | Effect::Members | Effect::Auth | Effect::ClusterVersion | Effect::Downgrade => {
                self.changed.send_modify(|count| *count += 1);
            }
        }
    }
}

impl EffectSink for Sink {
    fn apply(&self, effects: Vec<Effect>) {
        for effect in effects {
            self.one(effect);
        }
    }

    fn applied(&self, command: &Command, reply: &Reply, took: Duration) {
        self.metrics.apply.observe(command, reply, took);
    }

    fn prepare_reset(&self) {
        self.metrics.server.snapshot_apply.set(1.0);
        self.gate.close();
    }

    /// A snapshot replaced everything; it is only ever installed on a member that does not lead.
    fn reset(&self) {
        self.gate.open();
        let state = self.reader.state();
        self.expiry.lock().demote();
        self.hub
            .reset(state.revision, state.compacted, &mut |token: &Arc<Token>| token.wake());
        self.compacted.send_replace(state.compacted);
        self.changed.send_modify(|count| *count += 1);
        self.revoked.send_modify(|count| *count += 1);
        self.metrics.server.snapshot_apply.set(0.0);
    }
}

#[cfg(test)]
mod tests {
    use base::clock::SystemClock;
    use store_engine::Memory;
    use store_machine::{Limits, Machine};

    use super::*;

    #[test]
    fn a_snapshot_that_is_taken_in_can_be_seen() {
        let machine = Machine::open(Arc::new(Memory::new()), None, Limits::default()).unwrap();
        let metrics = Arc::new(Metrics::new(&prometheus::Registry::new()).unwrap());
        let (gate, clock) = (Arc::default(), Arc::new(SystemClock::new()));
        let expiry = Expiry::new(None);
        let sink = Sink::new(machine.reader(), gate, clock, metrics.clone(), 1 << 20, expiry);
        let under_way = || metrics.server.snapshot_apply.get() > 0.0;
        assert!(!under_way());
        sink.prepare_reset();
        assert!(under_way());
        sink.reset();
        assert!(!under_way());
    }
}
