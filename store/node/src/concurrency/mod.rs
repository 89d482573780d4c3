//! The Election and Lock services: leases, keys and waiting for those who came before, made of the member's own calls.
//!
//! Whoever holds the key with the lowest create revision below a name has it. A key is `name/lease` in hexadecimal, so
//! it goes when its lease goes.

mod election;
mod lock;

pub use election::Observe;

use std::time::Duration;

use bytes::Bytes;
use proto::etcd::compare::{CompareResult, CompareTarget, TargetUnion};
use proto::etcd::range_request::{SortOrder, SortTarget};
use proto::etcd::request_op::Request;
use proto::etcd::{
    Compare, DeleteRangeRequest, LeaseGrantRequest, LeaseKeepAliveRequest, PutRequest, RangeRequest, RequestOp,
    TxnRequest,
};
use proto::{Encoded, mvcc};
use store_mvcc::KeyRange;
use store_planted::{Bug, planted};

use crate::Member;
use crate::admit::Admitted;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::kv::LEASE_GONE;

/// TTL of a lease that a caller leaves to the member, seconds; upstream's number.
const SESSION_TTL: i64 = 60;
/// Between two renewals of a lease whose holder waits in a call.
const RENEW: Duration = Duration::from_secs(1);

/// Answers as upstream does, whose services reach the member through a client of etcd's own: every refusal on that way
/// keeps its text and loses its code.
async fn through_client<T>(call: impl Future<Output = Result<T>>) -> Result<T> {
    call.await.map_err(|error| match error {
        Error::Fault(fault) => Error::unknown(fault.text()),
        status @ Error::Status { .. } => status,
    })
}

/// A caller inside the Election or Lock service.
struct Session<'a> {
    member: &'a Member,
    caller: &'a Caller,
    admitted: &'a Admitted,
    lease: i64,
}

impl<'a> Session<'a> {
    /// With the caller's lease, or one of its own.
    async fn open(member: &'a Member, caller: &'a Caller, admitted: &'a Admitted, lease: i64) -> Result<Self> {
        let lease = if lease == 0 {
            member
                .lease_grant_as(
                    &admitted.who,
                    LeaseGrantRequest {
                        ttl: SESSION_TTL,
                        id: 0,
                    },
                )
                .await?
                .id
        } else {
            lease
        };
        Ok(Self {
            member,
            caller,
            admitted,
            lease,
        })
    }

    /// Waits until every key below the prefix that is older than `revision` is gone, keeping the lease alive.
    async fn wait_for_older(&self, prefix: &[u8], revision: i64) -> Result<()> {
        let gone = async {
            while let Some((last, seen)) = self.newest_before(prefix, revision).await? {
                self.wait_deleted(&last, seen).await?;
            }
            Ok(())
        };
        tokio::select! {
            result = gone => result,
            error = self.keep_alive() => Err(error),
        }
    }

    /// The newest key below the prefix created before `revision`, and the revision at which it was seen.
    async fn newest_before(&self, prefix: &[u8], revision: i64) -> Result<Option<(Bytes, i64)>> {
        let request = RangeRequest {
            limit: 1,
            sort_order: SortOrder::Descend.into(),
            sort_target: SortTarget::Create.into(),
            max_create_revision: revision - 1,
            ..below(prefix)
        };
        let response = self.member.range_inside(self.admitted, request).await?;
        let seen = response.header.map_or(0, |header| header.revision);
        response.kvs.first().map(|kv| Ok((decoded(kv)?.key, seen))).transpose()
    }

