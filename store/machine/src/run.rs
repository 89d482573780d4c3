//! One batch of log entries: applied together, written at once, then seen by all.

use std::mem::discriminant;
use std::sync::Arc;

use bytes::Bytes;
use proto::etcd::ResponseHeader;
use proto::fault::Fault;
use proto::store::reply::Outcome;
use proto::store::{Command, Done, Reply};
use store_auth::Caller;
use store_engine::{Batch, Engine};
use store_mvcc::{Kind, RevisionBatch, Session};

use crate::authorize::{Ask, authorize};
use crate::effect::Effect;
use crate::error::Stop;
use crate::genesis::Genesis;
use crate::machine::Limits;
use crate::state::{Core, Keys, Published, State};
use crate::{Stamp, command, meta, rules};

/// Entries being applied. Each sees what those before it did; nobody else does until [`Run::commit`].
pub struct Run<'a> {
    engine: &'a dyn Engine,
    pub(crate) limits: Limits,
    pub(crate) session: Session<'a>,
    pub(crate) batch: Batch,
    pub(crate) core: Core,
    effects: Vec<Effect>,
    failed: Option<store_engine::Error>,
    home: &'a mut Core,
    raft: &'a mut Option<Bytes>,
    published: &'a Published,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        engine: &'a dyn Engine,
        limits: Limits,
        session: Session<'a>,
        home: &'a mut Core,
        raft: &'a mut Option<Bytes>,
        published: &'a Published,
    ) -> Self {
        let core = home.clone();
        Self {
            engine,
            limits,
            session,
            batch: Batch::new(),
            core,
            effects: Vec::new(),
            failed: None,
            home,
            raft,
            published,
        }
    }

    /// Applies one entry. Total: whatever the command says, there is a reply, and a refused command changes nothing but
    /// the applied index. An entry at or below that index was applied before: it is skipped, its reply says nothing.
    pub fn apply(&mut self, stamp: Stamp, command: &Command) -> Reply {
        let outcome = if self.failed.is_none() && self.advance(stamp) {
            self.outcome(stamp, command)
        } else {
            Outcome::Fault(Fault::None.into())
        };
        Reply {
            index: stamp.index,
            term: stamp.term,
            outcome: Some(outcome),
        }
    }

    /// Passes an entry that says nothing to the state machine (a blank one, a change of membership). False when it was
    /// passed before.
    pub fn advance(&mut self, stamp: Stamp) -> bool {
        let applied = &mut self.core.applied;
        if stamp.index <= applied.index {
            return false;
        }
        applied.index = stamp.index;
        applied.term = stamp.term;
        applied.now_ms = applied.now_ms.max(stamp.now_ms);
        true
    }

    /// Founds the cluster from its log's first entry, for a member that joined later and replays the log from its
    /// beginning. False, and nothing happens, where the cluster is known.
    pub fn bootstrap(&mut self, genesis: &Genesis) -> bool {
        if self.core.members.cluster_id() != 0 {
            return false;
        }
        self.core.members = genesis.write(&mut self.batch);
        self.core.cluster_version.clone_from(&genesis.cluster_version);
        self.notify(Effect::Members);
        true
    }

    fn outcome(&mut self, stamp: Stamp, command: &Command) -> Outcome {
        // A command of a later version, which this one cannot read. The cluster version keeps those away.
        let Some(action) = &command.action else {
            return Outcome::Fault(Fault::NotCapable.into());
        };
        let caller = Caller {
            user: &command.user,
            revision: command.auth_revision,
        };
        let done = rules::check(&self.core.alarms, action)
            .and_then(|()| authorize(&self.core.auth, &self.core.leases, caller, Ask::Action(action)))
            .map_err(Stop::from)
            .and_then(|()| command::dispatch(self, stamp, action));
        match done {
            Ok(outcome) => outcome,
            Err(Stop::Refused(fault)) => Outcome::Fault(fault.into()),
            Err(Stop::Failed(error)) => {
                self.failed = Some(error);
                Outcome::Fault(Fault::Stopped.into())
            }
        }
    }

    /// Writes everything as one engine batch, with `raft`, which [`crate::Machine::recovered`] gives back; then readers
    /// see it. Answers the effects, in order.
    ///
    /// # Errors
    /// When the engine fails, now or while an entry was applied. The member must stop: none of the replies is true.
    pub fn commit(mut self, raft: &[u8]) -> store_engine::Result<Vec<Effect>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        meta::set_applied(&mut self.batch, self.core.applied, raft);
        self.session.seal(&mut self.batch);
        self.engine.write(&self.batch)?;
        let keys = Keys {
            revision: self.session.revision(),
            compacted: self.session.compacted(),
            live_bytes: self.session.live_bytes(),
            hash: self.session.hash().hash,
        };
        self.session.publish();
        *self.home = self.core.clone();
        *self.raft = Some(Bytes::copy_from_slice(raft));
        self.published.set(State::new(self.core, keys));
        Ok(self.effects)
    }

    pub(crate) fn header(&self) -> ResponseHeader {
        ResponseHeader {
            revision: self.session.revision(),
            ..ResponseHeader::default()
        }
    }

    pub(crate) fn done(&self) -> Outcome {
        Outcome::Done(Done {
            revision: self.session.revision(),
        })
    }

    /// Takes over what a write did to keys: attachments follow it, watchers hear of it.
    pub(crate) fn changed(&mut self, changes: Option<Arc<RevisionBatch>>) {
        let Some(batch) = changes else { return };
        for change in &batch.changes {
            match change.kind {
                Kind::Put => self.core.leases.attach(&change.key, change.lease),
                Kind::Delete => self.core.leases.detach(&change.key),
            }
        }
        self.effects.push(Effect::Revision(batch));
    }

    pub(crate) fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Adds an effect that only says that something changed, once.
    pub(crate) fn notify(&mut self, effect: Effect) {
        if !self
            .effects
            .iter()
            .any(|said| discriminant(said) == discriminant(&effect))
        {
            self.effects.push(effect);
        }
    }
}
