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

/// Bytes of a file up to the last that is not zero.
fn used(disk: &MemoryDisk, name: &str) -> Option<u64> {
    let file = disk.open(name).ok()?;
    let mut bytes = vec![0; file.bytes().ok()? as usize];
    file.read_at(0, &mut bytes).ok()?;
    let last = bytes.iter().rposition(|byte| *byte != 0);
    Some(last.map_or(0, |last| last as u64 + 1))
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
