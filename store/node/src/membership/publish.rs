//! A member says what it is called and where its clients find it, once it can.

use std::time::Duration;

use proto::store::MemberPublish;
use proto::store::command::Action;

use crate::Member;
use crate::caller::Who;

/// Between two attempts.
const RETRY: Duration = Duration::from_millis(500);

impl Member {
    /// Publishes until it is known, then the member counts as ready.
    pub(crate) async fn publish(self) {
        let mut status = self.status.clone();
        if status.wait_for(|status| status.leader.is_some()).await.is_err() {
            return;
        }
        while !self.published() {
            let publish = MemberPublish {
                id: self.id(),
                name: self.config.name.clone(),
                client_urls: self.config.advertise_client_urls.clone(),
            };
            match self.propose(&Who::own(), Action::MemberPublish(publish)).await {
                Ok(_) => break,
                Err(error) => tracing::warn!(%error, "failed to publish local member to cluster through raft"),
            }
            self.clock.sleep(RETRY).await;
        }
        tracing::info!(
            local_member_id = format!("{:x}", self.id()),
            cluster_id = format!("{:x}", self.cluster_id()),
            name = self.config.name,
            client_urls = ?self.config.advertise_client_urls,
            "published local member to cluster through raft"
        );
        self.life.set_ready();
    }

    fn published(&self) -> bool {
        let state = self.reader.state();
        state.members.get(self.id()).is_some_and(|member| {
            member.name == self.config.name && member.client_ur_ls == self.config.advertise_client_urls
        })
    }
}
