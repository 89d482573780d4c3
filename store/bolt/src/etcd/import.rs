//! Reading etcd's contents, of any version since 3.0: what a version did not write yet is simply not there.

use std::io::{Read, Seek};

use bytes::Bytes;

use super::encoding::{
    decode_id, decode_json, decode_member, decode_message, decode_revision, decode_text, decode_u64,
};
use super::{Contents, Version, buckets};
use crate::snapshot::{self, Hash};
use crate::{Bucket, Cursor, Database, Error, Result};

/// A snapshot file, or a database from a member's data directory, being read.
pub struct Import<R> {
    database: Database<R>,
    buckets: Vec<(Bytes, Bucket)>,
}

/// The versions of keys, ascending by revision. Ends after the first error.
pub struct Versions<'a, R> {
    cursor: Option<Cursor<'a, R>>,
}

impl<R: Read + Seek> Import<R> {
    /// Opens a file.
    ///
    /// # Errors
    /// `Hash` and `NoHash` as `hash` asks; `Corrupt` also when there is no bucket of keys; those of the file.
    pub fn open(file: R, hash: Hash) -> Result<Self> {
        let mut database = snapshot::open(file, hash)?;
        let buckets = database.buckets()?;
        if !buckets.iter().any(|(name, _)| name == buckets::KEY) {
            return Err(Error::corrupt("a database, but not one of etcd's: it has no keys"));
        }
        Ok(Self { database, buckets })
    }

    /// All but the versions of keys.
    ///
    /// # Errors
    /// `Corrupt`; those of the file.
    pub fn contents(&mut self) -> Result<Contents> {
        let mut contents = Contents::default();
        let buckets: Vec<_> = self
            .buckets
            .iter()
            .filter(|(name, _)| name != buckets::KEY)
            .cloned()
            .collect();
        for (name, bucket) in buckets {
            for entry in self.database.cursor(&bucket)? {
                let (key, value) = entry?;
                contents.take(&name, &key, value)?;
            }
        }
        Ok(contents)
    }

    /// The versions of keys.
    ///
    /// # Errors
    /// `Corrupt`; those of the file.
    pub fn versions(&mut self) -> Result<Versions<'_, R>> {
        let bucket = self
            .buckets
            .iter()
            .find(|(name, _)| name == buckets::KEY)
            .map(|(_, bucket)| bucket.clone());
        let cursor = bucket.map(|bucket| self.database.cursor(&bucket)).transpose()?;
        Ok(Versions { cursor })
    }
}

impl<R: Read + Seek> Iterator for Versions<'_, R> {
    type Item = Result<Version>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.cursor.as_mut()?.next()?;
        let version = entry.and_then(|(key, value)| {
            let (main, sub, tombstone) = decode_revision(&key)?;
            Ok(Version {
                main,
                sub,
                tombstone,
                value,
            })
        });
        if version.is_err() {
            self.cursor = None;
        }
        Some(version)
    }
}

impl Contents {
    /// Takes one entry of a small bucket. Unknown buckets and keys are of later versions and are left out.
    fn take(&mut self, bucket: &[u8], key: &Bytes, value: Bytes) -> Result<()> {
        match bucket {
            buckets::META => return self.take_meta(key, &value),
            buckets::LEASE => self.leases.push(decode_message("lease", value)?),
            buckets::ALARM => self.alarms.push(decode_message("alarm", key.clone())?),
            buckets::AUTH_USERS => self.users.push(decode_message("user", value)?),
            buckets::AUTH_ROLES => self.roles.push(decode_message("role", value)?),
            buckets::MEMBERS => self.members.push(decode_member(&value)?),
            buckets::MEMBERS_REMOVED => self.removed_members.push(decode_id(key)?),
            buckets::AUTH if key == buckets::AUTH_ENABLED => self.auth_enabled = value == [1].as_slice(),
            buckets::AUTH if key == buckets::AUTH_REVISION => self.auth_revision = decode_u64(&value)?,
            buckets::CLUSTER if key == buckets::CLUSTER_VERSION => self.cluster_version = Some(decode_text(&value)?),
            buckets::CLUSTER if key == buckets::DOWNGRADE => self.downgrade = Some(decode_json("downgrade", &value)?),
            _ => {}
        }
        Ok(())
    }

    fn take_meta(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        match key {
            buckets::CONSISTENT_INDEX => self.consistent_index = decode_u64(value)?,
            buckets::TERM => self.term = decode_u64(value)?,
            buckets::CONF_STATE => self.conf_state = Some(decode_json("confState", value)?),
            buckets::STORAGE_VERSION => self.storage_version = Some(decode_text(value)?),
            buckets::SCHEDULED_COMPACTION => self.scheduled_compaction = Some(decode_revision(value)?.0),
            buckets::FINISHED_COMPACTION => self.finished_compaction = Some(decode_revision(value)?.0),
            _ => {}
        }
        Ok(())
    }
}
