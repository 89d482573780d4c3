//! Automatic compaction on the leader, by time or by revisions, with upstream's rules.

use std::collections::VecDeque;
use std::time::Duration;

use proto::etcd::CompactionRequest;
use proto::fault::Fault;

use crate::Member;
use crate::caller::Who;
use crate::config::{CompactionMode, Config, Error};

const HOUR: Duration = Duration::from_secs(3600);
/// Between two looks by revision; upstream's number.
const REVISION_LOOK: Duration = Duration::from_secs(300);

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retention {
    Off,
    Time(Duration),
    Revisions(i64),
}

impl Retention {
    /// Reads `--auto-compaction-retention`.
    pub(crate) fn parse(config: &Config) -> Result<Self, Error> {
        let text = config.compaction_retention.trim();
        let bad = || Error(format!("--auto-compaction-retention: cannot read '{text}'"));
        if text.is_empty() || text == "0" {
            return Ok(Self::Off);
        }
        match config.compaction_mode {
            CompactionMode::Revision => match text.parse() {
                Ok(count) if count > 0 => Ok(Self::Revisions(count)),
                _ => Err(bad()),
            },
            CompactionMode::Periodic => match text.parse::<u32>() {
                Ok(hours) => Ok(Self::Time(hours * HOUR)),
                Err(_) => match base::flags::duration("auto-compaction-retention", text) {
                    Ok(Duration::ZERO) => Ok(Self::Off),
                    Ok(period) => Ok(Self::Time(period)),
                    Err(_) => Err(bad()),
                },
            },
        }
    }
}

/// The revisions of the last period, one each tenth of the interval.
struct Periodic {
    period: Duration,
    revisions: VecDeque<i64>,
    last_revision: i64,
    last_success: Duration,
}

impl Periodic {
    fn new(period: Duration, now: Duration) -> Self {
        Self {
            period,
            revisions: VecDeque::new(),
            last_revision: 0,
            last_success: now,
        }
    }

    /// Between two compactions: the period, at most an hour.
    fn interval(&self) -> Duration {
        self.period.min(HOUR)
    }

    /// Between two looks.
    fn look(&self) -> Duration {
        self.interval() / 10
    }

    fn note(&mut self, revision: i64) {
        let kept = (self.period.as_nanos() / self.look().as_nanos().max(1)) as usize + 1;
        self.revisions.push_back(revision);
        while self.revisions.len() > kept {
            self.revisions.pop_front();
        }
    }

    /// The revision to compact now, if it is time. The first compaction waits a whole period.
    fn due(&self, now: Duration) -> Option<i64> {
        let revision = *self.revisions.front()?;
        let wait = if self.last_revision == 0 {
            self.period
        } else {
            self.interval()
        };
        let due = revision != self.last_revision && now.saturating_sub(self.last_success) >= wait;
        due.then_some(revision)
    }
}

impl Member {
    /// Runs as long as the member.
    pub(crate) async fn compact_automatically(self, retention: Retention) {
        match retention {
            Retention::Off => {}
            Retention::Time(period) => self.compact_by_time(period).await,
            Retention::Revisions(count) => self.compact_by_revision(count).await,
        }
    }

    async fn compact_by_time(&self, period: Duration) {
        let mut state = Periodic::new(period, self.clock.monotonic());
        loop {
            state.note(self.mvcc.revision());
            self.clock.sleep(state.look()).await;
            if !self.is_leader() {
                continue;
            }
            let started = self.clock.monotonic();
            let Some(revision) = state.due(started) else { continue };
            tracing::info!(revision, compact_period = ?period, "starting auto periodic compaction");
            if self.compact_own(revision).await {
                let now = self.clock.monotonic();
                let took = now.saturating_sub(started);
                tracing::info!(revision, compact_period = ?period, ?took, "completed auto periodic compaction");
                state.last_revision = revision;
                state.last_success = now;
            } else {
                tracing::warn!(revision, compact_period = ?period, retry_interval = ?state.look(), "failed auto periodic compaction");
            }
        }
    }

    async fn compact_by_revision(&self, count: i64) {
        let mut last = 0;
        loop {
            self.clock.sleep(REVISION_LOOK).await;
            let revision = self.mvcc.revision() - count;
            if !self.is_leader() || revision <= 0 || revision == last {
                continue;
            }
            tracing::info!(
                revision,
                revision_compaction_retention = count,
                "starting auto revision compaction"
            );
            if self.compact_own(revision).await {
                last = revision;
                tracing::info!(
                    revision,
                    revision_compaction_retention = count,
                    "completed auto revision compaction"
                );
            } else {
                tracing::warn!(revision, retry_interval = ?REVISION_LOOK, "failed auto revision compaction");
            }
        }
    }

    /// Whether the revision is compacted now, by us or by somebody before.
    async fn compact_own(&self, revision: i64) -> bool {
        match self
            .compact_as(
                &Who::own(),
                CompactionRequest {
                    revision,
                    physical: false,
                },
            )
            .await
        {
            Ok(_) => true,
            Err(error) => error.fault() == Some(Fault::Compacted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retention(mode: CompactionMode, text: &str) -> Option<Retention> {
        let config = Config {
            compaction_mode: mode,
            compaction_retention: text.to_owned(),
            ..Config::default()
        };
        Retention::parse(&config).ok()
    }

    #[test]
    fn retention_is_read_as_upstream_does() {
        use CompactionMode::{Periodic, Revision};
        assert_eq!(retention(Periodic, "0"), Some(Retention::Off));
        assert_eq!(retention(Periodic, "2"), Some(Retention::Time(2 * HOUR)));
        assert_eq!(retention(Periodic, "30m"), Some(Retention::Time(HOUR / 2)));
        assert_eq!(retention(Revision, "1000"), Some(Retention::Revisions(1000)));
        assert_eq!(retention(Revision, "1h"), None);
    }

    #[test]
    fn the_first_compaction_waits_a_period_and_keeps_one() {
        let mut state = Periodic::new(2 * HOUR, Duration::ZERO);
        let mut now = Duration::ZERO;
        let mut compacted = Vec::new();
        // A look each six minutes, one revision a look, for four hours.
        for revision in 1..=40 {
            state.note(revision);
            now += state.look();
            if let Some(found) = state.due(now) {
                compacted.push((revision, found));
                state.last_revision = found;
                state.last_success = now;
            }
        }
        assert_eq!(compacted, [(20, 1), (30, 10), (40, 20)]);
    }
}
