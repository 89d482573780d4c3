//! The leader's loop that makes consensus count as the members table says, one change at a time.

use std::collections::BTreeSet;
use std::time::Duration;

use proto::peer;
use store_machine::State;
use store_raft::Status;

use crate::Member;
use crate::life::Stop;
use crate::member::node_of;
use crate::time::within;

/// Between two looks when nothing is heard: catching up makes no event of its own.
const LOOK: Duration = Duration::from_millis(200);
/// Entries that a learner may lack when it becomes a voter.
const CAUGHT_UP: u64 = 500;
/// How long a removed member keeps answering; upstream's second.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The part of the status that reconciling depends on.
fn membership(status: &Status) -> (bool, &BTreeSet<u64>, &BTreeSet<u64>, bool) {
    (status.leads(), &status.voters, &status.learners, status.changing)
}

/// What consensus lacks of the wish.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    Finish,
    Add(peer::Node),
    Promote(u64),
    Update(peer::Node),
    Remove(u64),
}

impl Member {
    /// Runs as long as the member.
    pub(crate) async fn reconcile_members(self) {
        let mut changed = self.sink.changed.subscribe();
        let mut status = self.status.clone();
        loop {
            changed.mark_unchanged();
            if self.has_left(self.id()) {
                self.leave().await;
                return;
            }
            let seen = status.borrow_and_update().clone();
            let open = seen.leads() && self.reconcile_once().await;
            let look = async {
                if open {
                    self.clock.sleep(LOOK).await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                heard = changed.changed() => if heard.is_err() { return },
                // Most news is of indexes, which matter only while somebody catches up.
                heard = status.wait_for(|now| membership(now) != membership(&seen)) => if heard.is_err() { return },
                () = look => {}
            }
        }
    }

    async fn leave(&self) {
        tracing::warn!("the member has been permanently removed from the cluster");
        self.clock.sleep(LAST_WORDS).await;
        self.life.begin(Stop::Removed);
    }

    /// Makes the most pressing change; whether there may be more to do.
    async fn reconcile_once(&self) -> bool {
        let state = self.reader.state();
        let status = self.consensus.look();
        let (change, waiting) = pressing(&state, &status, |id| status.replication.get(&id).copied());
        let Some(change) = change else { return waiting };
        let limit = self.config.request_timeout();
        let done = within(&*self.clock, limit, self.make(change.clone())).await;
        match done {
            Some(Ok(())) => tracing::info!(?change, "changed consensus membership"),
            Some(Err(error)) => tracing::debug!(?change, %error, "consensus membership could not be changed yet"),
            None => tracing::warn!(?change, "changing consensus membership takes long"),
        }
        true
    }

    async fn make(&self, change: Change) -> Result<(), store_raft::Error> {
        match change {
            Change::Finish => self.consensus.finish_change().await,
            Change::Add(node) => self.consensus.add_learner(node).await,
            Change::Promote(id) => self.consensus.promote(id).await,
            Change::Update(node) => self.consensus.update_node(node).await,
            Change::Remove(id) => self.consensus.remove(id).await,
        }
    }
}

/// The next change, and whether a member is still catching up.
fn pressing(state: &State, status: &Status, matched: impl Fn(u64) -> Option<u64>) -> (Option<Change>, bool) {
    // Left by a leader that died, or by a call that was given up: the table alone would not show it.
    if status.joint {
        return (Some(Change::Finish), true);
    }
    // Only what was surely removed goes: a table that has not been read far enough removes nobody.
    if let Some(id) = status.nodes.keys().find(|id| state.members.is_removed(**id)) {
        return (Some(Change::Remove(*id)), true);
    }
    let mut waiting = false;
    for member in state.members.iter() {
        let wanted = node_of(member);
        match status.nodes.get(&member.id) {
            None => return (Some(Change::Add(wanted)), true),
            Some(node) if node.peer_urls != wanted.peer_urls => return (Some(Change::Update(wanted)), true),
            Some(_) => {}
        }
        if !member.is_learner && !status.voters.contains(&member.id) {
            let held = matched(member.id).unwrap_or(0);
            if held > 0 && held.saturating_add(CAUGHT_UP) >= status.last_index {
                return (Some(Change::Promote(member.id)), true);
            }
            waiting = true;
        }
    }
    (None, waiting)
}
