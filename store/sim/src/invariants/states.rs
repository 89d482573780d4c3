//! State-machine safety: two members that applied the same entries hold the same, whenever each of them got there.

use std::collections::BTreeMap;

use super::{Broken, Seen};

/// States by the index that they were reached at, and who was first.
#[derive(Default)]
pub(super) struct States(BTreeMap<u64, (u64, (i64, u64, u64))>);

impl States {
    pub(super) fn check(&mut self, seen: &[Seen]) -> Result<(), Broken> {
        for one in seen.iter().filter(|one| one.applied > 0) {
            let (first, state) = *self.0.entry(one.applied).or_insert((one.member, one.state));
            if state != one.state {
                return Err(format!(
                    "state-machine safety: after entry {} {first:x} holds (revision, hash, time) {state:?} and {:x} {:?}",
                    one.applied, one.member, one.state
                ));
            }
        }
        Ok(())
    }
}
