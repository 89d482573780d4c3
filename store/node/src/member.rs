//! The member itself: a handle on everything that was assembled, and the facts others ask for.

use std::ops::Deref;
use std::sync::Arc;

use base::clock::Clock;
use base::random::Random;
use base::task::Tasks;
use proto::etcd::ResponseHeader;
use proto::{etcd, peer};
use store_engine::Engine;
use store_machine::Reader;
use store_raft::{Consensus, Role, Status};
use tokio::sync::watch;

use crate::auth::Tokens;
use crate::forward::Forwarding;
use crate::gc::Collector;
use crate::identity::Identity;
use crate::leaders::Leaders;
use crate::life::Life;
use crate::metrics::Metrics;
use crate::peers::Peers;
use crate::read::Rounds;
use crate::sink::Sink;
use crate::{Config, VERSION};

/// One member of a cluster. A clone is another handle on the same member.
#[derive(Clone)]
pub struct Member(pub(crate) Arc<Inner>);

/// What [`assemble`](crate::assemble) puts together.
pub struct Inner {
    pub(crate) config: Config,
    pub(crate) identity: Identity,
    pub(crate) consensus: Consensus,
    pub(crate) status: watch::Receiver<Status>,
    pub(crate) reader: Reader,
    pub(crate) mvcc: store_mvcc::Reader,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) peers: Arc<dyn Peers>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) tasks: Tasks,
    pub(crate) sink: Arc<Sink>,
    /// Lease checkpoints are written by one at a time, and taken back by many when none is being written.
    pub(crate) checkpointing: tokio::sync::RwLock<()>,
    pub(crate) rounds: Rounds,
    pub(crate) forwarding: Forwarding,
    pub(crate) tokens: Tokens,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) registry: prometheus::Registry,
    pub(crate) collector: Collector,
    pub(crate) leaders: Leaders,
    pub(crate) life: Life,
}

impl Deref for Member {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// The versions that `/version` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The etcd version whose behaviour this member has.
    pub server: String,
    /// What all members speak, "`not_decided`" before they agreed.
    pub cluster: String,
    /// The version of what is stored.
    pub storage: String,
}

impl Member {
    /// This member's id.
    pub fn id(&self) -> u64 {
        self.identity.member_id
    }

    /// The cluster's id.
    pub fn cluster_id(&self) -> u64 {
        self.identity.cluster_id
    }

    /// The member's name, for people.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// How the member was configured.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The peer side of consensus: the transport hands it what arrives.
    pub fn consensus(&self) -> &Consensus {
        &self.consensus
    }

    /// Where the member's metrics are.
    pub fn registry(&self) -> &prometheus::Registry {
        &self.registry
    }

    /// The member's metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Reads what was applied, past all checks; for tests and simulations.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Consensus as it stands.
    pub fn raft_status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Who leads, as far as this member knows.
    pub fn leader(&self) -> Option<u64> {
        self.status.borrow().leader
    }

    /// Whether this member knows a leader.
    pub fn has_leader(&self) -> bool {
        self.leader().is_some()
    }

    /// Whether this member leads.
    pub fn is_leader(&self) -> bool {
        self.leader() == Some(self.id())
    }

    /// Changes of the leader.
    pub fn leader_changes(&self) -> watch::Receiver<Option<u64>> {
        self.leaders.changes()
    }

    /// Whether this member does not vote. One that is still on its way to being a voter is none, as it was not asked
    /// to be one.
    pub fn is_learner(&self) -> bool {
        match self.reader.state().members.get(self.id()) {
            Some(member) => member.is_learner,
            None => self.status.borrow().role == Role::Learner,
        }
    }

    /// The current term.
    pub fn term(&self) -> u64 {
        self.status.borrow().term
    }

    /// The versions in play.
    pub fn versions(&self) -> Versions {
        Versions {
            server: VERSION.to_owned(),
            cluster: self
                .reader
                .state()
                .cluster_version
                .clone()
                .unwrap_or_else(|| "not_decided".to_owned()),
            storage: VERSION.to_owned(),
        }
    }

    /// The head of an answer, as of now.
    pub fn header(&self) -> ResponseHeader {
        self.header_at(self.mvcc.revision())
    }

    pub(crate) fn header_at(&self, revision: i64) -> ResponseHeader {
        ResponseHeader {
            cluster_id: self.cluster_id(),
            member_id: self.id(),
            revision,
            raft_term: self.term(),
        }
    }

    /// Completes the head that apply began; without one, the answer speaks of now.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "it takes the place of the field it was made from"
    )]
    pub(crate) fn complete(&self, header: Option<ResponseHeader>) -> Option<ResponseHeader> {
        Some(header.map_or_else(|| self.header(), |header| self.header_at(header.revision)))
    }

    /// The leader's address, for calls to it.
    pub(crate) fn node(&self, id: u64) -> Option<peer::Node> {
        if let Some(node) = self.status.borrow().nodes.get(&id) {
            return Some(node.clone());
        }
        let state = self.reader.state();
        state.members.get(id).map(node_of)
    }
}

/// A member as consensus knows it.
pub(crate) fn node_of(member: &etcd::Member) -> peer::Node {
    peer::Node {
        id: member.id,
        peer_urls: member.peer_ur_ls.clone(),
    }
}
