//! A bit that flips in a part of the log that was written long ago. A member that finds it must refuse to start, and not
//! take what comes before it for everything; then the sector is read right again.

use rand::Rng;
use store_log::{Disk, MemoryDisk};

use super::{Fault, Ground};
use crate::net::Number;
use crate::node::Crash;

/// Whose disk, which file and which byte.
#[derive(Default)]
pub(crate) struct Damage {
    at: Option<(Number, MemoryDisk, String, u64)>,
}

impl Fault for Damage {
    fn begin(&mut self, ground: &mut Ground<'_>) -> Option<String> {
        let node = ground.victim();
        if !ground.nodes[node].runs() {
            return None;
        }
        let disk = ground.nodes[node].home.disk.clone();
        // The newest file is written to; what follows the last sync there may be torn, which is no damage.
        let mut names = disk.list().ok()?;
        names.sort_unstable();
        names.pop()?;
        let name = names.pop()?;
        let bytes = disk.open(&name).and_then(|file| file.bytes()).ok()?;
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
