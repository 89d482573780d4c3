//! What is written here comes back by the watch: it need not be read again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use apiserver_api::tree::Text;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::object::{Draft, Object};

/// Written objects of one kind that the watch did not tell of yet take so many bytes at most; more are read anew.
const BUDGET: usize = 16 << 20;

/// Objects on their way to the store and back.
#[derive(Default)]
pub(crate) struct Awaited(Mutex<State>);

#[derive(Default)]
struct State {
    /// What was sent to the store, which did not answer yet. The watch may be faster than the answer.
    sent: HashMap<Text, Sent>,
    /// What the store has taken in, by the revisions of the writes.
    written: BTreeMap<i64, Arc<Object>>,
    /// Of those that were written.
    weight: usize,
    /// The revision up to which the watch has told all.
    met: i64,
}

struct Sent {
    draft: Arc<Draft>,
    value: Bytes,
}

/// Somebody waits for the store's answer.
pub(crate) struct Sending<'a> {
    awaited: &'a Awaited,
    key: Text,
    draft: Arc<Draft>,
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        let mut state = self.awaited.0.lock();
        let is_ours = |sent: &Sent| Arc::ptr_eq(&sent.draft, &self.draft);
        if state.sent.get(&self.key).is_some_and(is_ours) {
            state.sent.remove(&self.key);
        }
    }
}

impl Awaited {
    /// Notes what is sent to the store, until what is returned is dropped. Of two who write to one key at a time, one loses
    /// anyway; only the last is noted.
    pub(crate) fn sends(&self, key: &str, draft: &Arc<Draft>, value: &Bytes) -> Sending<'_> {
        let (draft, value) = (draft.clone(), value.clone());
        let sending = Sending {
            awaited: self,
            key: key.into(),
            draft: draft.clone(),
        };
        self.0.lock().sent.insert(key.into(), Sent { draft, value });
        sending
    }

    /// Keeps an object until the watch has told of it.
    pub(crate) fn keep(&self, object: &Arc<Object>) {
        let mut state = self.0.lock();
        let weight = object.weight();
        if object.revision > state.met && state.weight + weight <= BUDGET {
            state.weight += weight;
            state.written.insert(object.revision, object.clone());
        }
    }

    /// The object that was written here at this revision, as this value.
    pub(crate) fn find(&self, key: &str, revision: i64, value: &[u8]) -> Option<Arc<Object>> {
        let state = self.0.lock();
        if let Some(object) = state.written.get(&revision) {
            return Some(object.clone()).filter(|object| object.key.as_str() == key);
        }
        // Whoever wrote these bytes, they are what the draft is.
        let sent = state.sent.get(key).filter(|sent| sent.value == value)?;
        let draft = sent.draft.clone();
        drop(state);
        Some(Arc::new(draft.at(key, revision)))
    }

    /// Forgets what was written, to a store that went back since.
    pub(crate) fn clear(&self) {
        let mut state = self.0.lock();
        (state.met, state.weight) = (0, 0);
        state.written.clear();
    }

    /// The watch has told of everything up to this revision.
    pub(crate) fn met(&self, revision: i64) {
        let mut state = self.0.lock();
        state.met = revision;
        let later = state.written.split_off(&(revision + 1));
        state.written = later;
        state.weight = state.written.values().map(|object| object.weight()).sum();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use apiserver_api::tree::{Tree, parse};
    use bytes::Bytes;

    use super::{Awaited, BUDGET};
    use crate::object::tests::Plain;
    use crate::object::{Draft, Object};

    fn tree(bytes: usize) -> Tree {
        let text = format!(r#"{{"metadata":{{"name":"a"}},"data":"{}"}}"#, "x".repeat(bytes));
        parse(text.as_bytes()).unwrap().tree
    }

    fn object(revision: i64, bytes: usize) -> Arc<Object> {
        Arc::new(Object::of("/a", revision, tree(bytes), &Plain))
    }

    #[test]
    fn what_was_written_is_found_by_key_and_revision() {
        let awaited = Awaited::default();
        let object = object(3, 1);
        awaited.keep(&object);
        assert!(awaited.find("/a", 2, b"").is_none());
        assert!(awaited.find("/b", 3, b"").is_none());
        assert!(Arc::ptr_eq(&awaited.find("/a", 3, b"").unwrap(), &object));
    }

    #[test]
    fn nothing_stays_that_the_watch_has_told_of() {
        let awaited = Awaited::default();
        awaited.keep(&object(3, 1));
        awaited.keep(&object(5, 1));
        awaited.met(4);
        assert!(awaited.find("/a", 3, b"").is_none());
        // The answer to the write came after what the watch told.
        awaited.keep(&object(4, 1));
        assert!(awaited.find("/a", 4, b"").is_none());
        assert!(awaited.find("/a", 5, b"").is_some());
        awaited.met(5);
        assert_eq!(awaited.0.lock().weight, 0);
    }

    #[test]
    fn nothing_is_found_in_a_store_that_went_back() {
        let awaited = Awaited::default();
        awaited.keep(&object(3, 1));
        awaited.keep(&object(5, 1));
        awaited.met(4);
        awaited.clear();
        assert!(awaited.find("/a", 5, b"").is_none());
        assert_eq!(awaited.0.lock().weight, 0);
        awaited.keep(&object(2, 1));
        assert!(awaited.find("/a", 2, b"").is_some());
    }

    #[test]
    fn no_more_bytes_are_kept_than_the_budget() {
        let awaited = Awaited::default();
        let large = BUDGET / 4;
        (1..10).for_each(|revision| awaited.keep(&object(revision, large)));
        assert_eq!(awaited.0.lock().written.len(), 2);
        assert!(awaited.0.lock().weight <= BUDGET);
    }

    #[test]
    fn the_watch_may_tell_of_a_write_before_its_answer_comes() {
        let awaited = Awaited::default();
        let draft = |bytes| Arc::new(Draft::new(tree(bytes), &Plain));
        let (ours, others) = (draft(1), draft(2));
        let [value, other] = [&ours, &others].map(|draft| Bytes::from(draft.value()));
        let sending = awaited.sends("/a", &ours, &value);
        let told = awaited.find("/a", 7, &value).unwrap();
        assert_eq!((told.revision, told.body()), (7, ours.at("/a", 7).body()));
        // Somebody else was first, or somewhere else.
        assert!(awaited.find("/a", 7, &other).is_none());
        assert!(awaited.find("/b", 7, &value).is_none());
        // Another writes to the same key.
        let another = awaited.sends("/a", &others, &other);
        drop(sending);
        assert!(awaited.find("/a", 8, &other).is_some());
        drop(another);
        assert!(awaited.find("/a", 8, &other).is_none());
        assert!(awaited.0.lock().sent.is_empty());
    }
}
