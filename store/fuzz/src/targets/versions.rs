//! Versions out of a snapshot file on their way into a machine, each by itself: [`super::restore`] without the file.
//!
//! An input: a byte of flags, a byte of how far the revision is moved on, then pieces. The first is the revision that the
//! file was compacted at, eight bytes; the others are versions: main and sub revision, eight bytes each with the highest
//! first, a byte that says whether it is a tombstone, and the encoded `KeyValue`.

use bytes::Bytes;
use prost::Message;
use proto::mvcc::KeyValue;
use store_machine::restore::{Content, ImportOptions};
use store_mvcc::{Revision, Version};

use super::restore;
use crate::support::machine::filled;
use crate::support::must;
use crate::support::sample::LEASE;
use crate::{Verdict, pieces};

/// Everything restored is compacted.
const COMPACTED: u8 = 1;
/// The revision is moved on as far as it goes.
const FAR: u8 = 2;

/// Restores the versions, opens what came of it, reads and writes there, and saves it.
///
/// # Panics
/// Where a store that was restored does not agree with itself, or cannot be saved.
pub fn run(data: &[u8]) -> Verdict {
    let Some((&[flags, bump], rest)) = data.split_first_chunk() else {
        return Verdict::Refused;
    };
    let mut pieces = pieces::split(rest);
    let compacted = pieces.next().and_then(|piece| piece.try_into().ok());
    let options = ImportOptions {
        compacted: compacted.map_or(-1, i64::from_be_bytes),
        bump_revision: if flags & FAR == 0 { bump.into() } else { u64::MAX },
        mark_compacted: flags & COMPACTED != 0,
    };
    let lease = Content::Lease {
        id: LEASE,
        ttl: 60,
        remaining: 0,
    };
    let versions = pieces.filter_map(version).map(Content::Version);
    restore::restored(options, std::iter::once(lease).chain(versions))
}

fn version(piece: &[u8]) -> Option<Version> {
    let (main, rest) = piece.split_first_chunk::<8>()?;
    let (sub, rest) = rest.split_first_chunk::<8>()?;
    let (tombstone, kv) = rest.split_first()?;
    Some(Version {
        revision: Revision::new(i64::from_be_bytes(*main), i64::from_be_bytes(*sub)),
        tombstone: tombstone & 1 == 1,
        kv: Bytes::copy_from_slice(kv),
    })
}

fn piece(version: &Version) -> Vec<u8> {
    let mut out = version.revision.main.to_be_bytes().to_vec();
    out.extend_from_slice(&version.revision.sub.to_be_bytes());
    out.push(version.tombstone.into());
    out.extend_from_slice(&version.kv);
    out
}

/// All versions of a filled machine, one key with a lease, and a key that was deleted and came again.
pub fn seeds() -> Vec<Vec<u8>> {
    let (_, machine) = filled();
    let view = machine.reader().mvcc().view();
    let export = must("export versions", view.export());
    let whole: Vec<Version> = must("export versions", export.collect());
    let one = |main, tombstone, version, lease| Version {
        revision: Revision::new(main, 0),
        tombstone,
        kv: KeyValue {
            key: "k".into(),
            value: if tombstone { Bytes::new() } else { "v".into() },
            create_revision: if tombstone { 0 } else { main + 1 - version },
            mod_revision: if tombstone { 0 } else { main },
            version: if tombstone { 0 } else { version },
            lease,
        }
        .encode_to_vec()
        .into(),
    };
    let leased = vec![one(2, false, 1, 0), one(3, false, 2, LEASE)];
    let again = vec![one(2, false, 1, 0), one(3, true, 0, 0), one(5, false, 1, LEASE)];
    let mut seeds = Vec::new();
    for (versions, compacted) in [(whole, view.compacted()), (leased, -1), (again, 2)] {
        let pieces: Vec<Vec<u8>> = std::iter::once(compacted.to_be_bytes().to_vec())
            .chain(versions.iter().map(piece))
            .collect();
        for head in [[0, 0], [COMPACTED, 100], [FAR | COMPACTED, 0]] {
            seeds.push([&head[..], &pieces::join(&pieces)].concat());
        }
    }
    seeds
}
