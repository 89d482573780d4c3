//! Processes that are killed and machines that lose power, one or all, and start again.

use rand::Rng;

use super::{Fault, Ground};
use crate::net::Number;
use crate::node::Crash;

/// Who is down.
#[derive(Default)]
pub(crate) struct Crashes {
    down: Vec<Number>,
}

impl Fault for Crashes {
    fn begin(&mut self, ground: &mut Ground<'_>) -> Option<String> {
        let how = if ground.random.random() {
            Crash::Kill
        } else {
            Crash::Power
        };
        let victims = ground.victims();
        for node in victims {
            if ground.nodes[node].runs() {
                ground.crash(node, how);
                self.down.push(node);
            }
        }
        (!self.down.is_empty()).then(|| format!("{how:?} of {:?}", self.down))
    }

    fn end(&mut self, ground: &mut Ground<'_>) {
        for node in self.down.drain(..) {
            ground.start(node);
        }
    }
}
