//! What a storm is told to: it goes into the history, and says whether enough was answered meanwhile.

use std::sync::Arc;

use jepsen_check::history::{Call, Phase};
use tokio::time::Instant;

use super::order::Order;
use super::spell::Spell;
use crate::nemesis::{Kind, Moment, Witness};
use crate::recorder::Recorder;
use crate::workload::Least;

/// The faults of a run, as they come and go.
pub(super) struct Chronicle<'a> {
    pub(super) order: &'a Order,
    pub(super) recorder: Arc<Recorder>,
    pub(super) least: Least,
    pub(super) spell: Spell,
    /// The process under which the history is told of what nemeses asked the store to do.
    pub(super) process: u64,
    /// What it is raised by after each call that is not answered.
    pub(super) width: u64,
}

impl Witness for Chronicle<'_> {
    fn note(&mut self, moment: Moment) {
        let answered = self.recorder.answered();
        self.spell
            .note(moment.phase, moment.stands_still, Instant::now(), answered);
        self.recorder.fault(moment.name, moment.phase, &moment.detail);
        if moment.name == Kind::Compact.name() && moment.phase == Phase::Begin {
            // Checkers must know that somebody compacts, and nobody knows yet up to where.
            self.recorder
                .invoke(self.process, None, Call::Compact { revision: i64::MAX });
            self.recorder.info(self.process, "asked for by the nemesis".to_owned());
            self.process += self.width;
        }
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
