//! Revisions are dense and the same for all: what a member shows of a revision is what every other shows of it.

use std::collections::BTreeMap;

use jepsen_check::Log;
use jepsen_check::history::Event;
use store_mvcc::watch::Filter;
use store_mvcc::{KeyRange, PageLimits};

use super::Broken;
use crate::clients::event;
use crate::net::Number;
use crate::node::Node;

/// How much is read at once.
const PAGE: PageLimits = PageLimits {
    revisions: 1_000,
    bytes: 1 << 20,
};

/// The events of all revisions, and how far each node was read.
#[derive(Default)]
pub(super) struct Revisions {
    events: BTreeMap<i64, Vec<Event>>,
    next: BTreeMap<Number, i64>,
}

impl Revisions {
    /// Reads what a node's member has that was not read yet.
    pub(super) fn read(&mut self, node: &Node) -> Result<(), Broken> {
        let number = node.number;
        let next = self.next.get(&number).copied().unwrap_or(2);
        let events = &mut self.events;
        let read = node.look(|member| {
            let view = member.reader().mvcc().view();
            // A restart goes back to what was flushed, and a compaction takes away what was not read in time.
            let mut from = next.min(view.revision() + 1).max(view.compacted()).max(2);
            while from <= view.revision() {
                let filter = Filter::new(KeyRange::new(&"\0".into(), &"\0".into()));
                let page = view.history(from, &filter, PAGE).map_err(|error| error.to_string())?;
                for batch in &page.batches {
                    let told: Vec<Event> = batch.events.iter().map(event).collect();
                    let first = events.entry(batch.revision).or_insert_with(|| told.clone());
                    if *first != told {
                        return Err(format!(
                            "revisions: node {number} shows another revision {} than others: {told:?}, not {first:?}",
                            batch.revision
                        ));
                    }
                    if batch.revision != from {
                        return Err(format!(
                            "revisions: node {number} shows {} where {from} comes",
                            batch.revision
                        ));
                    }
                    from += 1;
                }
                if page.batches.is_empty() && page.next <= from {
                    return Err(format!("revisions: node {number} shows nothing of revision {from}"));
                }
            }
            Ok(from)
        });
        if let Some(read) = read {
            self.next.insert(number, read?);
        }
        Ok(())
    }

    pub(super) fn history(&self) -> Log {
        let mut log = Log::new();
        for (revision, events) in &self.events {
            log.insert(*revision, events.clone());
        }
        log
    }
}
