//! What was written here and comes back by the watch: it need not be read again.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::object::Object;

/// Written objects of one kind that the watch did not tell of yet take so many bytes at most; more are read anew.
const BUDGET: usize = 16 << 20;

/// Objects on their way back.
#[derive(Debug, Default)]
pub(crate) struct Awaited(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    objects: Vec<Arc<Object>>,
    weight: usize,
    /// The revision up to which the watch has told all. It may be faster than the answer to a write.
    met: i64,
}

impl Awaited {
    /// Keeps an object until the watch has told of it.
    pub(crate) fn keep(&self, object: &Arc<Object>) {
        let mut state = self.0.lock();
        let weight = object.weight();
        if object.revision > state.met && state.weight + weight <= BUDGET {
            state.weight += weight;
            state.objects.push(object.clone());
        }
    }

    /// The object that was written at this revision.
    pub(crate) fn take(&self, key: &str, revision: i64) -> Option<Arc<Object>> {
        let mut state = self.0.lock();
        let mut objects = state.objects.iter();
        let at = objects.position(|object| object.revision == revision && object.key.as_str() == key)?;
        let object = state.objects.swap_remove(at);
        state.weight -= object.weight();
        Some(object)
    }

    /// The watch has told of everything up to this revision.
    pub(crate) fn met(&self, revision: i64) {
        let mut state = self.0.lock();
        state.met = revision;
        state.objects.retain(|object| object.revision > revision);
        state.weight = state.objects.iter().map(|object| object.weight()).sum();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use apiserver_api::tree::parse;

    use super::{Awaited, BUDGET};
    use crate::object::Object;
    use crate::object::tests::Plain;

    fn object(revision: i64, bytes: usize) -> Arc<Object> {
        let text = format!(r#"{{"metadata":{{"name":"a"}},"data":"{}"}}"#, "x".repeat(bytes));
        let tree = parse(text.as_bytes()).unwrap().tree;
        Arc::new(Object::of("/a", revision, tree, &Plain))
    }

    #[test]
    fn what_was_written_is_taken_once() {
        let awaited = Awaited::default();
        awaited.keep(&object(3, 1));
        assert!(awaited.take("/a", 2).is_none());
        assert!(awaited.take("/b", 3).is_none());
        assert_eq!(awaited.take("/a", 3).unwrap().revision, 3);
        assert!(awaited.take("/a", 3).is_none());
        assert_eq!(awaited.0.lock().weight, 0);
    }

    #[test]
    fn nothing_stays_that_the_watch_has_told_of() {
        let awaited = Awaited::default();
        awaited.keep(&object(3, 1));
        awaited.keep(&object(5, 1));
        awaited.met(4);
        assert!(awaited.take("/a", 3).is_none());
        // The answer to the write came after what the watch told.
        awaited.keep(&object(4, 1));
        assert!(awaited.take("/a", 4).is_none());
        assert!(awaited.take("/a", 5).is_some());
    }

    #[test]
    fn no_more_bytes_are_kept_than_the_budget() {
        let awaited = Awaited::default();
        let large = BUDGET / 4;
        (1..10).for_each(|revision| awaited.keep(&object(revision, large)));
        assert_eq!(awaited.0.lock().objects.len(), 2);
        assert!(awaited.0.lock().weight <= BUDGET);
    }
}
