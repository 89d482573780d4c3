//! The state and upkeep of members. Most of it is about the one member that answers: see [`Client::at`].

use bytes::Bytes;
use proto::etcd::alarm_request::AlarmAction;
use proto::etcd::downgrade_request::DowngradeAction;
use proto::etcd::{
    AlarmMember, AlarmRequest, AlarmType, DefragmentRequest, DowngradeRequest, HashKvRequest, HashKvResponse,
    MoveLeaderRequest, SnapshotRequest, SnapshotResponse, StatusRequest, StatusResponse,
};
use tonic::Streaming;

use crate::channel::Link;
use crate::retry::Repeat;
use crate::{Client, Result};

/// A snapshot on its way: the bytes of a database file, then a SHA-256 of them as the last piece.
pub struct SnapshotStream(Streaming<SnapshotResponse>);

impl SnapshotStream {
    /// The next bytes; `None` after the last.
    ///
    /// # Errors
    /// Any refusal of the store; a broken connection.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        Ok(self.0.message().await?.map(|piece| piece.blob))
    }
}

impl Client {
    /// How the answering member sees itself and the cluster.
    ///
    /// # Errors
    /// Any refusal of the store, or no usable endpoint in time.
    pub async fn status(&self) -> Result<StatusResponse> {
        let rpc = |link: Link, request| async move { link.maintenance().status(request).await };
        self.core().call(Repeat::Safe, StatusRequest {}, rpc).await
    }

    /// The alarms that are raised.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn alarms(&self) -> Result<Vec<AlarmMember>> {
        self.alarm(AlarmAction::Get, 0, AlarmType::None).await
    }

    /// Takes an alarm back. Gives those that were taken back.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn disarm(&self, member: u64, alarm: AlarmType) -> Result<Vec<AlarmMember>> {
        self.alarm(AlarmAction::Deactivate, member, alarm).await
    }

    async fn alarm(&self, action: AlarmAction, member_id: u64, alarm: AlarmType) -> Result<Vec<AlarmMember>> {
        let request = AlarmRequest {
            action: action.into(),
            member_id,
            alarm: alarm.into(),
        };
        let rpc = |link: Link, request| async move { link.maintenance().alarm(request).await };
        Ok(self.core().call(Repeat::Safe, request, rpc).await?.alarms)
    }

    /// Gives unused space of the answering member back.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn defragment(&self) -> Result<()> {
        let rpc = |link: Link, request| async move { link.maintenance().defragment(request).await };
        self.core().call(Repeat::Unsent, DefragmentRequest {}, rpc).await?;
        Ok(())
    }

    /// A hash over all keys up to a revision (0 means now), equal on all members.
    ///
    /// # Errors
    /// As [`Client::status`], and that the revision is compacted or still to come.
    pub async fn hash_kv(&self, revision: i64) -> Result<HashKvResponse> {
        let rpc = |link: Link, request| async move { link.maintenance().hash_kv(request).await };
        self.core().call(Repeat::Safe, HashKvRequest { revision }, rpc).await
    }

    /// Hands the leadership over. The leader itself must be asked.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn move_leader(&self, target_id: u64) -> Result<()> {
        let rpc = |link: Link, request| async move { link.maintenance().move_leader(request).await };
        self.core()
            .call(Repeat::Safe, MoveLeaderRequest { target_id }, rpc)
            .await?;
        Ok(())
    }

    /// Checks, starts or cancels a downgrade. Gives the cluster's version.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn downgrade(&self, action: DowngradeAction, version: impl Into<String>) -> Result<String> {
        let request = DowngradeRequest {
            action: action.into(),
            version: version.into(),
        };
        let rpc = |link: Link, request| async move { link.maintenance().downgrade(request).await };
        Ok(self.core().call(Repeat::Unsent, request, rpc).await?.version)
    }

    /// Everything the answering member holds, as one database file.
    ///
    /// # Errors
    /// As [`Client::status`].
    pub async fn snapshot(&self) -> Result<SnapshotStream> {
        let rpc = |link: Link, request| async move { link.maintenance().snapshot(request).await };
        Ok(SnapshotStream(
            self.core().call(Repeat::Safe, SnapshotRequest {}, rpc).await?,
        ))
    }
}
