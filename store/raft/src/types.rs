//! openraft's types as this store uses them.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use openraft::impls::leader_id_adv;
use openraft::raft::ClientWriteResult;
use openraft::raft::responder::Responder;
use tokio::sync::mpsc;

use crate::error::Error;
use crate::machine_store::MachineStore;
use crate::waiting::Waiting;

/// The one configuration of openraft.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Types;

impl openraft::RaftTypeConfig for Types {
    type D = Proposal;
    // Apply tells those who wait itself, see `waiting`.
    type R = ();
    type NodeId = u64;
    type Node = Peer;
    type Term = u64;
    type LeaderId = LeaderId;
    type Vote = Vote;
    type Payload = Payload;
    type Entry = openraft::Entry<LeaderId, Payload>;
    type Responder<T>
        = Answer<T>
    where
        T: Send + 'static;
    type Batch<T>
        = openraft::impls::InlineBatch<T>
    where
        T: Send + 'static;
    type AsyncRuntime = openraft::TokioRuntime;
    type ErrorSource = openraft::impls::BoxedErrorSource;
}

pub(crate) type Raft = openraft::Raft<Types, MachineStore>;
pub(crate) type LeaderId = leader_id_adv::LeaderId<u64, u64>;
pub(crate) type LogId = openraft::LogId<LeaderId>;
pub(crate) type Vote = openraft::Vote<LeaderId>;
pub(crate) type Entry = openraft::Entry<LeaderId, Payload>;
pub(crate) type Payload = openraft::EntryPayload<Proposal, u64, Peer>;
pub(crate) type Membership = openraft::Membership<u64, Peer>;
pub(crate) type StoredMembership = openraft::StoredMembership<LeaderId, u64, Peer>;
pub(crate) type SnapshotMeta = openraft::SnapshotMeta<LeaderId, u64, Peer>;
pub(crate) type Snapshot = openraft::Snapshot<LeaderId, u64, Peer, crate::image::SnapshotData>;

/// A member as consensus knows it; its id is the key it stands under.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) urls: Vec<String>,
}

/// A command on its way through the log, encoded. Whoever applies it decodes it from these bytes, also on the leader:
/// so nothing keeps the buffer that a client's request came in, which is larger than a small request.
#[derive(Clone)]
pub(crate) struct Proposal {
    pub(crate) bytes: Bytes,
}

impl fmt::Debug for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "command of {} bytes", self.bytes.len())
    }
}

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Whom openraft tells that it did not write a command, or lost it. What was applied is told elsewhere.
pub(crate) struct Answer<T> {
    asker: Asker,
    tell: fn(Asker, T),
}

/// Who wants to know.
pub(crate) enum Asker {
    /// A waiter of this member.
    Here { waiting: Arc<Waiting>, id: u64 },
    /// A member that sent the command.
    There {
        refused: mpsc::UnboundedSender<(u64, Error)>,
        id: u64,
    },
}

impl Asker {
    pub(crate) fn fail(self, error: Error) {
        match self {
            Asker::Here { waiting, id } => waiting.fail_in_own_log(id, error),
            // A member that went away does not need it.
            Asker::There { refused, id } => drop(refused.send((id, error))),
        }
    }
}

impl Answer<ClientWriteResult<Types>> {
    pub(crate) fn to(asker: Asker) -> Self {
        let tell = |asker: Asker, result: ClientWriteResult<Types>| {
            if let Err(error) = result {
                asker.fail(error.into());
            }
        };
        Answer { asker, tell }
    }
}

impl<T: Send + 'static> Responder<Types, T> for Answer<T> {
    fn on_complete(self, result: T) {
        (self.tell)(self.asker, result);
    }
}
