//! Walls that jump, and clocks that run too fast or too slowly.

use rand::Rng;

use super::{Fault, Ground};
use crate::net::Number;

/// The drift that is put right in the end; a wall stays where it jumped to.
#[derive(Default)]
pub(crate) struct Clocks {
    drifting: Option<Number>,
}

/// Members keep leases by their own clock, so one that runs fast ends them early by as much; the checker allows for it.
pub(crate) const DRIFT: std::ops::RangeInclusive<u64> = 950..=1_050;

impl Fault for Clocks {
    fn begin(&mut self, ground: &mut Ground<'_>) -> Option<String> {
        let node = ground.victim();
        if ground.random.random() {
            let by = ground.random.random_range(-3_600_000..=3_600_000_i64);
            ground.nodes[node].jump(by);
            return Some(format!("node {node}: the wall jumps by {by} ms"));
        }
        let rate = ground.random.random_range(DRIFT);
        ground.nodes[node].rate = rate;
        self.drifting = Some(node);
        Some(format!("node {node}: runs at {rate} of 1000"))
    }

    fn end(&mut self, ground: &mut Ground<'_>) {
        if let Some(node) = self.drifting.take() {
            ground.nodes[node].rate = 1_000;
        }
    }
}
