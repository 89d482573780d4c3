//! What the engine holds: versions, history, index, heads, leases, users, members, alarms; one record or all are wrong.
//!
//! An input is pieces, each a record: its space, a length of its key, the key and the value.

use std::sync::Arc;

use store_engine::{Batch, Engine, Memory, Space};

use crate::support::machine::{after, collect, filled, open, read, write};
use crate::support::{dump, must};
use crate::{Verdict, pieces};

/// Opens a machine on the records, reads everything, collects garbage, and writes.
///
/// # Panics
/// Never by itself: a store that is not understood is refused, when it is opened or when the record is met.
pub fn run(data: &[u8]) -> Verdict {
    let mut batch = Batch::new();
    for piece in pieces::split(data) {
        if let Some((space, key, value)) = record(piece) {
            batch.put(space, key, value);
        }
    }
    let engine = Arc::new(Memory::new());
    must("write to an engine in memory", engine.write(&batch));
    let Ok(mut machine) = open(&engine) else {
        return Verdict::Refused;
    };
    read(&machine);
    collect(&machine, &engine);
    write(&mut machine);
    collect(&machine, &engine);
    read(&machine);
    Verdict::Understood
}

fn record(piece: &[u8]) -> Option<(Space, &[u8], &[u8])> {
    let (&[space, length], rest) = piece.split_first_chunk()?;
    let (key, value) = rest.split_at(usize::from(length).min(rest.len()));
    Some((Space(space), key, value))
}

/// Everything that a filled machine wrote, before its garbage was collected and after.
pub fn seeds() -> Vec<Vec<u8>> {
    let (engine, machine) = filled();
    let before = records(&engine);
    collect(&machine, &engine);
    let mut seeds = vec![before, records(&engine), Vec::new()];
    // Where there is little, noise meets what matters sooner: two versions of a key; more keys and leases; a compaction.
    for few in [2, 9, 14] {
        seeds.push(records(&after(few).0));
    }
    seeds
}

fn records(engine: &Memory) -> Vec<u8> {
    let held = must("scan an engine in memory", dump(engine));
    pieces::join(held.into_iter().map(|(space, key, value)| {
        let mut piece = vec![space, key.len() as u8];
        piece.extend_from_slice(&key);
        piece.extend_from_slice(&value);
        piece
    }))
}
