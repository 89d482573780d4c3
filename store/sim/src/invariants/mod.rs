//! What must hold at every moment, one file each, and the picture that it is judged by.

mod applied;
mod committed;
mod durable;
mod election;
mod kept;
mod leaders;
mod logs;
mod purges;
mod revisions;
mod states;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jepsen_check::Log as History;
use store_log::View;
use store_machine::State;
use store_node::{Identity, IdentityStore};
use store_raft::{Role, Status};

use crate::net::Number;
use crate::node::Node;

/// How often logs are read and compared.
const LOGS_EVERY: Duration = Duration::from_millis(500);
/// How often revisions are read.
const REVISIONS_EVERY: Duration = Duration::from_millis(20);

/// A member as it stands.
pub(crate) struct Seen {
    pub(crate) node: Number,
    /// Which life of its process.
    pub(crate) boot: u64,
    pub(crate) member: u64,
    pub(crate) status: Status,
    /// The last index applied, and what came of it: revision, rolling hash, the log's time.
    pub(crate) applied: u64,
    pub(crate) state: (i64, u64, u64),
    /// All else that is replicated.
    pub(crate) tables: Arc<State>,
}

/// The entries of one member's log: a hash of each, by index.
pub(crate) struct Entries {
    pub(crate) node: Number,
    pub(crate) member: u64,
    /// What it knows as committed, 0 while it is down.
    pub(crate) committed: u64,
    /// The last index, of an entry or purged.
    pub(crate) last: u64,
    pub(crate) hashes: BTreeMap<u64, u64>,
}

/// A rule that was broken.
pub(crate) type Broken = String;

/// All rules, and what they remember.
#[derive(Default)]
pub(crate) struct Invariants {
    election: election::Election,
    applied: applied::Applied,
    states: states::States,
    committed: committed::Committed,
    leaders: leaders::Leaders,
    voters: durable::Voters,
    kept: kept::Kept,
    revisions: revisions::Revisions,
    logs_at: Duration,
    revisions_at: Duration,
    pub(crate) purges: purges::Purges,
    /// Facts that were held against a rule.
    pub(crate) checked: u64,
}

/// All members that are up.
pub(crate) fn look(nodes: &[Node]) -> Vec<Seen> {
    let look = |node: &Node| {
        node.look(|member| {
            let state = member.reader().state();
            let hash = member.reader().mvcc().hash();
            Seen {
                node: node.number,
                boot: node.lives(),
                member: member.id(),
                status: member.consensus().look(),
                applied: state.applied_index,
                state: (hash.revision, hash.hash, state.now_ms),
                tables: state,
            }
        })
    };
    nodes.iter().filter_map(look).collect()
}

/// The log as the disk of a node shows it; of what survives a loss of power only, if asked so.
fn entries(node: &Node, identity: Identity, committed: u64, durable: bool) -> Result<Entries, Broken> {
    let broken = |error: &dyn std::fmt::Display| format!("the log of node {}: {error}", node.number);
    let disk = if durable {
        node.home.disk.surviving()
    } else {
        node.home.disk.clone()
    };
    let view = View::open(&disk, identity.cluster_id, identity.member_id).map_err(|error| broken(&error))?;
    let last = view.last().unwrap_or(0);
    let mut entries = BTreeMap::new();
    if let Some(first) = view.first() {
        let read = view.read(first..last + 1, u64::MAX).map_err(|error| broken(&error))?;
        entries.extend(
            read.iter()
                .map(|record| (record.index, xxhash_rust::xxh3::xxh3_64(&record.data))),
        );
    }
    Ok(Entries {
        node: node.number,
        member: identity.member_id,
        committed,
        last,
        hashes: entries,
    })
}

/// The logs of all nodes that ever were members, running or not.
fn logs(nodes: &[Node], seen: &[Seen], durable: bool) -> Result<Vec<Entries>, Broken> {
    let mut all = Vec::new();
    for node in nodes {
        let Ok(Some(identity)) = node.home.identity.load() else {
            continue;
        };
        if node.home.is_damaged {
            continue;
        }
        // One whose disk refused entries shows them as its log to the end, and has told it to nobody.
        let own = seen.iter().find(|seen| seen.node == node.number);
        let own = own.filter(|seen| seen.status.role != Role::Stopped);
        let committed = own.map_or(0, |seen| seen.status.committed);
        all.push(entries(node, identity, committed, durable)?);
    }
    Ok(all)
}

impl Invariants {
    /// Judges this moment.
    pub(crate) fn check(&mut self, nodes: &[Node], now: Duration) -> Result<Vec<Seen>, Broken> {
        let seen = look(nodes);
        self.checked += seen.len() as u64;
        self.election.check(&seen)?;
        self.applied.check(&seen)?;
        self.states.check(&seen)?;
        self.purges.note(&seen);
        self.voters.note(&seen);
        self.committed.note(&seen);
        let elected = self.leaders.news(&seen);
        if !elected.is_empty() || now >= self.logs_at {
            self.logs_at = now + LOGS_EVERY;
            let logs = logs(nodes, &seen, false)?;
            logs::check(&logs)?;
            self.committed.check(&logs)?;
            leaders::check(&elected, &logs, &self.committed)?;
            let durable = if nodes.iter().all(|node| node.home.disk.is_synced()) {
                logs
            } else {
                self::logs(nodes, &seen, true)?
            };
            self.kept.check(&durable, &self.committed)?;
            // What nobody can read may be there all the same.
            if nodes.iter().all(|node| !node.home.is_damaged) {
                durable::check(&self.voters, &durable, &self.committed)?;
            }
        }
        if now >= self.revisions_at {
            self.revisions_at = now + REVISIONS_EVERY;
            self.read_revisions(nodes)?;
        }
        Ok(seen)
    }

    /// Reads what is left of the revisions of all members.
    pub(crate) fn read_revisions(&mut self, nodes: &[Node]) -> Result<(), Broken> {
        nodes.iter().try_for_each(|node| self.revisions.read(node))
    }

    /// What happened at each revision, as the members told it.
    pub(crate) fn history(&self) -> History {
        self.revisions.history()
    }
}
