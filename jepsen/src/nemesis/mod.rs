//! What is done to a cluster while clients use it: one file a fault, and the storm that makes many of them.
//!
//! A fault says what it did, and shows by a count or an observation that it was really there: a partition that cut
//! nothing proves nothing. Faults say so too when they could not be made, or when nobody knows.
//!
//! Start reading at [`Kind`], then [`storm`].

mod chance;
mod clock;
mod full;
mod kill;
mod kind;
mod member;
mod partition;
mod pause;
mod power;
mod report;
mod rot;
mod storm;
mod sync;
mod target;
mod upkeep;
mod watchdog;
mod weather;

use async_trait::async_trait;

use crate::cluster::Cluster;

use chance::Chance;
pub(crate) use kind::Kind;
pub(crate) use report::{Done, Moment, Report, State};
pub(crate) use storm::{Plan, Witness, storm};

/// What came of the attempt to make a fault. An error is an attempt of which nobody knows what it did.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Started {
    /// It is there; to whom, in words.
    Installed(String),
    /// The same, and it leaves no majority that could answer anybody.
    Standstill(String),
    /// It was not tried; why not.
    Skipped(String),
}

impl Started {
    /// A fault that keeps these members of a cluster from answering.
    fn hitting(cluster: &Cluster, nodes: &[usize], words: String) -> Self {
        if 2 * nodes.len() >= cluster.nodes().len() {
            Self::Standstill(words)
        } else {
            Self::Installed(words)
        }
    }
}

/// Whether a fault was really there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    seen: bool,
    /// By what that is known.
    evidence: String,
}

/// A fault that can be made and taken back.
#[async_trait]
trait Nemesis: Send {
    /// Makes it. Whom it meets, and how hard, is chosen by `random`.
    async fn start(&mut self, cluster: &Cluster, random: &mut Chance) -> anyhow::Result<Started>;

    /// Looks for what it did; may be called several times before it is taken back, and counts from `start` each time.
    async fn observe(&mut self, cluster: &Cluster) -> Seen;

    /// Takes it back; also after an attempt of which nobody knows what it did.
    async fn stop(&mut self, cluster: &Cluster) -> anyhow::Result<()>;
}

impl Seen {
    /// A count that must have grown.
    fn count(what: &str, count: u64) -> Self {
        Self {
            seen: count > 0,
            evidence: format!("{count} {what}"),
        }
    }
}