    async fn wait_deleted(&self, key: &Bytes, seen: i64) -> Result<()> {
        let mut follow = self.member.follow(KeyRange::new(key, &Bytes::new()), seen + 1);
        loop {
            for batch in follow.next().await? {
                for event in &batch.events {
                    if event_of(event)?.r#type == i32::from(mvcc::event::EventType::Delete) {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Renews the lease until that fails.
    async fn keep_alive(&self) -> Error {
        loop {
            self.member.clock.sleep(RENEW).await;
            let request = LeaseKeepAliveRequest { id: self.lease };
            match self.member.lease_keep_alive(self.caller, request).await {
                Ok(response) if response.ttl > 0 => {}
                Ok(_) => return LEASE_GONE,
                Err(error) if error.code() == proto::fault::Code::Unavailable as i32 => {}
                Err(error) => return error,
            }
        }
    }

    /// Whether the key is still there with that create revision: the lease may have ended during the wait.
    async fn still_holds(&self, key: &Bytes, revision: i64) -> Result<proto::etcd::ResponseHeader> {
        let request = RangeRequest {
            key: key.clone(),
            ..RangeRequest::default()
        };
        let response = self.member.range_inside(self.admitted, request).await?;
        let kv = response.kvs.first().map(decoded).transpose()?;
        if kv.is_none_or(|kv| kv.create_revision != revision) && !planted(Bug::ExpiredLock) {
            return Err(LEASE_GONE);
        }
        Ok(response.header.unwrap_or_default())
    }
}

/// A key that is given up again unless its holder comes to hold it: when the call fails, or the client goes away.
struct Claim {
    member: Member,
    caller: Caller,
    key: Bytes,
    revision: i64,
    kept: bool,
}

impl Claim {
    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        let (member, caller) = (self.member.clone(), self.caller.clone());
        let request = delete_if(&self.key, self.revision);
        member.tasks.clone().spawn_until("give-up-claim", async move {
            if let Err(error) = member.txn(&caller, request).await {
                tracing::debug!(%error, "a claim could not be given up; it goes with its lease");
            }
        });
    }
}

/// `name/`.
fn prefix(name: &[u8]) -> Vec<u8> {
    [name, b"/"].concat()
}

/// `name/lease`.
fn key_of(prefix: &[u8], lease: i64) -> Bytes {
    [prefix, format!("{lease:x}").as_bytes()].concat().into()
}

/// All keys below a prefix that ends in `/`.
fn below(prefix: &[u8]) -> RangeRequest {
    let mut end = prefix.to_vec();
    if let Some(last) = end.last_mut() {
        // '/' + 1; no overflow, as the prefix was made by `prefix`.
        *last += 1;
    }
    RangeRequest {
        key: Bytes::copy_from_slice(prefix),
        range_end: end.into(),
        ..RangeRequest::default()
    }
}

/// The oldest key below a prefix: its holder's.
fn holder(prefix: &[u8]) -> RangeRequest {
    RangeRequest {
        limit: 1,
        sort_order: SortOrder::Ascend.into(),
        sort_target: SortTarget::Create.into(),
        ..below(prefix)
    }
}

/// "The key was created at this revision", 0 for "there is no such key".
fn created_at(key: &Bytes, revision: i64) -> Compare {
    Compare {
        result: CompareResult::Equal.into(),
        target: CompareTarget::Create.into(),
        key: key.clone(),
        range_end: Bytes::new(),
        target_union: Some(TargetUnion::CreateRevision(revision)),
    }
}

fn operation(request: Request) -> RequestOp {
    RequestOp { request: Some(request) }
}

fn put(key: &Bytes, value: Bytes, lease: i64) -> RequestOp {
    operation(Request::RequestPut(PutRequest {
        key: key.clone(),
        value,
        lease,
        ..PutRequest::default()
    }))
}

fn get(key: &Bytes) -> RequestOp {
    operation(Request::RequestRange(RangeRequest {
        key: key.clone(),
        ..RangeRequest::default()
    }))
}

/// Deletes the key if it is still the one created at that revision.
fn delete_if(key: &Bytes, revision: i64) -> TxnRequest {
    let delete = DeleteRangeRequest {
        key: key.clone(),
        ..DeleteRangeRequest::default()
    };
    TxnRequest {
        compare: vec![created_at(key, revision)],
        success: vec![operation(Request::RequestDeleteRange(delete))],
        failure: Vec::new(),
    }
}

fn decoded(kv: &Encoded<mvcc::KeyValue>) -> Result<mvcc::KeyValue> {
    kv.decode()
        .map_err(|error| Error::internal(format!("etcdserver: {error}")))
}

fn event_of(event: &Encoded<mvcc::Event>) -> Result<PlainEvent> {
    PlainEvent::decode(event)
}

/// An event with its key-value decoded, too.
struct PlainEvent {
    r#type: i32,
    kv: mvcc::KeyValue,
}

impl PlainEvent {
    fn decode(event: &Encoded<mvcc::Event>) -> Result<Self> {
        let event = event
            .decode()
            .map_err(|error| Error::internal(format!("etcdserver: {error}")))?;
        Ok(Self {
            r#type: event.r#type,
            kv: event.kv.unwrap_or_default(),
        })
    }
}
