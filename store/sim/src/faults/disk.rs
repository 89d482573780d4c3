//! Disks that refuse to sync or are full. A member whose log cannot be written ends, and is started again.

use rand::Rng;

use super::{Fault, Ground};
use crate::net::Number;
use crate::node::Crash;

/// Whose disk is broken.
#[derive(Default)]
pub(crate) struct Disk {
    broken: Option<Number>,
}

impl Fault for Disk {
    fn begin(&mut self, ground: &mut Ground<'_>) -> Option<String> {
        let node = ground.victim();
        if !ground.nodes[node].runs() {
            return None;
        }
        self.broken = Some(node);
        ground.nodes[node].home.is_failing = true;
        let after = ground.random.random_range(0..8);
        let disk = ground.nodes[node].home.disk.clone();
        let text = match ground.below(3) {
            0 => {
                disk.fail_sync(after);
                format!("node {node}: a sync fails after {after}")
            }
            1 => {
                disk.stop_after(after);
                format!("node {node}: gone after {after} operations")
            }
            _ => {
                let bytes = ground.random.random_range(0..64 << 10);
                disk.set_capacity(bytes);
                format!("node {node}: full at {bytes} bytes")
            }
        };
        Some(text)
    }

    fn holds(&self) -> Option<Number> {
        self.broken
    }

    fn end(&mut self, ground: &mut Ground<'_>) {
        if let Some(node) = self.broken.take() {
            // A new disk controller, say: what was written is there, and the process begins anew.
            let how = if ground.random.random() {
                Crash::Kill
            } else {
                Crash::Power
            };
            ground.crash(node, how);
            ground.nodes[node].home.is_failing = false;
            ground.start(node);
        }
    }
}
