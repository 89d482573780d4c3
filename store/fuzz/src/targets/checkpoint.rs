//! Checkpoints on their way in: names, offsets and data as another member sends them, into the engine in memory.
//!
//! The pieces of an input: the checkpoint's id; then writes, each a length of a name, the name, four bytes of offset and
//! the data. What is held when they end is finished under its true checksums, so that noise gets as far as the install.

use std::collections::BTreeMap;

use store_engine::{Batch, Engine, File, Memory, is_safe_name};

use crate::support::{dump, must};
use crate::{Verdict, pieces};

/// The file of the engine in memory.
const STATE: &str = "state";

/// Receives a checkpoint, finishes and installs it.
///
/// # Panics
/// Where the engine holds other files than were written, takes a wrong name, refuses what it holds, or changes its
/// contents without having installed anything.
pub fn run(data: &[u8]) -> Verdict {
    let mut pieces = pieces::split(data);
    let id = pieces::text(pieces.next().unwrap_or_default());
    let engine = Memory::new();
    let Ok(mut incoming) = engine.incoming(&id) else {
        assert!(!is_safe_name(&id), "{id:?} is a good id");
        return Verdict::Refused;
    };
    assert!(is_safe_name(&id), "{id:?} is no good id");
    let mut held: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for piece in pieces {
        let Some((name, offset, data)) = write(piece) else {
            continue;
        };
        let file = held.get(&name).map_or(0, Vec::len);
        let good = is_safe_name(&name) && offset <= file;
        assert_eq!(
            incoming.write(&name, offset as u64, data).is_ok(),
            good,
            "{name:?} at {offset}"
        );
        if good {
            let file = held.entry(name).or_default();
            file.truncate(offset);
            file.extend_from_slice(data);
        }
    }
    for (name, data) in &held {
        assert_eq!(incoming.held(name).ok(), Some(data.len() as u64), "{name} is held");
    }
    let files: Vec<File> = held.iter().map(|(name, data)| file(name, data)).collect();
    must("finish what is held", incoming.finish(&files));
    let installed = engine.install(incoming);
    let batch = held.get(STATE).and_then(|data| Batch::decode(data).ok());
    assert_eq!(
        installed.is_ok(),
        batch.is_some(),
        "a whole state and nothing else is installed"
    );
    let expected = Memory::new();
    if let Some(batch) = batch {
        must("write to an engine in memory", expected.write(&batch));
    }
    let held = |engine: &Memory| must("scan an engine in memory", dump(engine));
    assert_eq!(held(&engine), held(&expected), "what is there is what was installed");
    Verdict::of(installed.is_ok())
}

fn file(name: &str, data: &[u8]) -> File {
    File {
        name: name.to_owned(),
        bytes: data.len() as u64,
        crc: crc32c::crc32c(data),
    }
}

fn write(piece: &[u8]) -> Option<(String, usize, &[u8])> {
    let (&length, rest) = piece.split_first()?;
    let (name, rest) = rest.split_at(usize::from(length).min(rest.len()));
    let (offset, data) = rest.split_first_chunk::<4>()?;
    Some((pieces::text(name), u32::from_le_bytes(*offset) as usize, data))
}

fn piece(name: &str, offset: usize, data: &[u8]) -> Vec<u8> {
    let mut out = vec![name.len() as u8];
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(&(offset as u32).to_le_bytes());
    out.extend_from_slice(data);
    out
}

/// The checkpoint of a filled machine: whole, in two halves, and with a file too many.
pub fn seeds() -> Vec<Vec<u8>> {
    let (engine, _machine) = crate::support::machine::filled();
    let image = must("take a checkpoint", engine.checkpoint());
    let bytes = image.files().first().map_or(0, |file| file.bytes as usize);
    let state = must("read a checkpoint", image.read(0, 0, bytes));
    let (first, second) = state.split_at(bytes / 2);
    let halves = [piece(STATE, 0, first), piece(STATE, first.len(), second)];
    vec![
        pieces::join([b"1-5-0badcafe".to_vec(), piece(STATE, 0, &state)]),
        pieces::join([b"1-5-0badcafe".to_vec()].into_iter().chain(halves)),
        pieces::join([b"s".to_vec(), piece(STATE, 0, &state), piece("000012.sst", 0, b"")]),
        pieces::join([b"../up".to_vec()]),
    ]
}
