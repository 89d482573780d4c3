//! The beginning of a cluster: its id and first members, before any log entry.

use proto::etcd::Member;
use store_engine::Batch;

use crate::members::Members;
use crate::meta;

/// Who founds the cluster. Every founding member must be given the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Genesis {
    /// The cluster's id.
    pub cluster_id: u64,
    /// The founding members. Names and client URLs are dropped: a member publishes them once it runs, and a member that
    /// joins later knows only ids and peer URLs, yet must come to the same bytes.
    pub members: Vec<Member>,
    /// The cluster's version where it is known before the log says so (a restored cluster), else `None`.
    pub cluster_version: Option<String>,
}

impl Genesis {
    /// Adds what a founded cluster holds to a batch.
    pub(crate) fn write(&self, batch: &mut Batch) -> Members {
        meta::set_cluster_id(batch, self.cluster_id);
        if let Some(version) = &self.cluster_version {
            meta::set_version(batch, version);
        }
        let mut members = Members::new(self.cluster_id);
        for member in &self.members {
            let founder = Member {
                name: String::new(),
                client_ur_ls: Vec::new(),
                ..member.clone()
            };
            members.put(founder, batch);
        }
        members
    }
}
