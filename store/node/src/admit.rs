//! What stands before every request: the member runs, it may serve this at all, there is a leader where one is asked
//! for, and the caller is who he says.

use proto::fault::Fault;
use store_machine::{Ask, State, authorize};

use crate::Member;
use crate::caller::{Caller, Who};
use crate::error::Result;
use crate::life::Inside;

/// What a learner answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Learner {
    /// Refuses; the rule.
    Refuses,
    /// Serves: serializable ranges, status, snapshots.
    Serves,
}

/// A request that was let in.
pub(crate) struct Admitted {
    pub(crate) who: Who,
    _inside: Inside,
}

impl Member {
    /// Lets a request in.
    pub(crate) async fn admit(&self, caller: &Caller, learner: Learner) -> Result<Admitted> {
        let inside = self.enter(caller, learner)?;
        let who = self.identify(caller).await?;
        Ok(Admitted { who, _inside: inside })
    }

    /// What is asked before anyone looks at who asks.
    pub(crate) fn enter(&self, caller: &Caller, learner: Learner) -> Result<Inside> {
        let inside = self.life.enter()?;
        if learner == Learner::Refuses && self.is_learner() {
            return Err(Fault::NotSupportedForLearner.into());
        }
        if caller.require_leader && !self.has_leader() {
            return Err(Fault::NoLeader.into());
        }
        Ok(inside)
    }

    /// Lets a request in that only administrators may make.
    pub(crate) async fn admit_admin(&self, caller: &Caller, learner: Learner) -> Result<Admitted> {
        let admitted = self.admit(caller, learner).await?;
        self.allowed(&admitted.who, Ask::Admin)?;
        Ok(admitted)
    }

    /// Whether the state as applied here allows it. Apply asks again for what is written.
    pub(crate) fn allowed(&self, who: &Who, ask: Ask<'_>) -> Result<()> {
        allowed_in(&self.reader.state(), who, ask)
    }

    /// Refuses everything about data while the CORRUPT alarm stands.
    pub(crate) fn intact(&self) -> Result<()> {
        if self.reader.state().alarms.corrupt() {
            Err(Fault::Corrupt.into())
        } else {
            Ok(())
        }
    }

    /// Upstream's last look: rights may have changed while a read ran. Whoever is no user has none, the cluster itself too.
    pub(crate) fn still_current(&self, who: &Who) -> Result<()> {
        let state = self.reader.state();
        if !who.user.is_empty() && state.auth.enabled() && who.revision != state.auth.revision() {
            return Err(Fault::AuthOldRevision.into());
        }
        Ok(())
    }
}

pub(crate) fn allowed_in(state: &State, who: &Who, ask: Ask<'_>) -> Result<()> {
    Ok(authorize(&state.auth, &state.leases, who.as_caller(), ask)?)
}
