//! openraft's types as this store uses them.

use std::fmt;

use bytes::Bytes;
use openraft::impls::leader_id_adv;
use openraft::raft::responder::Responder;
use proto::store::Reply;
use tokio::sync::oneshot;

use crate::machine_store::MachineStore;

/// The one configuration of openraft.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Types;

impl openraft::RaftTypeConfig for Types {
    type D = Proposal;
    type R = Reply;
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

/// Where openraft puts the result of a write. A receiver that went away is no news.
pub(crate) struct Answer<T>(pub(crate) oneshot::Sender<T>);

impl<T: Send + 'static> Responder<Types, T> for Answer<T> {
    fn on_complete(self, result: T) {
        drop(self.0.send(result));
    }
}
