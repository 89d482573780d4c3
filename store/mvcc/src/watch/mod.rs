//! Watches: who wants to hear of which changes, and how far each has heard.
//!
//! Watches that ask for the same form a group. A change is matched to groups, not to watches, and its event is encoded
//! once; a group keeps its recent events, and a watch is only a place among them. One that falls behind what is kept
//! reads on in [`View::history`](crate::View::history). Nothing here waits: whoever owns the watches is told which to
//! wake. Start at [`Hub::publish`].

mod group;
mod hub;
mod ranges;
#[cfg(test)]
mod tests;
mod watcher;

pub use hub::{Hub, HubStats};
pub use watcher::{Poll, Watcher};

use proto::Encoded;
use proto::mvcc::Event;

use crate::{KeyRange, Kind};

/// What a watch asks for. Watches with equal filters share everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Filter {
    /// The keys.
    pub range: KeyRange,
    /// Leave out puts.
    pub no_put: bool,
    /// Leave out deletions.
    pub no_delete: bool,
    /// Send what was there before, too.
    pub prev_kv: bool,
}

impl Filter {
    /// All changes of the range, without what was there before.
    #[must_use]
    pub const fn new(range: KeyRange) -> Self {
        Self {
            range,
            no_put: false,
            no_delete: false,
            prev_kv: false,
        }
    }

    const fn accepts_kind(&self, kind: Kind) -> bool {
        match kind {
            Kind::Put => !self.no_put,
            Kind::Delete => !self.no_delete,
        }
    }

    /// Whether the watch wants to hear of such a change.
    #[must_use]
    pub fn accepts(&self, key: &[u8], kind: Kind) -> bool {
        self.accepts_kind(kind) && self.range.contains(key)
    }
}

/// The events of one revision that a group hears of.
#[derive(Debug, PartialEq, Eq)]
pub struct GroupBatch {
    /// The revision.
    pub revision: i64,
    /// Never empty; in the order of execution.
    pub events: Vec<Encoded<Event>>,
    /// Length of all events.
    pub bytes: usize,
}
