//! Processes that stand still for a while and see time jump when they go on.

use super::{Fault, Ground};
use crate::net::Number;

/// Who stands still.
#[derive(Default)]
pub(crate) struct Pause {
    still: Vec<Number>,
}

impl Fault for Pause {
    fn begin(&mut self, ground: &mut Ground<'_>) -> Option<String> {
        self.still = ground.victims();
        for node in &self.still {
            ground.nodes[*node].pause();
        }
        Some(format!("{:?}", self.still))
    }

    fn end(&mut self, ground: &mut Ground<'_>) {
        for node in self.still.drain(..) {
            ground.nodes[node].resume();
        }
    }
}
