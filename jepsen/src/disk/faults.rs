//! What is wrong with a disk, and what it did: shared by those who answer the kernel and those who make faults.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::{Mutex, MutexGuard};
use rand::rngs::StdRng;

use super::Loss;
use super::crash::Lost;
use super::model::{Answer, Model};

/// What is wrong with a disk. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// How long every sync takes; nothing is on the disk before it is over.
    pub(crate) sync_delay: Duration,
    /// Every sync reports an error, and what it should have written is lost with the power, whatever is synced later.
    pub(crate) fail_syncs: bool,
    /// Bytes that can still be written where there was nothing; `None`: all that are wanted.
    pub(crate) space_left: Option<u64>,
}

/// What a disk did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Syncs that were done.
    pub(crate) syncs: u64,
    /// Of those, the ones that were kept waiting.
    pub(crate) slow_syncs: u64,
    /// Syncs that were refused with an error.
    pub(crate) failed_syncs: u64,
    /// Requests that were refused for want of room.
    pub(crate) refused: u64,
}

/// A disk without its mount.
pub(super) struct Shared {
    state: Mutex<State>,
}

pub(super) struct State {
    pub(super) model: Model,
    pub(super) faults: Faults,
    pub(super) counters: Counters,
    /// How often the power has failed: a sync that began before does nothing afterwards.
    pub(super) cuts: u64,
}

/// What to answer a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// It is done, or refused, as said.
    Now(Result<(), SyncError>),
    /// It is to be done later, if the power has not failed more often than this until then.
    Later(u64),
}

/// Why a sync is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SyncError {
    /// The disk reports an error.
    Failed,
    /// There is no such file.
    NotThere,
}

impl Shared {
    /// An empty disk without faults.
    pub(super) fn new(strict: bool) -> Self {
        Self {
            state: Mutex::new(State {
                model: Model::new(strict),
                faults: Faults::default(),
                counters: Counters::default(),
                cuts: 0,
            }),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(super) fn set_faults(&self, faults: Faults) {
        let mut state = self.lock();
        if state.faults.space_left != faults.space_left {
            state.model.set_space(faults.space_left);
        }
        state.faults = faults;
    }

    pub(super) fn counters(&self) -> Counters {
        self.lock().counters
    }

    pub(super) fn power_loss(&self, loss: Loss, random: &mut StdRng) -> Lost {
        let mut state = self.lock();
        state.cuts += 1;
        state.model.power_loss(loss, random)
    }
}

impl State {
    /// Somebody asks for a sync.
    pub(super) fn sync(&mut self, node: u64) -> Asked {
        if self.faults.fail_syncs {
            self.counters.failed_syncs += 1;
            let answer = self.model.fail_sync(node);
            return Asked::Now(answer.map_err(|_| SyncError::NotThere).and(Err(SyncError::Failed)));
        }
        if !self.faults.sync_delay.is_zero() {
            self.counters.slow_syncs += 1;
            return Asked::Later(self.cuts);
        }
        Asked::Now(self.finish_sync(node, self.cuts))
    }

    /// A sync that had to wait is over.
    pub(super) fn finish_sync(&mut self, node: u64, cuts: u64) -> Result<(), SyncError> {
        if cuts != self.cuts {
            return Err(SyncError::Failed);
        }
        if self.faults.fail_syncs {
            self.counters.failed_syncs += 1;
            return self
                .model
                .fail_sync(node)
                .map_err(|_| SyncError::NotThere)
                .and(Err(SyncError::Failed));
        }
        self.counters.syncs += 1;
        self.model.sync(node).map_err(|_| SyncError::NotThere)
    }

    /// Counts what is refused for want of room.
    pub(super) fn counted<T>(&mut self, answer: Answer<T>) -> Answer<T> {
        if answer
            .as_ref()
            .is_err_and(|refusal| *refusal == super::model::Refusal::Full)
        {
            self.counters.refused += 1;
        }
        answer
    }
}

/// Nanoseconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::super::model::{Owner, ROOT, Refusal};
    use super::*;

    fn disk_with_a_file() -> (Shared, u64) {
        let shared = Shared::new(true);
        let node = {
            let mut state = shared.lock();
            let node = state
                .model
                .create(ROOT, OsStr::new("a"), Owner::default(), false)
                .unwrap();
            state.model.sync(ROOT).unwrap();
            state.model.write(node, 0, b"new", 1).unwrap();
            node
        };
        (shared, node)
    }

    fn survives(shared: &Shared, node: u64) -> bool {
        use rand::SeedableRng;
        shared.power_loss(Loss::Everything, &mut StdRng::seed_from_u64(1));
        shared.lock().model.read(node, 0, 3).unwrap() == b"new"
    }

    #[test]
    fn a_sync_that_fails_keeps_nothing_although_the_next_one_succeeds() {
        let (shared, node) = disk_with_a_file();
        shared.set_faults(Faults {
            fail_syncs: true,
            ..Faults::default()
        });
        assert_eq!(shared.lock().sync(node), Asked::Now(Err(SyncError::Failed)));
        shared.set_faults(Faults::default());
        assert_eq!(shared.lock().sync(node), Asked::Now(Ok(())));
        assert_eq!((shared.counters().failed_syncs, shared.counters().syncs), (1, 1));
        assert!(!survives(&shared, node));
    }

    #[test]
    fn a_slow_sync_is_on_the_disk_when_it_is_over_and_not_before() {
        let slow = Faults {
            sync_delay: Duration::from_secs(1),
            ..Faults::default()
        };
        for over in [true, false] {
            let (shared, node) = disk_with_a_file();
            shared.set_faults(slow);
            let Asked::Later(cuts) = shared.lock().sync(node) else {
                panic!("not slow");
            };
            if over {
                assert_eq!(shared.lock().finish_sync(node, cuts), Ok(()));
            }
            assert_eq!(survives(&shared, node), over);
            assert_eq!(
                shared.lock().finish_sync(node, cuts),
                Err(SyncError::Failed),
                "the power failed meanwhile"
            );
        }
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let (shared, node) = disk_with_a_file();
        shared.set_faults(Faults {
            space_left: Some(0),
            ..Faults::default()
        });
        let mut state = shared.lock();
        let answer = state.model.write(node, 100_000, b"x", 1);
        assert_eq!(state.counted(answer), Err(Refusal::Full));
        assert_eq!(state.counters.refused, 1);
    }
}
