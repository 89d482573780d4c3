//! The state of a store, and what each command of the log makes of it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use proto::etcd::alarm_request::AlarmAction;
use proto::etcd::request_op::Request;
use proto::etcd::{
    AlarmMember, AlarmRequest, AlarmResponse, AlarmType, LeaseCheckpointRequest, LeaseGrantRequest, LeaseGrantResponse,
    LeaseRevokeResponse, PutRequest, PutResponse, RangeRequest, RangeResponse, RequestOp, ResponseHeader, TxnRequest,
    TxnResponse,
};
use proto::fault::Fault;
use proto::store::command::Action;
use proto::store::reply::Outcome;
use proto::store::{Command, Done, LeaseExpire};

use crate::auth::Auth;
use crate::check;
use crate::keys::{Keys, header};
use crate::permit::{Caller, Wish};

/// The longest time to live that may be asked for, in seconds.
const MAX_TTL: i64 = 9_000_000_000;

/// A lease. What hangs on it is every living key that was last put with its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The granted time to live in seconds.
    pub ttl: i64,
    /// The seconds left at the last checkpoint, 0 for none.
    pub remaining: i64,
}

/// A store. The default is an empty one, at revision 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    pub(crate) keys: Keys,
    /// Leases by id.
    pub leases: BTreeMap<i64, Lease>,
    /// Users and roles.
    pub auth: Auth,
    /// Alarms that stand: kind (`AlarmType`) and member.
    pub alarms: BTreeSet<(i32, u64)>,
}

impl Model {
    /// Applies a command of a log entry of that term, and answers its outcome.
    ///
    /// `None` where the model knows only that the command is let through: those on members and versions.
    pub fn step(&mut self, term: u64, command: &Command) -> Option<Outcome> {
        let refused = |fault: Fault| Outcome::Fault(fault.into());
        let Some(action) = &command.action else {
            return Some(refused(Fault::NotCapable));
        };
        let caller = Caller {
            user: &command.user,
            revision: command.auth_revision,
        };
        let allowed = self.unalarmed(action).and_then(|()| self.may(caller, Wish::Do(action)));
        match allowed.and_then(|()| self.apply(term, action)) {
            Ok(outcome) => outcome,
            Err(fault) => Some(refused(fault)),
        }
    }

    /// Answers a range.
    ///
    /// # Errors
    /// What the store refuses it with.
    pub fn range(&self, request: &RangeRequest) -> Result<RangeResponse, Fault> {
        check::range(request)?;
        self.keys.range(request)
    }

    /// Answers a transaction without changing anything, for one that only reads.
    ///
    /// # Errors
    /// What the store refuses it with.
    pub fn read(&self, request: &TxnRequest) -> Result<TxnResponse, Fault> {
        check::txn(request)?;
        self.keys.clone().txn(request, &self.leases)
    }

    /// The revision of the last change.
    pub const fn revision(&self) -> i64 {
        self.keys.revision
    }

    /// The last compaction, -1 before the first.
    pub const fn compacted(&self) -> i64 {
        self.keys.compacted
    }

    /// The keys that hang on a lease, in order.
    pub fn keys_of(&self, lease: i64) -> Vec<Bytes> {
        let all = self.keys.live(b"", b"\0", self.keys.revision);
        let attached = all.into_iter().filter(|kv| lease != 0 && kv.lease == lease);
        attached.map(|kv| kv.key).collect()
    }

    fn apply(&mut self, term: u64, action: &Action) -> Result<Option<Outcome>, Fault> {
        let outcome = match action {
            Action::Put(request) => Outcome::Put(self.put(request)?),
            Action::DeleteRange(request) => {
                check::delete(request)?;
                let response = self.keys.delete(request);
                self.keys.finish();
                Outcome::DeleteRange(response)
            }
            Action::Txn(request) => {
                check::txn(request)?;
                Outcome::Txn(self.keys.txn(request, &self.leases)?)
            }
            Action::Compact(request) => Outcome::Compact(self.keys.compact(request.revision)?),
            Action::LeaseGrant(request) => Outcome::LeaseGrant(self.grant(*request)?),
            Action::LeaseRevoke(request) => {
                self.end(request.id)?;
                Outcome::LeaseRevoke(LeaseRevokeResponse {
                    header: Some(self.header()),
                })
            }
            Action::LeaseExpire(expired) => self.expire(term, expired),
            Action::LeaseCheckpoint(request) => self.checkpoint(request),
            Action::Alarm(request) => Outcome::Alarm(self.alarm(*request)),
            Action::ClusterVersion(_)
            | Action::Downgrade(_)
            | Action::MemberAdd(_)
            | Action::MemberRemove(_)
            | Action::MemberUpdate(_)
            | Action::MemberPromote(_)
            | Action::MemberPublish(_) => return Ok(None),
            of_auth => {
                self.auth.apply(of_auth)?;
                self.done()
            }
        };
        Ok(Some(outcome))
    }

