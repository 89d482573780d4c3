//! Every protobuf message that a port or a log takes: client API, peers, commands, stored keys and users.
//!
//! An input: a byte that says which message, then the message.

use std::fmt::Debug;

use bytes::Bytes;
use prost::Message;
use proto::mvcc::{Event, KeyValue};
use proto::{Encoded, auth, election, etcd, lock, peer, store};
use store_mvcc::{is_readonly, is_serializable, validate};

use crate::Verdict;
use crate::support::{leader, must, same_again, sample};

/// Answers whether the bytes are a message of the kind.
type Check = fn(&[u8]) -> bool;

macro_rules! messages {
    ($($message:ty),* $(,)?) => {
        const MESSAGES: &[(&str, Check)] = &[$((stringify!($message), check::<$message>)),*];
    };
}

messages! {
    etcd::RangeRequest, etcd::RangeResponse, etcd::RangeStreamResponse, etcd::PutRequest, etcd::PutResponse,
    etcd::DeleteRangeRequest, etcd::DeleteRangeResponse, etcd::RequestOp, etcd::ResponseOp, etcd::Compare,
    etcd::TxnRequest, etcd::TxnResponse, etcd::CompactionRequest, etcd::CompactionResponse, etcd::WatchRequest,
    etcd::WatchCreateRequest, etcd::WatchCancelRequest, etcd::WatchProgressRequest, etcd::WatchResponse,
    etcd::LeaseGrantRequest, etcd::LeaseGrantResponse, etcd::LeaseRevokeRequest, etcd::LeaseRevokeResponse,
    etcd::LeaseCheckpointRequest, etcd::LeaseKeepAliveRequest, etcd::LeaseKeepAliveResponse,
    etcd::LeaseTimeToLiveRequest, etcd::LeaseTimeToLiveResponse, etcd::LeaseLeasesRequest, etcd::LeaseLeasesResponse,
    etcd::Member, etcd::MemberAddRequest, etcd::MemberAddResponse, etcd::MemberRemoveRequest,
    etcd::MemberUpdateRequest, etcd::MemberListRequest, etcd::MemberListResponse, etcd::MemberPromoteRequest,
    etcd::DefragmentRequest, etcd::MoveLeaderRequest, etcd::AlarmRequest, etcd::AlarmMember, etcd::AlarmResponse,
    etcd::HashRequest, etcd::HashResponse, etcd::HashKvRequest, etcd::HashKvResponse, etcd::SnapshotRequest,
    etcd::SnapshotResponse, etcd::DowngradeRequest, etcd::DowngradeInfo, etcd::StatusRequest, etcd::StatusResponse,
    etcd::AuthEnableRequest, etcd::AuthDisableRequest, etcd::AuthStatusRequest, etcd::AuthStatusResponse,
    etcd::AuthenticateRequest, etcd::AuthenticateResponse, etcd::AuthUserAddRequest, etcd::AuthUserGetRequest,
    etcd::AuthUserGetResponse, etcd::AuthUserListRequest, etcd::AuthUserListResponse, etcd::AuthUserDeleteRequest,
    etcd::AuthUserChangePasswordRequest, etcd::AuthUserGrantRoleRequest, etcd::AuthUserRevokeRoleRequest,
    etcd::AuthRoleAddRequest, etcd::AuthRoleGetRequest, etcd::AuthRoleGetResponse, etcd::AuthRoleListRequest,
    etcd::AuthRoleListResponse, etcd::AuthRoleDeleteRequest, etcd::AuthRoleGrantPermissionRequest,
    etcd::AuthRoleRevokePermissionRequest,
    election::CampaignRequest, election::CampaignResponse, election::ProclaimRequest, election::LeaderRequest,
    election::LeaderResponse, election::ResignRequest, lock::LockRequest, lock::LockResponse, lock::UnlockRequest,
    peer::Vote, peer::LogId, peer::Node, peer::Membership, peer::Entry, peer::AppendRequest, peer::AppendResponse,
    peer::VoteRequest, peer::VoteResponse, peer::TransferLeaderRequest, peer::TransferLeaderResponse,
    peer::SnapshotOfferRequest, peer::SnapshotOfferResponse, peer::SnapshotMeta, peer::SnapshotChunk,
    peer::SnapshotResponse, peer::ProposeRequest, peer::ProposeResponse, peer::ReadIndexRequest,
    peer::ReadIndexResponse, peer::ClusterInfoRequest, peer::ClusterInfoResponse, peer::HashesRequest,
    peer::HashesResponse,
    store::Command, store::Reply, store::LeaseExpire, store::ClusterVersion, store::MemberPublish, store::Members,
    store::Done,
    auth::User, auth::Role, auth::Permission, KeyValue, Event, Encoded<KeyValue>, Encoded<Event>,
}

