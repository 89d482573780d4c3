//! What this member knows of itself and its cluster, as one value that can be watched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::Fatal;
use openraft::metrics::RaftServerMetrics;
use openraft::{Instant, RaftMetrics, ServerState};
use proto::peer;
use tokio::sync::watch;

use crate::convert::node_out;
use crate::shared::Shared;
use crate::types::{Raft, Types};

/// What a member is at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Receives the log and has no vote.
    #[default]
    Learner,
    /// Follows a leader, or waits for one.
    Follower,
    /// Stands for election.
    Candidate,
    /// Leads.
    Leader,
    /// Has ended.
    Stopped,
}

/// A member's view. Indexes are 0 where there is none.
///
/// In a value that is watched, progress (indexes, who was heard when) is as old as a heartbeat's interval at most; who
/// leads, the term and the members are news at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The newest term seen.
    pub term: u64,
    /// Who leads, as far as known. None once a follower has not heard of the leader for two election timeouts, or a
    /// leader has not been confirmed by a majority for as long.
    pub leader: Option<u64>,
    /// What this member is.
    pub role: Role,
    /// The last index in the log.
    pub last_index: u64,
    /// The last index known here as committed.
    pub committed: u64,
    /// The last index applied.
    pub applied: u64,
    /// The last index purged from the log.
    pub purged: u64,
    /// All that vote, in either configuration while a change is under way.
    pub voters: BTreeSet<u64>,
    /// All that do not vote.
    pub learners: BTreeSet<u64>,
    /// All members with their peer URLs.
    pub nodes: BTreeMap<u64, peer::Node>,
    /// A change of the membership is not finished.
    pub changing: bool,
    /// Majorities of two configurations are asked for: the first half of a change is done, the second is not.
    pub joint: bool,
    /// Leader only: the index up to which each member's log is known to match.
    pub replication: BTreeMap<u64, u64>,
    /// Leader only: milliseconds since each other member last answered, when this value was made.
    pub heard_ms: BTreeMap<u64, u64>,
    /// Why consensus ended, where it failed.
    pub failed: Option<String>,
}

impl Status {
    /// Whether this member leads.
    pub fn leads(&self) -> bool {
        self.role == Role::Leader
    }

    /// As of now.
    pub(crate) fn of(shared: &Shared, raft: &Raft) -> Status {
        let (server, metrics) = (raft.server_metrics(), raft.metrics());
        Status::made_of(shared, &server.borrow_watched(), &metrics.borrow_watched())
    }

    fn made_of(shared: &Shared, server: &RaftServerMetrics<Types>, metrics: &RaftMetrics<Types>) -> Status {
        let index = |id: &Option<crate::types::LogId>| id.map_or(0, |id| id.index);
        let membership = server.membership_config.membership();
        let joint = membership.get_joint_config().len() > 1;
        let replication = metrics.replication.iter().flatten();
        let heard = metrics.heartbeat.iter().flatten().filter_map(|(id, at)| {
            let since = (*at)?.elapsed().as_millis() as u64;
            Some((*id, since))
        });
        Status {
            // Those of the server are sent first, and may be ahead.
            term: metrics.current_term.max(server.vote.leader_id.term),
            leader: server.current_leader.filter(|_| in_touch(shared, server, metrics)),
            role: role(server, metrics),
            last_index: metrics.last_log_index.unwrap_or(0),
            committed: index(&metrics.local_committed),
            applied: index(&metrics.last_applied),
            purged: index(&metrics.purged),
            voters: membership.voter_ids().collect(),
            learners: membership.learner_ids().collect(),
            nodes: membership
                .nodes()
                .map(|(id, node)| (*id, node_out(*id, node)))
                .collect(),
            changing: joint || server.membership_config != server.committed_membership_config,
            joint,
            replication: replication.map(|(id, matched)| (*id, index(matched))).collect(),
            heard_ms: heard.collect(),
            failed: match &metrics.running_state {
                Ok(()) | Err(Fatal::Stopped) => None,
                Err(fatal) => Some(fatal.to_string()),
            },
        }
    }
}

/// Whether there is any sign of the leader. openraft remembers whom it voted for, however long ago.
fn in_touch(shared: &Shared, server: &RaftServerMetrics<Types>, metrics: &RaftMetrics<Types>) -> bool {
    if server.state != ServerState::Leader {
        return shared.hears_leader();
    }
    let longest = shared.options.election() * 2;
    let alone = server.membership_config.membership().voter_ids().count() == 1;
    // None: just elected.
    alone || metrics.last_quorum_acked.is_none_or(|at| at.elapsed() <= longest)
}

fn role(server: &RaftServerMetrics<Types>, metrics: &RaftMetrics<Types>) -> Role {
    match server.state {
        _ if metrics.running_state.is_err() => Role::Stopped,
        ServerState::Learner => Role::Learner,
        ServerState::Follower => Role::Follower,
        ServerState::Candidate => Role::Candidate,
        ServerState::Leader => Role::Leader,
        ServerState::Shutdown => Role::Stopped,
    }
}

/// Keeps the value up to date until openraft ends; then tells why if that was not asked for.
pub(crate) fn watch(shared: &Arc<Shared>, raft: &Raft) -> watch::Receiver<Status> {
    let (mut server, metrics) = (raft.server_metrics(), raft.metrics());
    let (sender, receiver) = watch::channel(Status::of(shared, raft));
    let shared_again = shared.clone();
    shared.tasks.spawn("raft-status", async move {
        let mut last = Status::default();
        let mut ended = false;
        while !ended {
            // Not at each entry: who waits for news of the cluster would be woken many times a write.
            tokio::select! {
                changed = server.changed() => ended = changed.is_err(),
                // Progress and silence make no event of their own.
                () = shared_again.clock.sleep(shared_again.options.heartbeat()) => {}
            }
            last = Status::made_of(&shared_again, &server.borrow_and_update(), &metrics.borrow_watched());
            sender.send_if_modified(|shown| {
                let modified = *shown != last;
                if modified {
                    *shown = last.clone();
                }
                modified
            });
            ended |= last.role == Role::Stopped;
        }
        last.role = Role::Stopped;
        sender.send_replace(last.clone());
        if let Some(failed) = &last.failed {
            (shared_again.options.on_fatal)(failed);
        }
        shared_again.tasks.cancel();
    });
    receiver
}
