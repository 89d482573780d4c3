//! The replicated table of leases and of the keys attached to them.

use bytes::Bytes;
use imbl::{OrdMap, OrdSet};
use prost::Message;
use store_engine::{Batch, Engine, Order, Space};

/// Where leases are kept: id (8 bytes, big-endian) to `leasepb.Lease`.
pub const SPACE: Space = Space(3);

/// The longest time to live that may be asked for, in seconds (upstream's `MaxLeaseTTL`).
pub const MAX_TTL: i64 = 9_000_000_000;

/// Why a lease command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A lease with this id lives already.
    #[error("lease already exists")]
    Exists,
    /// No lease has this id; 0 never has one.
    #[error("lease not found")]
    NotFound,
    /// More than [`MAX_TTL`] was asked for.
    #[error("too large lease TTL")]
    TtlTooLarge,
}

/// Why the table cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] store_engine::Error),
    /// What is stored is not a lease.
    #[error("lease table: {0}")]
    Corrupt(String),
}

/// A lease as stored; upstream's `leasepb.Lease`, so that it can be exported as it is.
#[derive(Clone, PartialEq, Message)]
struct Record {
    #[prost(int64, tag = "1")]
    id: i64,
    #[prost(int64, tag = "2")]
    ttl: i64,
    #[prost(int64, tag = "3")]
    remaining: i64,
}

/// One lease and what hangs on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    id: i64,
    ttl: i64,
    remaining: i64,
    keys: OrdSet<Bytes>,
}

impl Lease {
    /// Its id, never 0.
    pub const fn id(&self) -> i64 {
        self.id
    }

    /// The granted time to live in seconds.
    pub const fn ttl(&self) -> i64 {
        self.ttl
    }

    /// The seconds left at the last checkpoint, 0 where there is none.
    pub const fn remaining(&self) -> i64 {
        self.remaining
    }

    /// The attached keys, sorted.
    pub fn keys(&self) -> impl Iterator<Item = &Bytes> {
        self.keys.iter()
    }

    /// How many keys are attached.
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    fn record(&self) -> Vec<u8> {
        Record {
            id: self.id,
            ttl: self.ttl,
            remaining: self.remaining,
        }
        .encode_to_vec()
    }
}

/// All leases. A clone is a snapshot and costs next to nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leases {
    leases: OrdMap<i64, Lease>,
    of: OrdMap<Bytes, i64>,
}

impl Leases {
    /// Reads the table back. Attachments are not stored: `live` names every live key that has a lease, with it.
    ///
    /// # Errors
    /// When the engine fails or holds something that is no lease.
    pub fn open(engine: &dyn Engine, live: impl IntoIterator<Item = (Bytes, i64)>) -> Result<Self, OpenError> {
        let mut leases = Self::default();
        let mut cursor = engine.scan(SPACE, &[], None, Order::Ascending);
        while cursor.valid() {
            let record = Record::decode(cursor.value()).map_err(|error| OpenError::Corrupt(error.to_string()))?;
            if cursor.key() != record.id.to_be_bytes() {
                return Err(OpenError::Corrupt(format!(
                    "lease {:016x} stands under another id",
                    record.id
                )));
            }
            leases.insert(record.id, record.ttl, record.remaining);
            cursor.advance();
        }
        cursor.status()?;
        drop(cursor);
        for (key, id) in live {
            leases.attach(&key, id);
        }
        Ok(leases)
    }

    /// Grants a lease; answers the granted time to live, which is at least `min_ttl`. All in seconds.
    ///
    /// # Errors
    /// [`Error::NotFound`] for id 0, [`Error::TtlTooLarge`], [`Error::Exists`], checked in upstream's order.
    pub fn grant(&mut self, id: i64, ttl: i64, min_ttl: i64, batch: &mut Batch) -> Result<i64, Error> {
        if id == 0 {
            return Err(Error::NotFound);
        }
        if ttl > MAX_TTL {
            return Err(Error::TtlTooLarge);
        }
        if self.contains(id) {
            return Err(Error::Exists);
        }
        let ttl = ttl.max(min_ttl);
        batch.put(SPACE, &id.to_be_bytes(), &self.insert(id, ttl, 0).record());
        Ok(ttl)
    }

    fn insert(&mut self, id: i64, ttl: i64, remaining: i64) -> Lease {
        let lease = Lease {
            id,
            ttl,
            remaining,
            keys: OrdSet::new(),
        };
        self.leases.insert(id, lease.clone());
        lease
    }

    /// Ends a lease; answers the keys that hung on it, sorted, for the caller to delete.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub fn revoke(&mut self, id: i64, batch: &mut Batch) -> Result<Vec<Bytes>, Error> {
        let lease = self.leases.remove(&id).ok_or(Error::NotFound)?;
        batch.delete(SPACE, &id.to_be_bytes());
        let keys: Vec<Bytes> = lease.keys.iter().cloned().collect();
        for key in &keys {
            self.of.remove(key);
        }
        Ok(keys)
    }

    /// Remembers how many seconds a lease had left, 0 to forget it. False when there is no such lease.
    pub fn checkpoint(&mut self, id: i64, remaining: i64, batch: &mut Batch) -> bool {
        let Some(lease) = self.leases.get_mut(&id) else {
            return false;
        };
        lease.remaining = remaining;
        batch.put(SPACE, &id.to_be_bytes(), &lease.record());
        true
    }

    /// Hangs `key` on lease `id`, off the one it hung on before. An id without a lease only detaches: a store
    /// restored from a snapshot may name leases that have ended.
    pub fn attach(&mut self, key: &Bytes, id: i64) {
        if self.of(key) == id {
            return;
        }
        self.detach(key);
        if let Some(lease) = self.leases.get_mut(&id) {
            lease.keys.insert(key.clone());
            self.of.insert(key.clone(), id);
        }
    }

    /// Takes `key` off its lease, if it has one.
    pub fn detach(&mut self, key: &[u8]) {
        let Some(id) = self.of.remove(key) else { return };
        if let Some(lease) = self.leases.get_mut(&id) {
            lease.keys.remove(key);
        }
    }

    /// The lease with this id.
    pub fn get(&self, id: i64) -> Option<&Lease> {
        self.leases.get(&id)
    }

    /// Whether there is a lease with this id.
    pub fn contains(&self, id: i64) -> bool {
        self.leases.contains_key(&id)
    }

    /// The lease that `key` hangs on, 0 for none.
    pub fn of(&self, key: &[u8]) -> i64 {
        self.of.get(key).copied().unwrap_or(0)
    }

    /// All leases by id.
    pub fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.leases.values()
    }

    /// How many leases there are.
    pub fn len(&self) -> usize {
        self.leases.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.leases.is_empty()
    }
}

#[cfg(test)]
mod tests;