/// Decodes one message, and writes it and reads it again.
///
/// # Panics
/// Where the message comes back as another, or where what is kept encoded is not what was sent.
pub fn run(data: &[u8]) -> Verdict {
    let Some((which, message)) = data.split_first() else {
        return Verdict::Refused;
    };
    let (_, check) = MESSAGES[usize::from(*which) % MESSAGES.len()];
    held::<KeyValue>(message);
    held::<Event>(message);
    checked(message);
    Verdict::of(check(message))
}

fn check<M: Message + Default + PartialEq + Debug>(data: &[u8]) -> bool {
    // As from the wire: a buffer of its own, of which keys and values are slices.
    let message = M::decode(Bytes::copy_from_slice(data));
    message.is_ok_and(|message| {
        same_again(&message);
        true
    })
}

/// What is kept as bytes means what it meant before.
fn held<M: Message + Default + PartialEq + Debug>(data: &[u8]) {
    let Ok(plain) = M::decode(data) else { return };
    let kept = must("keep a message that is one", <Encoded<M> as Message>::decode(data));
    let read = must("read what was kept", kept.decode());
    assert_eq!(read, plain, "a message was kept as another");
}

/// What is asked of requests before they are proposed.
fn checked(data: &[u8]) {
    if let Ok(range) = etcd::RangeRequest::decode(data) {
        let _ = (validate::range(&range), validate::streamable(&range));
    }
    if let Ok(put) = etcd::PutRequest::decode(data) {
        let _ = validate::put(&put);
    }
    if let Ok(delete) = etcd::DeleteRangeRequest::decode(data) {
        let _ = validate::delete_range(&delete);
    }
    if let Ok(txn) = etcd::TxnRequest::decode(data) {
        let few = validate::txn(&txn, 8);
        let many = validate::txn(&txn, usize::MAX);
        assert!(few.is_err() || many.is_ok(), "more operations are allowed, and less is");
        let _ = (is_readonly(&txn), is_serializable(&txn));
    }
}

fn seed<M: Message>(name: &str, message: &M) -> Vec<u8> {
    let at = MESSAGES.iter().position(|(known, _)| *known == name);
    let mut seed = vec![must("find a message", at.ok_or(name)) as u8];
    seed.extend_from_slice(&message.encode_to_vec());
    seed
}

/// Messages with everything in them, and an empty one of each.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = (0..MESSAGES.len()).map(|at| vec![at as u8]).collect();
    let kv = KeyValue {
        key: "key".into(),
        value: "value".into(),
        create_revision: 3,
        mod_revision: 300,
        version: 4,
        lease: -1,
    };
    let event = Event {
        r#type: 1,
        kv: Some(kv.clone()),
        prev_kv: Some(kv.clone()),
    };
    let range = etcd::RangeResponse {
        kvs: vec![(&kv).into(), (&kv).into()],
        count: 2,
        ..etcd::RangeResponse::default()
    };
    let watch = etcd::WatchResponse {
        watch_id: 5,
        events: vec![(&event).into()],
        ..etcd::WatchResponse::default()
    };
    seeds.extend([
        seed("KeyValue", &kv),
        seed("Event", &event),
        seed("Encoded<Event>", &event),
        seed("etcd::RangeRequest", &sample::everything()),
        seed("etcd::RangeResponse", &range),
        seed("etcd::WatchResponse", &watch),
        seed("etcd::TxnRequest", &sample::txn()),
        seed("peer::AppendRequest", &leader::append()),
        seed("peer::SnapshotOfferRequest", &leader::offer(&[])),
    ]);
    seeds.extend(sample::commands().iter().map(|command| seed("store::Command", command)));
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_names_every_message() {
        assert!(MESSAGES.len() <= 256);
    }
}
