//! Opening the machine, and handing out runs and readers.

use std::sync::Arc;

use bytes::Bytes;
use store_auth::Auth;
use store_engine::{Batch, Engine};
use store_lease::Leases;
use store_mvcc::Mvcc;

use crate::alarms::Alarms;
use crate::error::OpenError;
use crate::genesis::Genesis;
use crate::members::Members;
use crate::meta;
use crate::run::Run;
use crate::state::{Core, Keys, Published, Reader, State};

/// Bounds that apply enforces. They are part of what a log means, so all members must be given the same.
///
/// Other limits (size of a request, operations in a transaction, the least time to live, the quota) are the proposer's
/// to check: members may disagree about those.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many learners there may be at once.
    pub max_learners: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_learners: 1 }
    }
}

/// The replicated state machine of one member. One task owns it and applies the log; all others hold a [`Reader`].
pub struct Machine {
    engine: Arc<dyn Engine>,
    mvcc: Mvcc,
    core: Core,
    raft: Option<Bytes>,
    limits: Limits,
    published: Arc<Published>,
}

impl Machine {
    /// Reads the state back from `engine`. `genesis` founds the cluster there, durably, if it knows none yet.
    ///
    /// # Errors
    /// When the engine fails or holds what cannot be understood.
    pub fn open(engine: Arc<dyn Engine>, genesis: Option<Genesis>, limits: Limits) -> Result<Self, OpenError> {
        if let Some(genesis) = genesis
            && meta::cluster_id(&*engine)?.is_none()
        {
            let mut batch = Batch::new();
            genesis.write(&mut batch);
            engine.write(&batch)?;
            engine.flush()?;
        }
        let mvcc = Mvcc::open(Arc::clone(&engine))?;
        let core = read(&*engine, &mvcc)?;
        let raft = meta::raft(&*engine)?;
        let machine = Self {
            engine,
            mvcc,
            core,
            raft,
            limits,
            published: Arc::default(),
        };
        machine.publish();
        Ok(machine)
    }

    /// Reads everything again after the engine's contents were replaced. Readers see the new state at once.
    ///
    /// # Errors
    /// As [`Machine::open`].
    pub fn reload(&mut self) -> Result<(), OpenError> {
        self.mvcc.reload()?;
        self.core = read(&*self.engine, &self.mvcc)?;
        self.raft = meta::raft(&*self.engine)?;
        self.publish();
        Ok(())
    }

    fn publish(&self) {
        let keys = Keys {
            revision: self.mvcc.revision(),
            compacted: self.mvcc.compacted(),
            live_bytes: self.mvcc.live_bytes(),
            hash: self.mvcc.hash().hash,
        };
        self.published.set(State::new(self.core.clone(), keys));
    }

    /// What consensus passed to [`Run::commit`] last, `None` before the first one.
    pub fn recovered(&self) -> Option<Bytes> {
        self.raft.clone()
    }

    /// Index and term of the last entry applied, zeros before the first one.
    pub const fn applied(&self) -> (u64, u64) {
        (self.core.applied.index, self.core.applied.term)
    }

    /// A handle for everyone else.
    pub fn reader(&self) -> Reader {
        Reader::new(self.mvcc.reader(), Arc::clone(&self.published))
    }

    /// The collector of what compaction gave up.
    pub fn gc(&self) -> store_mvcc::Gc {
        self.mvcc.gc()
    }

    /// Reads every newest version and compares it with the index. Answers how many keys live.
    ///
    /// # Errors
    /// When they differ, or when the engine fails.
    pub fn verify(&self) -> store_mvcc::Result<u64> {
        self.mvcc.verify()
    }

    /// Begins to apply entries. Nothing is written or seen before [`Run::commit`]; a run that is dropped never was.
    pub fn begin(&mut self) -> Run<'_> {
        Run::new(
            &*self.engine,
            self.limits,
            self.mvcc.begin(),
            &mut self.core,
            &mut self.raft,
            &self.published,
        )
    }
}

fn read(engine: &dyn Engine, mvcc: &Mvcc) -> Result<Core, OpenError> {
    let mut attached = Vec::new();
    mvcc.for_each_leased(|key, lease| attached.push((Bytes::copy_from_slice(key), lease)));
    Ok(Core {
        members: Members::open(engine, meta::cluster_id(engine)?.unwrap_or(0))?,
        leases: Leases::open(engine, attached)?,
        auth: Auth::open(engine)?,
        alarms: Alarms::open(engine)?,
        cluster_version: meta::version(engine)?,
        downgrade: meta::downgrade(engine)?,
        applied: meta::applied(engine)?,
    })
}
