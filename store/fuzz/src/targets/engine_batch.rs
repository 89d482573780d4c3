//! Encoded batches of an engine, as they lie in a checkpoint of the engine in memory and go to `RocksDB` as they are.

use std::collections::{BTreeMap, BTreeSet};

use store_engine::{Batch, Engine, Memory, Op, Order, Space};

use crate::Verdict;
use crate::support::must;

/// Decodes a batch, builds it anew, and writes it to an engine and to a plain map.
///
/// # Panics
/// Where the new batch is another, or where engine and map differ.
pub fn run(data: &[u8]) -> Verdict {
    let Ok(batch) = Batch::decode(data) else {
        return Verdict::Refused;
    };
    assert_eq!(batch.encoded(), data, "a batch is kept as it came");
    assert_eq!(batch.ops().count(), batch.len(), "operations are counted");

    let mut anew = Batch::new();
    let (mut map, mut spaces) = (BTreeMap::new(), BTreeSet::new());
    for op in batch.ops() {
        match op {
            Op::Put { space, key, value } => {
                spaces.insert(space.0);
                anew.put(space, key, value);
                map.insert(space.prefixed(key), value.to_vec());
            }
            Op::Delete { space, key } => {
                anew.delete(space, key);
                map.remove(&space.prefixed(key));
            }
            Op::DeleteRange { space, from, to } => {
                anew.delete_range(space, from, to);
                let (from, to) = (space.prefixed(from), space.prefixed(to));
                map.retain(|key, _| *key < from || *key >= to);
            }
        }
    }
    let read = must("decode a batch that was built", Batch::decode(anew.encoded()));
    // A range without keys is not written again.
    let sensible = |op: &Op<'_>| !matches!(op, Op::DeleteRange { from, to, .. } if from >= to);
    assert!(
        read.ops().eq(batch.ops().filter(sensible)),
        "the batch came back as another"
    );

    let engine = Memory::new();
    must("write to an engine in memory", engine.write(&batch));
    assert_eq!(
        contents(&engine, &spaces),
        map,
        "an engine does what the operations say"
    );
    Verdict::Understood
}

fn contents(engine: &Memory, spaces: &BTreeSet<u8>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut found = BTreeMap::new();
    for space in spaces.iter().copied().map(Space) {
        let mut cursor = engine.scan(space, b"", None, Order::Ascending);
        while cursor.valid() {
            found.insert(space.prefixed(cursor.key()), cursor.value().to_vec());
            cursor.advance();
        }
    }
    found
}

/// Batches of all operations.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut batch = Batch::new();
    let mut seeds = vec![batch.encoded().to_vec()];
    batch.put(Space(1), b"key", b"value");
    batch.put(Space(1), b"key 2", &[7; 200]);
    batch.put(Space(0), b"", b"");
    seeds.push(batch.encoded().to_vec());
    batch.delete(Space(1), b"key");
    batch.delete_range(Space(1), b"a", b"z");
    batch.put(Space(255), b"last", b"space");
    seeds.push(batch.encoded().to_vec());
    seeds
}
