//! The cluster's version: the lowest that any member speaks, decided by the leader; and the way down from it.

use std::time::Duration;

use futures_util::future::join_all;
use proto::etcd::downgrade_request::DowngradeAction;
use proto::etcd::{DowngradeInfo, DowngradeRequest, DowngradeResponse, Member as Entry};
use proto::fault::Fault;
use proto::peer::ClusterInfoRequest;
use proto::store::ClusterVersion;
use proto::store::command::Action;

use crate::Member;
use crate::admit::Learner;
use crate::caller::{Caller, Who};
use crate::error::Result;

/// Between two looks; upstream's number.
const LOOK: Duration = Duration::from_secs(5);
/// How long a member may take to answer.
const ASK: Duration = Duration::from_secs(1);

impl Member {
    /// Runs as long as the member.
    pub(crate) async fn watch_versions(self) {
        let mut status = self.status.clone();
        loop {
            if status.wait_for(store_raft::Status::leads).await.is_err() {
                return;
            }
            if let Some(version) = self.decide_version().await {
                let action = Action::ClusterVersion(ClusterVersion {
                    version: version.clone(),
                });
                match self.propose(&Who::own(), action).await {
                    Ok(_) => tracing::info!(cluster_version = version, "set cluster version"),
                    Err(error) => tracing::warn!(%error, "failed to set the cluster version; it is tried again"),
                }
            }
            self.clock.sleep(LOOK).await;
        }
    }

    /// The version to agree on, if it is another than now. One that no member answers for is not raised.
    async fn decide_version(&self) -> Option<String> {
        let state = self.reader.state();
        let members = state.members.list();
        let asked = members.iter().map(|member| self.version_of(member));
        let versions: Vec<Option<String>> = join_all(asked).await;
        let all_known = versions.iter().all(Option::is_some);
        let lowest = versions.into_iter().flatten().min_by_key(|version| number(version))?;
        let decided = cluster_form(&lowest);
        match &state.cluster_version {
            None => Some(decided),
            Some(now) if all_known && number(now) < number(&decided) => Some(decided),
            Some(_) => None,
        }
    }

    async fn version_of(&self, member: &Entry) -> Option<String> {
        if member.id == self.id() {
            return Some(crate::VERSION.to_owned());
        }
        for url in &member.peer_ur_ls {
            if let Ok(info) = self.peers.cluster_info(url, ClusterInfoRequest::default(), ASK).await {
                return Some(info.server_version);
            }
        }
        None
    }

    /// Checks, starts or stops a downgrade of the cluster.
    ///
    /// # Errors
    /// The downgrade faults, auth, timeouts.
    pub async fn downgrade(&self, caller: &Caller, request: DowngradeRequest) -> Result<DowngradeResponse> {
        let admitted = self.admit_admin(caller, Learner::Refuses).await?;
        self.barrier().await?;
        let state = self.reader.state();
        let version = state.cluster_version.clone().ok_or(Fault::ClusterVersionUnavailable)?;
        let info = match request.action() {
            DowngradeAction::Validate => {
                state.check_downgrade(&request.version)?;
                None
            }
            DowngradeAction::Enable => Some(DowngradeInfo {
                enabled: true,
                target_version: state.check_downgrade(&request.version)?,
            }),
            DowngradeAction::Cancel if !state.downgrade.enabled => return Err(Fault::NoInflightDowngrade.into()),
            DowngradeAction::Cancel => Some(DowngradeInfo::default()),
        };
        if let Some(info) = info {
            self.propose(&admitted.who, Action::Downgrade(info)).await?;
        }
        Ok(DowngradeResponse {
            header: Some(self.header()),
            version,
        })
    }
}

/// Major, minor, patch; what cannot be read counts as nothing.
fn number(version: &str) -> (u32, u32, u32) {
    let mut parts = version.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next())
}

/// A cluster's version has no patch level: "3.7.2" gives "3.7.0".
fn cluster_form(version: &str) -> String {
    let (major, minor, _) = number(version);
    format!("{major}.{minor}.0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(number("3.10.0") > number("3.9.9"));
        assert_eq!(cluster_form("3.7.12-rc.1"), "3.7.0");
    }
}
