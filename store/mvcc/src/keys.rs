//! Where things lie in the engine: the spaces of this crate, and the order of the keys inside them.
//!
//! - `Data`: user key (escaped, so that no encoded key is the beginning of another) ++ !main ++ !sub, newest first.
//! - `History`: main ++ sub, oldest first.
//! - `Index`: user key, for what lives; so that a start reads no values.
//! - `Meta`: names that begin with `mvcc/`. Apply writes `mvcc/head`, the collector `mvcc/gc`; never both one key.

use store_engine::Space;

use crate::Revision;
use crate::revision;

/// Single facts. Shared with other crates; this one's keys begin with `mvcc/`.
pub const META: Space = Space(0);
/// Every version of every key, with its value.
pub const DATA: Space = Space(1);
/// Every change since the last compaction, in order, without values.
pub const HISTORY: Space = Space(2);

/// What is known of every live key without its value; follows from `Data`, and changes in the same batch.
pub const INDEX: Space = Space(7);

/// Head of the store, written with every batch.
pub(crate) const HEAD: &[u8] = b"mvcc/head";
/// How far the collector came.
pub(crate) const GC: &[u8] = b"mvcc/gc";

const ESCAPE: u8 = 0x00;
const ESCAPED_ZERO: u8 = 0xFF;
const TERMINATOR: u8 = 0x01;
const PAST_TERMINATOR: u8 = 0x02;

/// Appends the user key so that byte order stays key order and no key is a prefix of another.
fn push_escaped(out: &mut Vec<u8>, key: &[u8]) {
    for (at, part) in key.split(|byte| *byte == ESCAPE).enumerate() {
        if at > 0 {
            out.extend_from_slice(&[ESCAPE, ESCAPED_ZERO]);
        }
        out.extend_from_slice(part);
    }
    out.extend_from_slice(&[ESCAPE, TERMINATOR]);
}

/// Length of a data key.
pub(crate) fn data_key_len(key: &[u8]) -> usize {
    key.split(|byte| *byte == ESCAPE)
        .map(|part| part.len() + 2)
        .sum::<usize>()
        + revision::BYTES
}

/// The data key of one version. All bits of the revision are turned, so that the newest comes first.
pub(crate) fn data_key(key: &[u8], revision: Revision) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len() + 2 + revision::BYTES);
    write_data_key(&mut out, key, revision);
    out
}

/// Appends the data key of one version.
pub(crate) fn write_data_key(out: &mut Vec<u8>, key: &[u8], revision: Revision) {
    push_escaped(out, key);
    out.extend_from_slice(&(!revision.main).to_be_bytes());
    out.extend_from_slice(&(!revision.sub).to_be_bytes());
}

/// The place before all versions of `key`, and behind all versions of smaller keys.
pub(crate) fn data_start(key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len() + 2 + revision::BYTES);
    push_escaped(&mut out, key);
    out
}

/// The place behind all versions of `key`, and before those of greater keys.
pub(crate) fn data_end(key: &[u8]) -> Vec<u8> {
    let mut out = data_start(key);
    if let Some(last) = out.last_mut() {
        *last = PAST_TERMINATOR;
    }
    out
}

/// The place of the newest version of `key` that is not newer than `main`.
pub(crate) fn data_at(key: &[u8], main: i64) -> Vec<u8> {
    data_key(key, Revision::new(main, i64::MAX))
}

/// Splits a data key; writes the user key into `key`. `None` when it is none.
pub(crate) fn read_data_key(data_key: &[u8], key: &mut Vec<u8>) -> Option<Revision> {
    let (escaped, revision) = data_key.split_at_checked(data_key.len().checked_sub(revision::BYTES)?)?;
    let mut rest = escaped.strip_suffix(&[ESCAPE, TERMINATOR])?;
    key.clear();
    while let Some(zero) = rest.iter().position(|byte| *byte == ESCAPE) {
        key.extend_from_slice(&rest[..=zero]);
        if rest.get(zero + 1) != Some(&ESCAPED_ZERO) {
            return None;
        }
        rest = &rest[zero + 2..];
    }
    key.extend_from_slice(rest);
    let revision = Revision::from_bytes(revision)?;
    Some(Revision::new(!revision.main, !revision.sub))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(prop_oneof![Just(0), Just(1), Just(2), Just(255), any::<u8>()], 0..6)
    }

    proptest! {
        #[test]
        fn order_is_key_then_newest(a in key(), b in key(), x in 0_i64..300, y in 0_i64..300) {
            let (left, right) = (data_key(&a, Revision::new(x, 0)), data_key(&b, Revision::new(y, 0)));
            prop_assert_eq!(left.cmp(&right), a.cmp(&b).then(y.cmp(&x)));
            prop_assert_eq!(left.len(), data_key_len(&a));
        }

        #[test]
        fn reads_back(a in key(), x in any::<u32>(), y in any::<u32>()) {
            let revision = Revision::new(x.into(), y.into());
            let mut read = Vec::new();
            prop_assert_eq!(read_data_key(&data_key(&a, revision), &mut read), Some(revision));
            prop_assert_eq!(read, a);
        }

        #[test]
        fn places_enclose_the_versions_of_one_key(a in key(), b in key(), x in 1_i64..300) {
            let version = data_key(&a, Revision::new(x, 7));
            prop_assert!(data_start(&a) < version && version < data_end(&a));
            prop_assert!(data_at(&a, x) <= version && version < data_at(&a, x - 1));
            if a < b {
                prop_assert!(data_end(&a) < data_start(&b));
            }
        }
    }
}
