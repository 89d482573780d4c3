//! What clients do in a run. Each workload is one small file: what is asked, of which keys, and who judges it.
//!
//! A [`Workload`] makes the [`Player`]s of a run; each plays one client, step by step, and chooses from a seed of its
//! own. `guarded` is the read, decide, write that several are made of; `watcher` is the one way in which anybody
//! watches. No workload repeats a call whose outcome is unknown.

mod append;
mod bank;
mod election;
mod guarded;
mod kube;
mod lease;
mod lock;
mod register;
mod set;
mod watch;
mod watcher;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use clap::ValueEnum;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jepsen_check::history::Call;

use crate::client::{Client, Done, Mishap};
use crate::judge::Judge;
use crate::seed::Seed;
pub(crate) use watcher::auditor;

/// So often is a read repeated that must be answered before or after the faults.
const INSISTENCE: usize = 8;
/// Between two attempts of such a read.
const BREATH: Duration = Duration::from_millis(250);

/// The workloads by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub(crate) enum Name {
    /// Registers: read, written, deleted, and swapped by value and by revision
    Register,
    /// One set to which elements are added
    Set,
    /// Transactions that read and append to lists
    Append,
    /// Accounts between which money moves
    Bank,
    /// Watches of every kind beside a mixed load
    Watch,
    /// Leases that are kept, forgotten and revoked
    Lease,
    /// Locks whose holders write with a fencing token
    Lock,
    /// The same without the fence: its anomaly is expected, and the run fails if it is not found
    LockUnfenced,
    /// Elections
    Election,
    /// The requests of kube-apiserver
    Kube,
}

impl Name {
    /// All of them.
    pub(crate) const ALL: &'static [Self] = &[
        Self::Register,
        Self::Set,
        Self::Append,
        Self::Bank,
        Self::Watch,
        Self::Lease,
        Self::Lock,
        Self::LockUnfenced,
        Self::Election,
        Self::Kube,
    ];

    /// As on the command line.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Set => "set",
            Self::Append => "append",
            Self::Bank => "bank",
            Self::Watch => "watch",
            Self::Lease => "lease",
            Self::Lock => "lock",
            Self::LockUnfenced => "lock-unfenced",
            Self::Election => "election",
            Self::Kube => "kube",
        }
    }

    /// The workload, ready for one run.
    pub(crate) fn workload(self) -> Arc<dyn Workload> {
        match self {
            Self::Register => Arc::new(register::Registers::default()),
            Self::Set => Arc::new(set::Set::default()),
            Self::Append => Arc::new(append::Append::default()),
            Self::Bank => Arc::new(bank::Bank),
            Self::Watch => Arc::new(watch::Watching),
            Self::Lease => Arc::new(lease::Leases::default()),
            Self::Lock => Arc::new(lock::Locks::fenced()),
            Self::LockUnfenced => Arc::new(lock::Locks::unfenced()),
            Self::Election => Arc::new(election::Elections),
            Self::Kube => Arc::new(kube::Kube),
        }
    }
}

/// What players may know of their run.
#[derive(Clone)]
pub(crate) struct Outline {
    /// What they choose from.
    pub(crate) seed: Seed,
    /// How many of them make calls at the run's rate.
    pub(crate) clients: usize,
    /// Up to this revision every auditor has seen everything, so history before it may be compacted.
    pub(crate) audited: Audited,
}

/// How far the auditors are: each has a cell of its own.
#[derive(Clone, Default)]
pub(crate) struct Audited(Arc<Vec<AtomicI64>>);

impl Audited {
    /// For so many auditors, none of which has seen anything.
    pub(crate) fn new(auditors: usize) -> Self {
        Self(Arc::new((0..auditors).map(|_| AtomicI64::new(0)).collect()))
    }

    /// An auditor has seen everything up to a revision.
    pub(crate) fn reached(&self, auditor: usize, revision: i64) {
        if let Some(cell) = self.0.get(auditor) {
            cell.fetch_max(revision, Ordering::Relaxed);
        }
    }

    /// How many there are.
    pub(crate) fn auditors(&self) -> usize {
        self.0.len()
    }

    /// What all have seen; 0 without auditors.
    pub(crate) fn by_all(&self) -> i64 {
        let seen = self.0.iter().map(|cell| cell.load(Ordering::Relaxed));
        seen.min().unwrap_or(0)
    }
}

/// How fast a player steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// At its share of the run's rate.
    Rate,
    /// Step after step; a step itself waits.
    Own,
}

/// Answered calls a second that each part of a run must have, or the run shows nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Least {
    /// Before the first fault and after the last.
    pub(crate) calm: f64,
    /// While faults are on.
    pub(crate) stormy: f64,
}

/// What clients do in a run, and who judges it.
#[async_trait]
pub(crate) trait Workload: Send + Sync {
    /// Who judges its history. With [`Judge::Replay`] among them every revision is watched.
    fn judges(&self) -> Vec<Judge>;

    /// What must be answered at this rate of calls a second.
    fn least(&self, rate: f64) -> Least {
        Least {
            calm: rate * 0.25,
            stormy: rate * 0.02,
        }
    }

