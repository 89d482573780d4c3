//! The KV service: ranges, puts, deletions, transactions, compactions.

use prost::Message;
use proto::etcd::response_op::Response;
use proto::etcd::{
    CompactionRequest, CompactionResponse, DeleteRangeRequest, DeleteRangeResponse, PutRequest, PutResponse,
    RangeRequest, RangeResponse, TxnRequest, TxnResponse,
};
use proto::fault::Fault;
use proto::store::command::Action;
use proto::store::reply::Outcome;
use store_machine::Ask;
use store_mvcc::{View, validate};

use crate::admit::{Admitted, Learner};
use crate::caller::{Caller, Who};
use crate::error::{Error, Result};
use crate::listing::RangeAnswer;
use crate::offload;
use crate::slow::{self, Ended, Trace};
use crate::{Member, quota};

/// Keys up to which a range is read on the spot; more may take long enough to be worth a thread.
const SMALL: i64 = 64;

/// An apply that answered another kind of request than it was given.
pub(crate) fn unexpected(outcome: &Outcome) -> Error {
    tracing::error!(?outcome, "a reply of another kind than the command");
    Error::internal("etcdserver: unexpected reply")
}

impl Member {
    /// Reads keys, all of them into memory.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn range(&self, caller: &Caller, request: RangeRequest) -> Result<RangeResponse> {
        self.list(caller, request).await?.whole().await
    }

    /// Reads keys; the values of a long answer only when they are asked for. Linearizable unless `serializable`.
    ///
    /// # Errors
    /// Those of the range's options and revision, of auth, and timeouts.
    pub async fn list(&self, caller: &Caller, request: RangeRequest) -> Result<RangeAnswer> {
        let mut trace = self.trace("Range");
        let result = self.range_traced(caller, &request, &mut trace).await;
        let (keys, bytes) = result.as_ref().map_or((0, 0), RangeAnswer::size);
        let ended = Ended {
            error: result.as_ref().err(),
            request_bytes: request.encoded_len(),
            response_count: keys,
            response_bytes: bytes,
            limit: self.config.warning_apply_duration,
        };
        trace.end(self, caller, &ended, || slow::range(&request));
        result
    }

    async fn range_traced(&self, caller: &Caller, request: &RangeRequest, trace: &mut Trace) -> Result<RangeAnswer> {
        let learner = if request.serializable {
            Learner::Serves
        } else {
            Learner::Refuses
        };
        let admitted = self.admit(caller, learner).await?;
        let read = self.read(&admitted.who, request, trace, RangeAnswer::read).await?;
        Ok(self.range_answer(read))
    }

    pub(crate) async fn range_admitted(
        &self,
        who: &Who,
        request: &RangeRequest,
        trace: &mut Trace,
    ) -> Result<RangeResponse> {
        self.read(who, request, trace, View::range).await
    }

    /// Reads a range on behalf of somebody, in the given way.
    async fn read<T: Send + 'static>(
        &self,
        who: &Who,
        request: &RangeRequest,
        trace: &mut Trace,
        read: impl FnOnce(&View, &RangeRequest) -> store_mvcc::Result<T> + Send + 'static,
    ) -> Result<T> {
        validate::range(request)?;
        self.intact()?;
        if !request.serializable {
            self.barrier().await?;
            trace.step(self, "agreement among raft nodes before linearized reading");
        }
        self.allowed(who, Ask::Range(request))?;
        self.metrics.mvcc.ranges.inc();
        self.metrics.mvcc.open_reads.inc();
        let small = request.range_end.is_empty() || request.count_only || (1..=SMALL).contains(&request.limit);
        let result = if small {
            read(&self.mvcc.view(), request)
        } else {
            let (reader, request) = (self.mvcc.clone(), request.clone());
            offload::run(&self.tasks, "range", move || read(&reader.view(), &request)).await?
        };
        self.metrics.mvcc.open_reads.dec();
        trace.step(self, "range keys");
        self.still_current(who)?;
        Ok(result?)
    }

    /// Writes one key.
    ///
    /// # Errors
    /// Those of the request, of auth, quota and alarms, and timeouts, after which the outcome is unknown.
    pub async fn put(&self, caller: &Caller, request: PutRequest) -> Result<PutResponse> {
        let trace = self.trace("Put");
        let result = self.put_traced(caller, &request).await;
        let ended = Ended {
            error: result.as_ref().err(),
            request_bytes: request.encoded_len(),
            response_count: 0,
            response_bytes: result.as_ref().map_or(0, Message::encoded_len),
            limit: self.config.warning_unary_request_duration,
        };
        trace.end(self, caller, &ended, || slow::put(&request));
        result
    }

    async fn put_traced(&self, caller: &Caller, request: &PutRequest) -> Result<PutResponse> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        validate::put(request)?;
        self.afford(quota::put_cost(request))?;
        match self.propose(&admitted.who, Action::Put(request.clone())).await? {
            Outcome::Put(mut response) => {
                response.header = self.complete(response.header);
                Ok(response)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Deletes keys.
    ///
    /// # Errors
    /// As [`put`](Self::put).
    pub async fn delete_range(&self, caller: &Caller, request: DeleteRangeRequest) -> Result<DeleteRangeResponse> {
        let trace = self.trace("DeleteRange");
        let result = self.delete_traced(caller, &request).await;
        let ended = Ended {
            error: result.as_ref().err(),
            request_bytes: request.encoded_len(),
            response_count: result.as_ref().map_or(0, |response| response.deleted as usize),
            response_bytes: result.as_ref().map_or(0, Message::encoded_len),
            limit: self.config.warning_unary_request_duration,
        };
        trace.end(self, caller, &ended, || slow::delete(&request));
        result
    }

    async fn delete_traced(&self, caller: &Caller, request: &DeleteRangeRequest) -> Result<DeleteRangeResponse> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        validate::delete_range(request)?;
        match self
            .propose(&admitted.who, Action::DeleteRange(request.clone()))
            .await?
        {
            Outcome::DeleteRange(mut response) => {
                response.header = self.complete(response.header);
                Ok(response)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// Runs a transaction; one that only reads takes the way of a range.
    ///
    /// # Errors
    /// As [`put`](Self::put) and [`range`](Self::range).
    pub async fn txn(&self, caller: &Caller, request: TxnRequest) -> Result<TxnResponse> {
        let readonly = store_mvcc::is_readonly(&request);
        let mut trace = self.trace(if readonly { "ReadonlyTxn" } else { "Txn" });
        let result = self.txn_traced(caller, &request, readonly, &mut trace).await;
        let ended = Ended {
            error: result.as_ref().err(),
            request_bytes: request.encoded_len(),
            response_count: result.as_ref().map_or(0, |response| response.responses.len()),
            response_bytes: result.as_ref().map_or(0, Message::encoded_len),
            limit: if readonly {
                self.config.warning_apply_duration
            } else {
                self.config.warning_unary_request_duration
            },
        };
        trace.end(self, caller, &ended, || slow::txn(&request));
        result
    }

    async fn txn_traced(
        &self,
        caller: &Caller,
        request: &TxnRequest,
        readonly: bool,
        trace: &mut Trace,
    ) -> Result<TxnResponse> {
        let admitted = self.admit(caller, Learner::Refuses).await?;
        let mut response = self.txn_admitted(&admitted.who, request, readonly, trace).await?;
        response.header = self.complete(response.header);
        Ok(response)
    }

    pub(crate) async fn txn_admitted(
        &self,
        who: &Who,
        request: &TxnRequest,
        readonly: bool,
        trace: &mut Trace,
    ) -> Result<TxnResponse> {
        validate::txn(request, self.config.max_txn_ops)?;
        if readonly {
            return self.txn_read(who, request, trace).await;
        }
        self.afford(quota::txn_cost(request))?;
        match self.propose(who, Action::Txn(request.clone())).await? {
            Outcome::Txn(response) => Ok(response),
            other => Err(unexpected(&other)),
        }
    }

    async fn txn_read(&self, who: &Who, request: &TxnRequest, trace: &mut Trace) -> Result<TxnResponse> {
        self.intact()?;
        if !store_mvcc::is_serializable(request) {
            self.barrier().await?;
            trace.step(self, "agreement among raft nodes before linearized reading");
        }
        self.allowed(who, Ask::Txn(request))?;
        let (reader, owned) = (self.mvcc.clone(), request.clone());
        let result = offload::run(&self.tasks, "txn", move || reader.view().txn(&owned)).await?;
        trace.step(self, "range keys");
        self.still_current(who)?;
        Ok(result?)
    }

    /// Forgets versions that are no longer current at the revision. With `physical`, answers when they are gone.
    ///
    /// # Errors
    /// [`Fault::Compacted`], [`Fault::FutureRevision`], and as [`put`](Self::put).
    pub async fn compact(&self, caller: &Caller, request: CompactionRequest) -> Result<CompactionResponse> {
        let trace = self.trace("Compaction");
        let result = self.compact_traced(caller, request).await;
        let ended = Ended {
            error: result.as_ref().err(),
            request_bytes: request.encoded_len(),
            response_count: 0,
            response_bytes: 0,
            limit: self.config.warning_unary_request_duration,
        };
        trace.end(self, caller, &ended, || {
            format!("revision:{} physical:{}", request.revision, request.physical)
        });
        result
    }

    async fn compact_traced(&self, caller: &Caller, request: CompactionRequest) -> Result<CompactionResponse> {
        let admitted = self.admit_admin(caller, Learner::Refuses).await?;
        self.compact_as(&admitted.who, request).await
    }

    pub(crate) async fn compact_as(&self, who: &Who, request: CompactionRequest) -> Result<CompactionResponse> {
        match self.propose(who, Action::Compact(request)).await? {
            Outcome::Compact(mut response) => {
                if request.physical {
                    self.collected(request.revision).await?;
                }
                response.header = Some(self.header());
                Ok(response)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// A transaction on behalf of a caller that was already let in, for the services made of transactions.
    pub(crate) async fn txn_inside(&self, admitted: &Admitted, request: TxnRequest) -> Result<TxnResponse> {
        let readonly = store_mvcc::is_readonly(&request);
        let mut trace = self.trace("Txn");
        let mut response = self.txn_admitted(&admitted.who, &request, readonly, &mut trace).await?;
        response.header = self.complete(response.header);
        Ok(response)
    }

    /// A range on behalf of a caller that was already let in.
    pub(crate) async fn range_inside(&self, admitted: &Admitted, request: RangeRequest) -> Result<RangeResponse> {
        let mut trace = self.trace("Range");
        let mut response = self.range_admitted(&admitted.who, &request, &mut trace).await?;
        response.header = self.complete(response.header);
        Ok(response)
    }
}

/// The range answers of a transaction, in order.
pub(crate) fn ranges(response: TxnResponse) -> impl Iterator<Item = RangeResponse> {
    response
        .responses
        .into_iter()
        .filter_map(|operation| match operation.response {
            Some(Response::ResponseRange(range)) => Some(range),
            _ => None,
        })
}

/// Upstream answers this for a lease that is gone while its holder waits.
pub(crate) const LEASE_GONE: Error = Error::Fault(Fault::LeaseNotFound);