    fn header(&self) -> ResponseHeader {
        header(self.keys.revision)
    }

    fn done(&self) -> Outcome {
        Outcome::Done(Done {
            revision: self.keys.revision,
        })
    }

    fn put(&mut self, request: &PutRequest) -> Result<PutResponse, Fault> {
        check::put(request)?;
        if request.lease != 0 && !self.leases.contains_key(&request.lease) {
            return Err(Fault::LeaseNotFound);
        }
        let response = self.keys.put(request)?;
        self.keys.finish();
        Ok(response)
    }

    fn grant(&mut self, request: LeaseGrantRequest) -> Result<LeaseGrantResponse, Fault> {
        let LeaseGrantRequest { id, ttl } = request;
        if id == 0 {
            return Err(Fault::LeaseNotFound);
        }
        if ttl > MAX_TTL {
            return Err(Fault::LeaseTtlTooLarge);
        }
        if self.leases.contains_key(&id) {
            return Err(Fault::LeaseExist);
        }
        let ttl = ttl.max(1);
        self.leases.insert(id, Lease { ttl, remaining: 0 });
        Ok(LeaseGrantResponse {
            header: Some(self.header()),
            id,
            ttl,
            error: String::new(),
        })
    }

    /// Ends a lease; its keys go as one revision.
    fn end(&mut self, id: i64) -> Result<(), Fault> {
        self.leases.remove(&id).ok_or(Fault::LeaseNotFound)?;
        for key in self.keys_of(id) {
            self.keys.change(key, None);
        }
        self.keys.finish();
        Ok(())
    }

    /// What a leader of another term saw expire may have been renewed since.
    fn expire(&mut self, term: u64, expired: &LeaseExpire) -> Outcome {
        if expired.term == term {
            for id in &expired.ids {
                // One that has ended meanwhile is passed over.
                self.end(*id).unwrap_or_default();
            }
        }
        self.done()
    }

    fn checkpoint(&mut self, request: &LeaseCheckpointRequest) -> Outcome {
        for checkpoint in &request.checkpoints {
            if let Some(lease) = self.leases.get_mut(&checkpoint.id) {
                lease.remaining = checkpoint.remaining_ttl.max(0);
            }
        }
        self.done()
    }

    fn alarm(&mut self, request: AlarmRequest) -> AlarmResponse {
        let (kind, member) = (request.alarm(), request.member_id);
        let this = (i32::from(kind), member);
        let answered: Vec<(i32, u64)> = match (request.action(), kind) {
            (AlarmAction::Get, AlarmType::None) => self.alarms.iter().copied().collect(),
            (AlarmAction::Get, _) => self.alarms.iter().copied().filter(|alarm| alarm.0 == this.0).collect(),
            (_, AlarmType::None) => Vec::new(),
            (AlarmAction::Activate, _) => {
                self.alarms.insert(this);
                vec![this]
            }
            (AlarmAction::Deactivate, _) => self.alarms.take(&this).into_iter().collect(),
        };
        let alarms = answered
            .into_iter()
            .map(|(alarm, member_id)| AlarmMember { member_id, alarm });
        AlarmResponse {
            header: Some(self.header()),
            alarms: alarms.collect(),
        }
    }

    /// Whether no alarm forbids the action, before it is asked who wants it.
    ///
    /// Out of space: nothing that may grow the store. Upstream overlooks puts in nested transactions; the store does not.
    fn unalarmed(&self, action: &Action) -> Result<(), Fault> {
        let stands = |kind: AlarmType| self.alarms.iter().any(|alarm| alarm.0 == i32::from(kind));
        let on_data = matches!(
            action,
            Action::Put(_)
                | Action::DeleteRange(_)
                | Action::Txn(_)
                | Action::Compact(_)
                | Action::LeaseGrant(_)
                | Action::LeaseRevoke(_)
                | Action::LeaseExpire(_)
                | Action::LeaseCheckpoint(_)
        );
        let grows = match action {
            Action::Put(_) | Action::LeaseGrant(_) => true,
            Action::Txn(txn) => puts(&txn.success) || puts(&txn.failure),
            _ => false,
        };
        if on_data && stands(AlarmType::Corrupt) {
            return Err(Fault::Corrupt);
        }
        if grows && stands(AlarmType::Nospace) {
            return Err(Fault::NoSpace);
        }
        Ok(())
    }
}

fn puts(ops: &[RequestOp]) -> bool {
    ops.iter().any(|op| match &op.request {
        Some(Request::RequestPut(_)) => true,
        Some(Request::RequestTxn(txn)) => puts(&txn.success) || puts(&txn.failure),
        _ => false,
    })
}