    /// Rules of which a judge must find one broken, for nothing is done to keep them: a run in which all hold shows that
    /// the judges are blind.
    fn broken(&self) -> &'static [&'static str] {
        &[]
    }

    /// Some are.
    fn expects_anomaly(&self) -> bool {
        !self.broken().is_empty()
    }

    /// Writes what must be there before the load begins.
    ///
    /// # Errors
    /// What hindered it.
    async fn prepare(&self, client: &mut Client) -> Result<(), Mishap> {
        let _ = client;
        Ok(())
    }

    /// The players: first those that keep the run's rate, as many as the outline says, then others.
    fn players(&self, outline: &Outline) -> Vec<Box<dyn Player>>;

    /// Reads what must be there after the faults.
    ///
    /// # Errors
    /// What hindered it.
    async fn finish(&self, client: &mut Client) -> Result<(), Mishap>;
}

/// Plays one client.
#[async_trait]
pub(crate) trait Player: Send {
    /// How fast it steps.
    fn pace(&self) -> Pace {
        Pace::Rate
    }

    /// Makes its next call, or its next few.
    async fn step(&mut self, client: &mut Client);

    /// The load is over and the store's revision is `through`: gives back what it holds.
    ///
    /// # Errors
    /// What the store failed to do.
    async fn leave(&mut self, client: &mut Client, through: i64) -> Result<(), String> {
        let _ = (client, through);
        Ok(())
    }
}

/// Does before or after the faults what must succeed, until it does or was tried often.
///
/// # Errors
/// Why the last attempt failed.
pub(crate) async fn persist(
    client: &mut Client,
    attempt: impl for<'c> Fn(&'c mut Client) -> BoxFuture<'c, Done> + Send + Sync,
) -> Done {
    let mut left = INSISTENCE;
    loop {
        left -= 1;
        match attempt(client).await {
            Err(_) if left > 0 => tokio::time::sleep(BREATH).await,
            done => return done,
        }
    }
}

/// Makes a read until it is answered, recording each attempt.
///
/// # Errors
/// Why the last attempt was not answered.
pub(crate) async fn insist(client: &mut Client, call: &Call) -> Done {
    persist(client, |client| client.call(call.clone()).boxed()).await
}

/// Reads at each member, until it is answered.
///
/// # Errors
/// Why the last attempt at one was not answered.
pub(crate) async fn read_everywhere(
    client: &mut Client,
    read: impl for<'c> Fn(&'c mut Client) -> BoxFuture<'c, Done> + Send + Sync,
) -> Result<(), Mishap> {
    for node in client.nodes() {
        client.pin(node);
        persist(client, &read).await?;
    }
    Ok(())
}

/// Where a client's own lease ids begin: positive, and far from those of the others.
pub(crate) const fn first_lease(seed: Seed) -> i64 {
    ((seed.number() >> 24) << 16) as i64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use jepsen_check::history::Line;

    use super::*;
    use crate::client::Route;
    use crate::client::testing::deserted;

    /// What the players of a workload ask in their first steps, when nobody answers.
    async fn asked(name: Name, seed: u64) -> Vec<String> {
        let outline = Outline {
            seed: Seed::new(seed),
            clients: 4,
            audited: Audited::default(),
        };
        let workload = name.workload();
        let mut texts = Vec::new();
        for (number, mut player) in workload.players(&outline).into_iter().enumerate() {
            let (place, lines) = deserted(3, 64);
            let mut client = Client::new(&place, number, Route::Pinned(number % 3), outline.seed);
            for _ in 0..5 {
                player.step(&mut client).await;
            }
            texts.extend(lines.try_iter().filter_map(|line| match line {
                Line::Invoke { process, call, .. } => Some(format!("{process} {call}")),
                _ => None,
            }));
        }
        texts
    }

    #[tokio::test]
    async fn the_same_seed_asks_the_same() {
        for name in Name::ALL.iter().copied() {
            let first = asked(name, 1).await;
            assert_eq!(first, asked(name, 1).await, "{name:?}");
            match name {
                // Without a lease, which nobody grants here, they ask for nothing.
                Name::Lock | Name::LockUnfenced | Name::Election => {}
                // Elements are numbered, whatever the seed.
                Name::Set => assert!(!first.is_empty()),
                _ => assert_ne!(first, asked(name, 2).await, "{name:?}"),
            }
        }
    }

    #[test]
    fn names_are_those_of_the_command_line() {
        let mut seen = HashSet::new();
        for name in Name::ALL {
            let value = name.to_possible_value().unwrap();
            assert_eq!(value.get_name(), name.text());
            assert!(seen.insert(name.text()));
        }
        assert_eq!(Name::ALL.len(), Name::value_variants().len());
    }

    #[test]
    fn all_have_seen_what_the_slowest_has() {
        let audited = Audited::new(2);
        audited.reached(0, 9);
        assert_eq!(audited.by_all(), 0);
        audited.reached(1, 4);
        audited.reached(7, 1);
        assert_eq!(audited.by_all(), 4);
        assert_eq!(Audited::default().by_all(), 0);
    }
}
