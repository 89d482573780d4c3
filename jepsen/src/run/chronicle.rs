//! What a storm is told to: it goes into the history, and says whether enough was answered meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jepsen_check::history::{Call, Phase};
use tokio::time::Instant;

use super::order::Order;
use super::spell::Spell;
use crate::nemesis::{Moment, Witness};
use crate::recorder::Recorder;
use crate::workload::Least;

/// The faults of a run, as they come and go.
pub(super) struct Chronicle<'a> {
    pub(super) order: &'a Order,
    pub(super) recorder: Arc<Recorder>,
    pub(super) least: Least,
    pub(super) spell: Spell,
    /// When the last fault was set about.
    tried: Option<Hour>,
}

/// A moment of a run.
#[derive(Clone, Copy)]
struct Hour {
    now: Instant,
    /// The same by the history's clock.
    time: u64,
    /// Calls that had been answered.
    answered: u64,
}

impl<'a> Chronicle<'a> {
    /// Of a storm that has not begun.
    pub(super) fn new(order: &'a Order, recorder: Arc<Recorder>, least: Least) -> Self {
        Self {
            order,
            recorder,
            least,
            spell: Spell::default(),
            tried: None,
        }
    }

    fn hour(&self) -> Hour {
        Hour {
            now: Instant::now(),
            time: self.recorder.now(),
            answered: self.recorder.answered(),
        }
    }
}

/// Tells the history of what nemeses ask the store to do.
pub(super) struct Accomplice {
    recorder: Arc<Recorder>,
    /// The process under which it does so.
    process: AtomicU64,
    /// What that is raised by after each call.
    width: u64,
}

impl Accomplice {
    /// One with a number of its own among so many clients.
    pub(super) const fn new(recorder: Arc<Recorder>, number: u64, width: u64) -> Self {
        Self {
            recorder,
            process: AtomicU64::new(number),
            width,
        }
    }

    /// The store is about to be asked to forget what was before a revision. Nobody waits for what comes of it: checkers
    /// must know from now on that it may have forgotten.
    pub(super) fn compacts(&self, revision: i64) {
        let process = self.process.fetch_add(self.width, Ordering::Relaxed);
        self.recorder.invoke(process, None, Call::Compact { revision });
        self.recorder.info(process, "asked for by the nemesis".to_owned());
    }
}

impl Witness for Chronicle<'_> {
    fn tries(&mut self) {
        self.tried = Some(self.hour());
    }

    fn note(&mut self, moment: Moment) {
        let tried = match moment.phase {
            Phase::Begin => self.tried.take(),
            Phase::End => None,
        };
        let Hour { now, answered, .. } = tried.unwrap_or_else(|| self.hour());
        self.spell.note(moment.phase, moment.stands_still, now, answered);
        let since = tried.map(|hour| hour.time);
        self.recorder.fault(moment.name, moment.phase, since, &moment.detail);
    }

    fn wants_more(&self) -> bool {
        // What was under way when a fault began or ended does not count, so some more is wanted.
        let floor = self.order.floor(self.least, &self.spell);
        let wanted = floor.map_or(0, |floor| floor.during + 4 * self.order.clients);
        !self.spell.serving().is_zero() && self.spell.answered() < wanted as u64
    }

    fn saw_majority(&self) -> bool {
        !self.spell.serving().is_zero()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use jepsen_check::history::{Line, Reply};

    use super::super::order::testing::order;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_fault_counts_from_the_moment_it_was_set_about() {
        let (sender, lines) = mpsc::channel();
        let recorder = Arc::new(Recorder::to(sender));
        let order = order("kill");
        let least = Least { calm: 1.0, stormy: 1.0 };
        let mut chronicle = Chronicle::new(&order, Arc::clone(&recorder), least);
        let moment = |phase| Moment {
            name: "kill",
            phase,
            detail: String::new(),
            stands_still: false,
        };
        let pass = |seconds| tokio::time::advance(std::time::Duration::from_secs(seconds));
        // The first one comes to nothing.
        chronicle.tries();
        pass(50).await;
        chronicle.tries();
        pass(20).await;
        recorder.ok(1, Reply::Compact {}, None, None);
        chronicle.note(moment(Phase::Begin));
        pass(5).await;
        chronicle.note(moment(Phase::End));
        assert_eq!(chronicle.spell.total().as_secs(), 25);
        assert_eq!(chronicle.spell.answered(), 1);
        let told: Vec<(u64, Option<u64>)> = lines
            .try_iter()
            .filter_map(|line| match line {
                Line::Fault { time, since, .. } => Some((time, since)),
                _ => None,
            })
            .collect();
        let [(begun, Some(since)), (_, None)] = told[..] else {
            panic!("{told:?}");
        };
        assert!(since <= begun);
    }

    #[test]
    fn a_compaction_is_told_of_with_its_revision_and_has_no_answer() {
        let (sender, lines) = mpsc::channel();
        let recorder = Arc::new(Recorder::to(sender));
        let accomplice = Accomplice::new(Arc::clone(&recorder), 3, 10);
        accomplice.compacts(42);
        accomplice.compacts(77);
        assert_eq!(recorder.outcomes(), (0, 0, 2));
        let asked: Vec<(u64, Call)> = lines
            .try_iter()
            .filter_map(|line| match line {
                Line::Invoke { process, call, .. } => Some((process, call)),
                _ => None,
            })
            .collect();
        let compact = |revision| Call::Compact { revision };
        assert_eq!(asked, [(3, compact(42)), (13, compact(77))]);
    }
}
