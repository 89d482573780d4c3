//! Counts how often logs were purged and snapshots installed: runs in which neither happens would prove little.

use std::collections::BTreeMap;

use super::Seen;

/// Where each member's log began and ended at the last look, by its id.
#[derive(Default)]
pub(crate) struct Purges {
    logs: BTreeMap<u64, (u64, u64)>,
    /// Logs that lost their beginning.
    pub(crate) purged: u64,
    /// Logs that a snapshot went beyond.
    pub(crate) installed: u64,
}

impl Purges {
    pub(super) fn note(&mut self, seen: &[Seen]) {
        for one in seen {
            let now = (one.status.purged, one.status.last_index);
            let Some((purged, last)) = self.logs.insert(one.member, now) else {
                continue;
            };
            self.purged += u64::from(now.0 > purged);
            self.installed += u64::from(now.0 > last);
        }
    }
}
