//! Revisions that no answered write made: whose they are.

use super::unknown::Claim;
use super::{Replay, events_in_words, writes_untold};
use crate::history::{Event, Kind};
use crate::log::shape;

impl Replay<'_> {
    /// Finds a revision an author that was not answered.
    pub(super) fn unclaimed(&mut self, revision: i64) {
        let stories = self.stories(revision);
        let mut twice = None;
        for story in &stories {
            match self.unknown.claim(revision, story, &self.keys) {
                Claim::Author(operation) => {
                    self.authors.insert(revision, operation);
                    let events = self.keys.redo(revision, story);
                    return self.record(revision, events);
                }
                Claim::Twice(operation) => twice = Some(operation),
                Claim::Nobody => {}
            }
            if self.ends_lease(story) || self.history.operations.iter().any(|one| writes_untold(&one.call)) {
                let events = self.keys.redo(revision, story);
                return self.record(revision, events);
            }
        }
        let Some(story) = stories.into_iter().next() else {
            return;
        };
        self.phantom(revision, &story, twice);
        let events = self.keys.redo(revision, &story);
        self.record(revision, events);
    }

    fn phantom(&mut self, revision: i64, story: &[Event], twice: Option<usize>) {
        let what = events_in_words(story);
        if let Some(index) = twice {
            let operation = &self.history.operations[index];
            let message = format!(
                "revision {revision} did {what}, which only {operation} can have written, but every call that can \
                 have is needed for an earlier revision"
            );
            return self.findings.report("twice", &[index], message);
        }
        let refused = self.history.operations.iter().find(|one| {
            let effect = one.is_failed().then(|| self.keys.run(revision, &one.call, None));
            effect
                .flatten()
                .is_some_and(|effect| shape(&effect.events) == shape(story))
        });
        let (who, message) = match refused {
            Some(one) => (
                vec![one.index],
                format!("revision {revision} did {what}, which nobody wrote but {one}"),
            ),
            None => (vec![], format!("revision {revision} did {what}, which nobody wrote")),
        };
        self.findings.report("phantom", &who, message);
    }

    /// The events delete all keys of one lease.
    fn ends_lease(&self, events: &[Event]) -> bool {
        let lease = |event: &Event| self.keys.get(&event.kv.key).map_or(0, |kv| kv.lease);
        let Some(first) = events.first().map(lease).filter(|lease| *lease != 0) else {
            return false;
        };
        let mut gone: Vec<&str> = events.iter().map(|event| event.kv.key.as_str()).collect();
        gone.sort_unstable();
        events.iter().all(|event| event.kind == Kind::Delete) && gone.into_iter().eq(self.keys.attached(first))
    }
}
