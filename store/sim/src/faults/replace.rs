//! A member that is removed for good, and another that joins in its place, as a learner or at once.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use proto::etcd::{self, MemberAddRequest, MemberListRequest, MemberPromoteRequest, MemberRemoveRequest};
use proto::fault::Fault as Refusal;
use rand::Rng;
use store_node::{Caller, Error, IdentityStore, Member};

use super::{Fault, Ground};
use crate::net::{self, Number};
use crate::node::{Crash, Home};

/// After so long without an answer somebody else is asked.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two tries.
const AGAIN: Duration = Duration::from_millis(700);

type Answer = Arc<Mutex<Option<Result<Vec<etcd::Member>, Error>>>>;

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    Remove(u64),
    Add,
    Promote(u64),
    Done,
}

/// One replacement.
pub(crate) struct Replace {
    node: Number,
    learner: bool,
    want: Want,
    /// What was asked last, and when.
    asked: Option<(Duration, Answer)>,
    /// Nothing is asked before.
    not_before: Duration,
}

impl Default for Replace {
    fn default() -> Self {
        Self {
            node: 0,
            learner: false,
            want: Want::Done,
            asked: None,
            not_before: Duration::ZERO,
        }
    }
}

async fn ask(member: Member, want: Want, url: String, learner: bool) -> Result<Vec<etcd::Member>, Error> {
    let caller = Caller::default();
    match want {
        Want::Remove(id) => {
            let removed = member.member_remove(&caller, MemberRemoveRequest { id }).await;
            removed.map(|response| response.members)
        }
        Want::Add => {
            let sought = url.clone();
            let request = MemberAddRequest {
                peer_ur_ls: vec![url],
                is_learner: learner,
            };
            match member.member_add(&caller, request).await {
                Ok(response) => Ok(response.members),
                // An earlier try may have been heard after all: an operator who gets an error looks.
                Err(error) => match list(&member, &caller).await {
                    Ok(members) if members.iter().any(|one| one.peer_ur_ls.contains(&sought)) => Ok(members),
                    _ => Err(error),
                },
            }
        }
        Want::Promote(id) => {
            let promoted = member.member_promote(&caller, MemberPromoteRequest { id }).await;
            promoted.map(|response| response.members)
        }
        Want::Done => list(&member, &caller).await,
    }
}

async fn list(member: &Member, caller: &Caller) -> Result<Vec<etcd::Member>, Error> {
    let listed = member
        .member_list(caller, MemberListRequest { linearizable: true })
        .await;
    listed.map(|response| response.members)
}

impl Replace {
    /// Asks somebody else than the one who is replaced.
    fn ask(&mut self, ground: &mut Ground<'_>) {
        let up: Vec<Number> = (0..ground.nodes.len())
            .filter(|node| *node != self.node && ground.nodes[*node].member().is_some())
            .collect();
        if up.is_empty() {
            return;
        }
        let asked = up[ground.below(up.len())];
        let Some(member) = ground.nodes[asked].member() else {
            return;
        };
        let answer: Answer = Arc::default();
        let (slot, want, url, learner) = (Arc::clone(&answer), self.want, net::url(self.node), self.learner);
        ground.nodes[asked].spawn(async move {
            let answered = ask(member, want, url, learner).await;
            *slot.lock() = Some(answered);
        });
        self.asked = Some((ground.now, answer));
    }

    fn answered(&mut self, ground: &mut Ground<'_>, answer: Result<Vec<etcd::Member>, Error>) {
        let gone = |error: &Error| error.fault() == Some(Refusal::MemberNotFound);
        let is_voter = |error: &Error| error.fault() == Some(Refusal::MemberNotLearner);
        self.want = match (self.want, answer) {
            (Want::Remove(_), Ok(_)) => Want::Add,
            (Want::Remove(_), Err(error)) if gone(&error) => Want::Add,
            (Want::Add, Ok(members)) => self.join(ground, &members),
            (Want::Promote(_), Ok(_)) => Want::Done,
            (Want::Promote(_), Err(error)) if is_voter(&error) => Want::Done,
            (want, _) => want,
        };
        self.not_before = ground.now + AGAIN;
    }

    /// Starts the new member on an empty disk.
    fn join(&mut self, ground: &mut Ground<'_>, members: &[etcd::Member]) -> Want {
        let url = net::url(self.node);
        let Some(own) = members.iter().find(|member| member.peer_ur_ls.contains(&url)) else {
            return Want::Add;
        };
        ground.crash(self.node, Crash::Kill);
        // One that did not tell its name yet is there all the same; the operator calls it something.
        let called = |member: &etcd::Member| match member.name.as_str() {
            "" => format!("{:x}", member.id),
            name => name.to_owned(),
        };
        let others = members.iter().filter(|member| member.id != own.id);
        let others = others.map(|member| (called(member), member.peer_ur_ls.clone()));
        let life = ground.nodes[self.node].lives();
        let config = ground.plan.joining(self.node, life, others.collect());
        ground.nodes[self.node].home = Home::new(config, ground.plan.segment_bytes);
        ground.nodes[self.node].home.is_replaced = true;
        ground.start(self.node);
        if self.learner {
            Want::Promote(own.id)
        } else {
            Want::Done
        }
    }
}

impl Fault for Replace {
    fn begin(&mut self, ground: &mut Ground<'_>) -> Option<String> {
        if ground.nodes.len() < 3 {
            return None;
        }
        self.node = ground.victim();
        self.learner = ground.random.random();
        let identity = ground.nodes[self.node].home.identity.load().ok().flatten()?;
        self.want = Want::Remove(identity.member_id);
        ground.nodes[self.node].home.is_replaced = true;
        let kind = if self.learner { "a learner" } else { "a voter" };
        Some(format!(
            "node {}: {:x} goes, {kind} comes",
            self.node, identity.member_id
        ))
    }

    fn step(&mut self, ground: &mut Ground<'_>) -> bool {
        match self.asked.take() {
            None if self.want == Want::Done => return true,
            None if ground.now >= self.not_before => self.ask(ground),
            None => {}
            Some((since, answer)) => {
                let answered = answer.lock().take();
                match answered {
                    Some(answered) => self.answered(ground, answered),
                    None if ground.now > since + PATIENCE => {}
                    None => self.asked = Some((since, answer)),
                }
            }
        }
        false
    }

    fn end(&mut self, _ground: &mut Ground<'_>) {}
}
