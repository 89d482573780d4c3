//! What other members ask, beside the writes, reads and leases that stand with their own subject.

use proto::peer;

use crate::error::Result;
use crate::life::Stop;
use crate::{Member, VERSION};

impl Member {
    /// [`cluster_info`](Self::cluster_info) for another member, which may ask for nothing older than its question.
    ///
    /// # Errors
    /// That of a linearizable read.
    pub async fn peer_cluster_info(&self, request: peer::ClusterInfoRequest) -> Result<peer::ClusterInfoResponse> {
        if request.current {
            self.barrier().await?;
        }
        Ok(self.cluster_info())
    }

    /// Who is in the cluster, for a member that joins or wants to know whether it still belongs.
    pub fn cluster_info(&self) -> peer::ClusterInfoResponse {
        let state = self.reader.state();
        peer::ClusterInfoResponse {
            cluster_id: self.cluster_id(),
            members: state.members.list(),
            removed: state.members.removed().filter(|id| self.has_left(*id)).collect(),
            leader: self.leader().unwrap_or(0),
            member_id: self.id(),
            server_version: VERSION.to_owned(),
            cluster_version: state.cluster_version.clone().unwrap_or_default(),
        }
    }

    /// Whether messages of this member are taken: not after it was removed.
    pub fn knows(&self, from: u64) -> bool {
        !self.has_left(from)
    }

    /// Whether a member was removed and consensus goes on without it.
    ///
    /// Between the two its voice still counts: the change itself may need it for a majority, or be its own to see through
    /// where it leads. Whoever does not listen any more keeps the change from being made, for ever.
    pub(crate) fn has_left(&self, id: u64) -> bool {
        self.reader.state().members.is_removed(id) && !self.consensus.look().nodes.contains_key(&id)
    }

    /// A member that hears of no leader for long asks the others whether it was removed while it was away: then nobody
    /// sends it anything any more, and it would wait for ever.
    pub(crate) async fn ask_whether_removed(self) {
        let mut cuts = self.leaders.cuts();
        loop {
            if cuts.changed().await.is_err() {
                return;
            }
            let members = self.reader.state().members.list();
            for member in members.iter().filter(|member| member.id != self.id()) {
                for url in &member.peer_ur_ls {
                    // What was removed once stays removed, so an old answer will do.
                    let ask = peer::ClusterInfoRequest::default();
                    let Ok(info) = self.peers.cluster_info(url, ask, self.config.election_timeout).await else {
                        continue;
                    };
                    if info.cluster_id == self.cluster_id() && info.removed.contains(&self.id()) {
                        tracing::warn!("the member was removed from the cluster while it was away");
                        self.life.begin(Stop::Removed);
                        return;
                    }
                }
            }
        }
    }
}
