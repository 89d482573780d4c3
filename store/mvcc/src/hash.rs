//! The hash that etcd's `HashKV` answers, bit for bit, so that a copy can be checked against its original.

use std::collections::VecDeque;

use proto::fault::Fault;

use crate::versions::Versions;
use crate::{Result, View};

/// Answers that are remembered.
const CACHED: usize = 10;

/// The answer to `HashKV`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashKv {
    /// CRC-32C over the bucket's name, then the key and the value of each version.
    pub hash: u32,
    /// The compaction that decides which versions are in, -1 for none.
    pub compact_revision: i64,
    /// The last revision that is in.
    pub hash_revision: i64,
}

/// The last answers. They depend on nothing but their two revisions.
#[derive(Default)]
pub(crate) struct Cache(VecDeque<HashKv>);

impl Cache {
    fn get(&self, revision: i64, compacted: i64) -> Option<HashKv> {
        self.0
            .iter()
            .find(|held| held.hash_revision == revision && held.compact_revision == compacted)
            .copied()
    }

    fn put(&mut self, answer: HashKv) {
        if self.0.len() == CACHED {
            self.0.pop_front();
        }
        self.0.push_back(answer);
    }
}

pub(crate) fn hash_kv(view: &View, revision: i64) -> Result<HashKv> {
    let compacted = view.compacted();
    let revision = match revision {
        ..=0 => view.revision(),
        _ if revision < compacted => return Err(Fault::Compacted.into()),
        _ if revision > view.revision() => return Err(Fault::FutureRevision.into()),
        _ => revision,
    };
    if let Some(held) = view.shared().hash_kv.lock().get(revision, compacted) {
        return Ok(held);
    }
    let mut hash = crc32c::crc32c(b"key");
    let mut versions = Versions::visible_at(view.clone(), revision)?;
    loop {
        let chunk = versions.next_chunk()?;
        if chunk.is_empty() {
            break;
        }
        for version in chunk {
            let (key, len) = version.revision.bucket_key(version.tombstone);
            hash = crc32c::crc32c_append(hash, &key[..len]);
            hash = crc32c::crc32c_append(hash, &version.kv);
        }
    }
    let answer = HashKv {
        hash,
        compact_revision: compacted,
        hash_revision: revision,
    };
    view.shared().hash_kv.lock().put(answer);
    Ok(answer)
}

#[cfg(test)]
mod tests;
