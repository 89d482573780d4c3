//! What is applied and what is known as committed never goes back while a process lives, and nothing is applied that is
//! not committed.

use std::collections::BTreeMap;

use super::{Broken, Seen};

/// How far each member had come, by its node and the life of its process.
#[derive(Default)]
pub(super) struct Applied(BTreeMap<(usize, u64), (u64, u64)>);

impl Applied {
    pub(super) fn check(&mut self, seen: &[Seen]) -> Result<(), Broken> {
        for one in seen {
            let (member, committed) = (one.member, one.status.committed);
            let before = self
                .0
                .insert((one.node, one.boot), (one.applied, committed))
                .unwrap_or((0, 0));
            if one.applied < before.0 {
                return Err(format!(
                    "applied: {member:x} goes back from {} to {}",
                    before.0, one.applied
                ));
            }
            if committed < before.1 {
                return Err(format!(
                    "committed: {member:x} goes back from {} to {committed}",
                    before.1
                ));
            }
            if one.applied > committed {
                return Err(format!(
                    "applied: {member:x} applied {} and knows {committed} as committed",
                    one.applied
                ));
            }
        }
        Ok(())
    }
}
