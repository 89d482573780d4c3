//! The members of the store.

use proto::etcd::{
    Member, MemberAddRequest, MemberListRequest, MemberPromoteRequest, MemberRemoveRequest, MemberUpdateRequest,
};

use crate::channel::Link;
use crate::retry::Repeat;
use crate::{Client, Error, Result};

impl Client {
    /// Who belongs to the cluster, as a majority knows it.
    ///
    /// # Errors
    /// Any refusal of the store, or no usable endpoint in time.
    pub async fn members(&self) -> Result<Vec<Member>> {
        let rpc = |link: Link, request| async move { link.cluster().member_list(request).await };
        Ok(self
            .core()
            .call(Repeat::Safe, MemberListRequest { linearizable: true }, rpc)
            .await?
            .members)
    }

    /// Adds a member that will be reached at these URLs; as a learner, it has no vote until it is promoted.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn member_add(&self, peer_urls: Vec<String>, learner: bool) -> Result<Member> {
        let request = MemberAddRequest {
            peer_ur_ls: peer_urls,
            is_learner: learner,
        };
        let rpc = |link: Link, request| async move { link.cluster().member_add(request).await };
        let answer = self.core().call(Repeat::Unsent, request, rpc).await?;
        answer
            .member
            .ok_or_else(|| Error::Malformed("a member was added and not named".to_owned()))
    }

    /// Removes a member. Gives the members that are left.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn member_remove(&self, id: u64) -> Result<Vec<Member>> {
        let rpc = |link: Link, request| async move { link.cluster().member_remove(request).await };
        Ok(self
            .core()
            .call(Repeat::Unsent, MemberRemoveRequest { id }, rpc)
            .await?
            .members)
    }

    /// Tells the cluster that a member is reached elsewhere.
    ///
    /// # Errors
    /// Any refusal of the store.
    pub async fn member_update(&self, id: u64, peer_urls: Vec<String>) -> Result<Vec<Member>> {
        let rpc = |link: Link, request| async move { link.cluster().member_update(request).await };
        Ok(self
            .core()
            .call(
                Repeat::Unsent,
                MemberUpdateRequest {
                    id,
                    peer_ur_ls: peer_urls,
                },
                rpc,
            )
            .await?
            .members)
    }

    /// Gives a learner its vote.
    ///
    /// # Errors
    /// Any refusal of the store, for instance that the learner is not in sync yet.
    pub async fn member_promote(&self, id: u64) -> Result<Vec<Member>> {
        let rpc = |link: Link, request| async move { link.cluster().member_promote(request).await };
        Ok(self
            .core()
            .call(Repeat::Unsent, MemberPromoteRequest { id }, rpc)
            .await?
            .members)
    }

    /// Uses the client URLs of all members as endpoints from now on.
    ///
    /// # Errors
    /// As [`Client::members`].
    pub async fn sync_endpoints(&self) -> Result<()> {
        let voters = self.members().await?.into_iter().filter(|member| !member.is_learner);
        let urls: Vec<String> = voters.flat_map(|member| member.client_ur_ls).collect();
        if urls.is_empty() {
            Ok(())
        } else {
            self.set_endpoints(urls)
        }
    }
}
