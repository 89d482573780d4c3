//! How long faults were on, since when they are over, and how much was answered meanwhile.

use std::time::Duration;

use jepsen_check::history::Phase;
use tokio::time::Instant;

/// Begins and ends of faults, added up.
#[derive(Debug, Default)]
pub(super) struct Spell {
    /// How many faults are on.
    on: usize,
    /// One of them, since the first of them began, has left no majority, or two were on at once and may have left none
    /// together.
    stands_still: bool,
    /// Since when at least one is on, and how many calls had been answered then.
    since: Option<(Instant, u64)>,
    /// How long at least one was, before that.
    before: Duration,
    /// The part of it in which a majority was left.
    serving: Duration,
    /// Calls that were answered while at least one was on.
    answered: u64,
    /// When the last one ended.
    ended: Option<Instant>,
}

impl Spell {
    /// A fault begins or ends now, when so many calls have been answered.
    pub(super) fn note(&mut self, phase: Phase, stands_still: bool, now: Instant, answered: u64) {
        match phase {
            Phase::Begin => {
                self.on += 1;
                self.stands_still |= stands_still || self.on > 1;
                self.since.get_or_insert((now, answered));
            }
            Phase::End => {
                self.on = self.on.saturating_sub(1);
                self.ended = Some(now);
                if self.on == 0
                    && let Some((since, at_first)) = self.since.take()
                {
                    self.before += now - since;
                    self.answered += answered.saturating_sub(at_first);
                    if !std::mem::take(&mut self.stands_still) {
                        self.serving += now - since;
                    }
                }
            }
        }
    }

    /// How long at least one fault was on, all in all. Those that never end count up to the last end of another.
    pub(super) const fn total(&self) -> Duration {
        self.before
    }

    /// How long of that a majority was left, so that somebody should have been answered.
    pub(super) const fn serving(&self) -> Duration {
        self.serving
    }

    /// How many calls were answered while faults were on.
    pub(super) const fn answered(&self) -> u64 {
        self.answered
    }

    /// When the last fault ended.
    pub(super) const fn ended(&self) -> Option<Instant> {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_that_are_on_at_once_count_as_leaving_no_majority() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut spell = Spell::default();
        for (phase, seconds) in [(Phase::Begin, 1), (Phase::Begin, 2), (Phase::End, 3), (Phase::End, 4)] {
            spell.note(phase, false, at(seconds), 0);
        }
        assert_eq!(
            (spell.total(), spell.serving()),
            (Duration::from_secs(3), Duration::ZERO)
        );
        spell.note(Phase::Begin, false, at(6), 0);
        spell.note(Phase::End, false, at(8), 0);
        assert_eq!(spell.serving(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn what_overlaps_is_counted_once() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut spell = Spell::default();
        for (phase, stands_still, seconds) in [
            (Phase::Begin, false, 1),
            (Phase::Begin, true, 2),
            (Phase::End, true, 4),
            (Phase::End, false, 5),
            (Phase::Begin, false, 8),
            (Phase::End, false, 10),
        ] {
            spell.note(phase, stands_still, at(seconds), 10 * seconds);
        }
        assert_eq!(spell.total(), Duration::from_secs(6));
        assert_eq!(spell.serving(), Duration::from_secs(2));
        assert_eq!(spell.answered(), 60);
        assert_eq!(spell.ended(), Some(at(10)));
        assert_eq!(Spell::default().ended(), None);
    }
}
