//! Bugs that can be switched on, one at a time, to see that tests notice them.
//!
//! Each was in a real system. A release build has none of them: without debug assertions [`planted`] is a constant and the
//! code of the bug is gone. This crate must not know anything of the store: the places ask whether they are to be wrong.
//! Start reading at [`Bug`].

#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicU8, Ordering};

/// Declares the bugs, with the names that they are switched on by.
macro_rules! bugs {
    ($($(#[$doc:meta])* $bug:ident = $name:literal,)*) => {
        /// A bug that can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Bug {
            $($(#[$doc])* $bug,)*
        }

        impl Bug {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$bug,)*];

            /// What it is called on the command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$bug => $name,)*
                }
            }

            /// The bug of this name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|bug| bug.name() == name)
            }
        }
    };
}

bugs! {
    /// Log: entries are acknowledged before they are synced (etcd #14370: a cluster of one loses a write in a crash).
    AckBeforeSync = "ack-before-sync",
    /// Log: a vote is not written, so a member that starts again may vote twice in a term.
    ForgottenVote = "forgotten-vote",
    /// Log: damage in the middle is taken for the end, and what follows it is cut off.
    ShortLog = "short-log",
    /// Reads: a leader answers without asking whether it still leads (etcd #20418).
    StaleRead = "stale-read",
    /// Reads: a follower answers before it has applied what the leader had committed.
    EarlyRead = "early-read",
    /// Transactions: only the first half of the operations is done.
    HalfTxn = "half-txn",
    /// Transactions: a comparison looks at what readers see, not at what the entries before it in the batch did.
    OldCompare = "old-compare",
    /// Revisions: members with an odd id skip every 64th entry of the log (etcd #13766: inconsistent revisions).
    LostApply = "lost-apply",
    /// Revisions: the revision falls after a restart (etcd #17780: a crash during compaction).
    RevisionFalls = "revision-falls",
    /// Snapshots: the last change before the snapshot is not in it.
    ThinSnapshot = "thin-snapshot",
    /// Compaction: the version that is still read at the compacted revision is collected.
    OverCompaction = "over-compaction",
    /// Watches: after falling behind, an event is sent again (etcd #17247; #15271: a watch goes back in time).
    DuplicateEvent = "duplicate-event",
    /// Watches: events are lost when a watch falls behind (etcd #17529).
    LostEvent = "lost-event",
    /// Watches: a deletion at the compacted revision is not told (etcd #18089, #19179).
    LostDeletion = "lost-deletion",
    /// Watches: progress is told before the events up to it were sent (etcd #15220).
    EarlyProgress = "early-progress",
    /// Watches: a wake-up is lost, and the watch says nothing more.
    SilentWatch = "silent-watch",
    /// Watches: a watch from a revision in the future gets what came before (etcd #20221).
    FutureWatch = "future-watch",
    /// Watches: what is told as the previous value is the new one.
    WrongPrevious = "wrong-previous",
    /// Leases: a lease ends at half its time.
    EarlyExpiry = "early-expiry",
    /// Leases: those that a new leader takes over never end.
    EndlessLease = "endless-lease",
    /// Leases: one who does not lead any more goes on revoking (etcd #15247).
    DeposedExpiry = "deposed-expiry",
    /// Locks: the lock is given though its lease ended meanwhile (etcd #11408, found by Jepsen).
    ExpiredLock = "expired-lock",
}

#[cfg(debug_assertions)]
static ACTIVE: AtomicU8 = AtomicU8::new(u8::MAX);

/// Whether this bug is switched on.
#[cfg(debug_assertions)]
#[must_use]
pub fn planted(bug: Bug) -> bool {
    ACTIVE.load(Ordering::Relaxed) == bug as u8
}

/// Whether this bug is switched on: never, in this build.
#[cfg(not(debug_assertions))]
#[must_use]
pub const fn planted(_: Bug) -> bool {
    false
}

/// Switches one bug on and any other off, for the whole process; `None` switches all off.
#[cfg(debug_assertions)]
pub fn plant(bug: Option<Bug>) {
    ACTIVE.store(bug.map_or(u8::MAX, |bug| bug as u8), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different_and_plain() {
        let mut names: Vec<&str> = Bug::ALL.iter().map(|bug| bug.name()).collect();
        assert!(
            names
                .iter()
                .all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'))
        );
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Bug::ALL.len());
    }

    fn on() -> Vec<Bug> {
        Bug::ALL.iter().copied().filter(|bug| planted(*bug)).collect()
    }

    /// The only test here that may plant: a bug is on for the whole process.
    #[cfg(debug_assertions)]
    #[test]
    fn one_bug_is_on_at_most() {
        assert_eq!(on(), []);
        for bug in Bug::ALL {
            plant(Some(*bug));
            assert_eq!(on(), [*bug]);
        }
        plant(None);
        assert_eq!(on(), []);
    }

    #[cfg(not(debug_assertions))]
    #[test]
    fn no_bug_is_on() {
        assert_eq!(on(), []);
    }
}
