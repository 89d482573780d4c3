//! A bit that flips in a part of the log that was written long ago. A member that finds it must refuse to start, and not
//! take what comes before it for everything; then the sector is read right again.

use rand::Rng;
use store_log::{Disk, MemoryDisk};

use super::{Fault, Ground};
use crate::net::Number;
use crate::node::Crash;

/// So many bytes hold several records.
const ENOUGH: u64 = 2 << 10;

/// Whose disk, which file and which byte.
#[derive(Default)]
pub(crate) struct Damage {
    at: Option<(Number, MemoryDisk, String, u64)>,
}

/// Bytes of a file's header, and of a record's, and what the length of records is a multiple of (store/log, `record`).
const HEADER: u64 = 64;
const RECORD: u64 = 32;
const ALIGNED: u64 = 8;

fn contents(disk: &MemoryDisk, name: &str) -> Option<Vec<u8>> {
    let file = disk.open(name).ok()?;
    let mut bytes = vec![0; file.bytes().ok()? as usize];
    file.read_at(0, &mut bytes).ok()?;
    Some(bytes)
}

/// Bytes of a file up to the last that is not zero.
fn used(disk: &MemoryDisk, name: &str) -> Option<u64> {
    let bytes = contents(disk, name)?;
    let last = bytes.iter().rposition(|byte| *byte != 0);
    Some(last.map_or(0, |last| last as u64 + 1))
}

/// Whether a byte only fills up behind a record, where nobody ever looks.
fn fills(bytes: &[u8], offset: u64) -> bool {
    let mut start = HEADER;
    while let Some(length) = bytes.get(start as usize + 4..start as usize + 8) {
        let length = length.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let end = start + RECORD + length;
        if offset < end {
            return false;
        }
        start = end.next_multiple_of(ALIGNED);
        if offset < start {
            return true;
        }
    }
    false
}

impl Fault for Damage {
    fn begin(&mut self, ground: &mut Ground<'_>) -> Option<String> {
        let node = ground.victim();
        if !ground.nodes[node].runs() {
            return None;
        }
        let disk = ground.nodes[node].home.disk.clone();
        let mut names = disk.list().ok()?;
        names.sort_unstable();
        let newest = names.pop()?;
        // The end of the newest file may be torn, which is no damage; what later records followed is known as synced.
        let (name, bytes) = match (used(&disk, &newest)? / 2, names.pop()) {
            (half, Some(older)) if half < ENOUGH || ground.random.random() => (older.clone(), used(&disk, &older)?),
            (half, _) if half < ENOUGH => return None,
            (half, _) => (newest, half),
        };
        let offset = ground.random.random_range(0..bytes.max(1));
        if fills(&contents(&disk, &name)?, offset) {
            return None;
        }
        ground.crash(node, Crash::Kill);
        if !disk.corrupt(&name, offset) {
            ground.start(node);
            return None;
        }
        ground.nodes[node].home.is_damaged = true;
        ground.start(node);
        let text = format!("node {node}: a bit flips in {name} at {offset}");
        self.at = Some((node, disk, name, offset));
        Some(text)
    }

    fn holds(&self) -> Option<Number> {
        self.at.as_ref().map(|(node, ..)| *node)
    }

    fn end(&mut self, ground: &mut Ground<'_>) {
        let Some((node, disk, name, offset)) = self.at.take() else {
            return;
        };
        ground.crash(node, Crash::Kill);
        // A second flip is none. The file may be gone: then nobody needed it.
        disk.corrupt(&name, offset);
        ground.nodes[node].home.is_damaged = false;
        ground.start(node);
    }
}

#[cfg(test)]
mod tests {
    use super::fills;

    #[test]
    fn bytes_behind_a_record_mean_nothing() {
        let mut bytes = vec![0; 200];
        (bytes[68], bytes[108]) = (3, 8);
        let filling: Vec<u64> = (0..144).filter(|offset| fills(&bytes, *offset)).collect();
        assert_eq!(filling, [99, 100, 101, 102, 103]);
    }
}
