//! Changing a key only if nobody else did meanwhile.

use std::time::Duration;

use bytes::Bytes;
use proto::mvcc::KeyValue;

use crate::op::{Compare, Delete, Get, Is, Put, Txn};
use crate::{Client, Result};

/// How a conditional change ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Swap {
    /// Done, at this revision.
    Done {
        /// The revision of the change.
        revision: i64,
    },
    /// Not done: the key is not at the expected revision.
    Conflict {
        /// The key as it is; `None` if it does not exist.
        current: Option<KeyValue>,
        /// The store's revision when it refused.
        revision: i64,
    },
}

impl Swap {
    /// Whether the change was made.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }
}

impl Client {
    /// Writes a key if its last change was at `expected`; 0 means that the key must not exist.
    ///
    /// # Errors
    /// As [`Client::put`]. A conflict is no error.
    pub async fn compare_and_swap(&self, expected: i64, put: Put) -> Result<Swap> {
        let key = put.0.key.clone();
        self.swap(key, expected, Txn::new().then(put)).await
    }

    /// Deletes a key if its last change was at `expected`.
    ///
    /// # Errors
    /// As [`Client::put`]. A conflict is no error.
    pub async fn compare_and_delete(&self, expected: i64, key: impl Into<Bytes>) -> Result<Swap> {
        let key = key.into();
        self.swap(key.clone(), expected, Txn::new().then(Delete::new(key)))
            .await
    }

    /// Writes a key that dies after `ttl` unless the lease is renewed. Gives the lease.
    ///
    /// # Errors
    /// As [`Client::put`]. If the put is refused the lease is given back.
    pub async fn put_with_ttl(&self, put: Put, ttl: Duration) -> Result<i64> {
        let lease = self.grant(ttl).await?.id;
        let Err(error) = self.put(put.lease(lease)).await else {
            return Ok(lease);
        };
        if let Err(error) = self.revoke(lease).await {
            tracing::debug!(%error, lease, "a lease without a key is left to expire");
        }
        Err(error)
    }

    async fn swap(&self, key: Bytes, expected: i64, txn: Txn) -> Result<Swap> {
        let txn = txn
            .when(Compare::mod_revision(key.clone(), Is::Equal, expected))
            .or_else(Get::new(key));
        let answer = self.txn(txn).await?;
        if answer.succeeded {
            return Ok(Swap::Done {
                revision: answer.revision,
            });
        }
        Ok(Swap::Conflict {
            current: answer.page(0)?.kvs.pop(),
            revision: answer.revision,
        })
    }
}
