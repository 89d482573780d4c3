//! Reading and writing keys.

use bytes::Bytes;
use proto::Encoded;
use proto::etcd::{CompactionRequest, ResponseOp, TxnResponse, response_op};
use proto::mvcc::KeyValue;

use crate::op::{Delete, Get, Put as PutOp, Txn};
use crate::pages::Pages;
use crate::retry::Repeat;
use crate::{Client, Error, Result};

/// Keys that were read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The store's revision when it answered.
    pub revision: i64,
    /// The keys, in the order that was asked for.
    pub kvs: Vec<KeyValue>,
    /// Whether the limit cut some off.
    pub more: bool,
    /// How many there are, whatever the limit.
    pub count: i64,
}

/// What a put did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Put {
    /// The revision of the change.
    pub revision: i64,
    /// What was there before, if it was asked for and existed.
    pub prev_kv: Option<KeyValue>,
}

/// What a delete did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deleted {
    /// The revision of the change, or the current one if nothing was deleted.
    pub revision: i64,
    /// How many keys.
    pub deleted: i64,
    /// The keys, if they were asked for.
    pub prev_kvs: Vec<KeyValue>,
}

/// What a transaction did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TxnAnswer {
    /// The revision of its changes, or the current one if it made none.
    pub revision: i64,
    /// Whether all conditions held.
    pub succeeded: bool,
    responses: Vec<ResponseOp>,
}

impl TxnAnswer {
    /// What the step at this place read.
    ///
    /// # Errors
    /// [`Error::Malformed`] if that step was no read.
    pub fn page(&self, step: usize) -> Result<Page> {
        match self.responses.get(step).and_then(|op| op.response.as_ref()) {
            Some(response_op::Response::ResponseRange(range)) => page(range.clone(), self.revision),
            _ => Err(Error::Malformed(format!(
                "step {step} of the transaction has no range answer"
            ))),
        }
    }

    /// The answers of all steps as they came.
    #[must_use]
    pub fn responses(&self) -> &[ResponseOp] {
        &self.responses
    }
}

impl Client {
    /// Reads keys.
    ///
    /// # Errors
    /// Any refusal of the store, or no usable endpoint in time.
    pub async fn get(&self, get: impl Into<Get>) -> Result<Page> {
        let rpc = |link: crate::channel::Link, request| async move { link.kv().range(request).await };
        let answer = self.core().call(Repeat::Safe, get.into().0, rpc).await?;
        page(answer, 0)
    }

    /// Reads one key.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn get_key(&self, key: impl Into<Bytes>) -> Result<Option<KeyValue>> {
        Ok(self.get(Get::new(key)).await?.kvs.pop())
    }

    /// Reads many keys piece by piece, all of one revision. Falls back to ranges with a limit where the store has no
    /// streamed range (etcd before 3.7) or refuses it for this request.
    pub fn range_stream(&self, get: impl Into<Get>) -> Pages {
        Pages::new(self.clone(), get.into())
    }

    /// Writes one key.
    ///
    /// # Errors
    /// Any refusal of the store. [`Error::ConnectionLost`] and the timeouts leave open whether it was done.
    pub async fn put(&self, put: PutOp) -> Result<Put> {
        let rpc = |link: crate::channel::Link, request| async move { link.kv().put(request).await };
        let answer = self.core().call(Repeat::Unsent, put.0, rpc).await?;
        Ok(Put {
            revision: revision(answer.header.as_ref()),
            prev_kv: answer.prev_kv.as_ref().map(kv).transpose()?,
        })
    }

    /// Deletes keys.
    ///
    /// # Errors
    /// As [`Client::put`].
    pub async fn delete(&self, delete: impl Into<Delete>) -> Result<Deleted> {
        let rpc = |link: crate::channel::Link, request| async move { link.kv().delete_range(request).await };
        let answer = self.core().call(Repeat::Unsent, delete.into().0, rpc).await?;
        Ok(Deleted {
            revision: revision(answer.header.as_ref()),
            deleted: answer.deleted,
            prev_kvs: answer.prev_kvs.iter().map(kv).collect::<Result<_>>()?,
        })
    }

    /// Runs a transaction. One that only reads is repeated like a read.
    ///
    /// # Errors
    /// As [`Client::put`].
    pub async fn txn(&self, txn: Txn) -> Result<TxnAnswer> {
        let repeat = if txn.is_read_only() {
            Repeat::Safe
        } else {
            Repeat::Unsent
        };
        let rpc = |link: crate::channel::Link, request| async move { link.kv().txn(request).await };
        let TxnResponse {
            header,
            succeeded,
            responses,
        } = self.core().call(repeat, txn.0, rpc).await?;
        Ok(TxnAnswer {
            revision: revision(header.as_ref()),
            succeeded,
            responses,
        })
    }

    /// Forgets history before this revision. With `physical` the answer comes when the space is given back.
    ///
    /// # Errors
    /// `Compacted` and `FutureRevision` faults, and as [`Client::put`].
    pub async fn compact(&self, revision: i64, physical: bool) -> Result<()> {
        let rpc = |link: crate::channel::Link, request| async move { link.kv().compact(request).await };
        self.core()
            .call(Repeat::Unsent, CompactionRequest { revision, physical }, rpc)
            .await?;
        Ok(())
    }
}

/// The revision of an answer's header.
pub(crate) fn revision(header: Option<&proto::etcd::ResponseHeader>) -> i64 {
    header.map_or(0, |header| header.revision)
}

pub(crate) fn kv(encoded: &Encoded<KeyValue>) -> Result<KeyValue> {
    encoded.decode().map_err(|error| Error::Malformed(error.to_string()))
}

/// A range answer, decoded. Inside a transaction it may lack a header of its own.
pub(crate) fn page(answer: proto::etcd::RangeResponse, fallback: i64) -> Result<Page> {
    Ok(Page {
        revision: answer.header.as_ref().map_or(fallback, |header| header.revision),
        kvs: answer.kvs.iter().map(kv).collect::<Result<_>>()?,
        more: answer.more,
        count: answer.count,
    })
}
