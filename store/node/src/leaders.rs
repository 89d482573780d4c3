//! Follows who leads: since when, since when nobody, and whom to tell.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::Member;

/// What is remembered about leaders.
pub(crate) struct Leaders {
    times: Mutex<Times>,
    leader: watch::Sender<Option<u64>>,
    /// Counts, again and again, that there has been no leader for too long; streams that require one end then.
    cuts: watch::Sender<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Times {
    elected: Option<Duration>,
}

/// Elections without a leader before streams that require one are cut; upstream's number.
const CUT_AFTER: u32 = 3;

impl Leaders {
    pub(crate) fn new() -> Self {
        Self {
            times: Mutex::default(),
            leader: watch::Sender::new(None),
            cuts: watch::Sender::new(0),
        }
    }

    pub(crate) fn changes(&self) -> watch::Receiver<Option<u64>> {
        self.leader.subscribe()
    }

    pub(crate) fn cuts(&self) -> watch::Receiver<u64> {
        self.cuts.subscribe()
    }

    /// When the current leader was first seen.
    pub(crate) fn elected(&self) -> Option<Duration> {
        self.times.lock().elected
    }
}

impl Member {
    /// Runs as long as the member.
    pub(crate) async fn follow_leaders(self) {
        let mut status = self.status.clone();
        let mut last = None;
        loop {
            let now = status.borrow_and_update().leader;
            if now != last {
                self.leader_changed(last, now);
                last = now;
            }
            let limit = CUT_AFTER * self.config.election_timeout;
            let news = status.wait_for(|status| status.leader != now);
            let changed = if now.is_some() {
                news.await.map(drop)
            } else {
                tokio::select! {
                    changed = news => changed.map(drop),
                    () = self.clock.sleep(limit) => {
                        self.leaders.cuts.send_modify(|count| *count += 1);
                        continue;
                    }
                }
            };
            if changed.is_err() {
                return;
            }
        }
    }

    fn leader_changed(&self, old: Option<u64>, new: Option<u64>) {
        if let Some(id) = new {
            self.metrics.server.leader_changes.inc();
            self.leaders.times.lock().elected = Some(self.clock.monotonic());
            tracing::info!(leader = format!("{id:x}"), term = self.term(), "elected leader");
        } else if let Some(id) = old {
            tracing::warn!(leader = format!("{id:x}"), term = self.term(), "lost leader");
        }
        self.leaders.leader.send_replace(new);
    }
}
