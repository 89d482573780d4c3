//! State-machine safety: two members that applied the same entries hold the same, whenever each of them got there.

use std::collections::BTreeMap;
use std::sync::Arc;

use store_machine::State;

use super::{Broken, Seen};

/// Tables are remembered for so many entries.
const TABLES: usize = 1_000;

/// States by the index that they were reached at, and who was first.
#[derive(Default)]
pub(super) struct States {
    reached: BTreeMap<u64, (u64, (i64, u64, u64))>,
    tables: BTreeMap<u64, (u64, Arc<State>)>,
    /// The index at which each member's tables were compared last.
    compared: BTreeMap<u64, u64>,
}

impl States {
    pub(super) fn check(&mut self, seen: &[Seen]) -> Result<(), Broken> {
        for one in seen.iter().filter(|one| one.applied > 0) {
            let (first, state) = *self.reached.entry(one.applied).or_insert((one.member, one.state));
            if state != one.state {
                return Err(format!(
                    "state-machine safety: after entry {} {first:x} holds (revision, hash, time) {state:?} and {:x} {:?}",
                    one.applied, one.member, one.state
                ));
            }
            if self.compared.insert(one.member, one.applied) != Some(one.applied) {
                self.compare(one)?;
            }
        }
        Ok(())
    }

    fn compare(&mut self, one: &Seen) -> Result<(), Broken> {
        let entry = self.tables.entry(one.applied);
        let (first, tables) = entry.or_insert_with(|| (one.member, Arc::clone(&one.tables)));
        if let Some(what) = differs(tables, &one.tables) {
            return Err(format!(
                "state-machine safety: after entry {} {first:x} and {:x} hold other {what}",
                one.applied, one.member
            ));
        }
        if self.tables.len() > TABLES {
            self.tables.pop_first();
        }
        Ok(())
    }
}

/// Which table two states that should be equal do not share.
fn differs(one: &State, other: &State) -> Option<&'static str> {
    let same = [
        ("members", one.members == other.members),
        ("leases", one.leases == other.leases),
        ("users and roles", one.auth == other.auth),
        ("alarms", one.alarms == other.alarms),
        ("cluster versions", one.cluster_version == other.cluster_version),
        ("downgrades", one.downgrade == other.downgrade),
        ("compactions", one.compacted == other.compacted),
    ];
    same.into_iter().find_map(|(what, same)| (!same).then_some(what))
}
