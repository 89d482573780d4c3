//! What a store of keys has to answer, in its simplest form.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::history::{
    Call, Compare, Delete, Event, Get, KeyValue, Kind, Put, Relation, Reply, Request, Target, covers,
};

/// All keys at one revision.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keys {
    stored: BTreeMap<String, KeyValue>,
}

/// What a call does to the keys and is answered.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    /// The answer.
    pub(crate) reply: Reply,
    /// What changes, in the order of the requests; each with what was there before the call.
    pub(crate) events: Vec<Event>,
}

/// The keys as one transaction sees them while it runs.
struct Scratch<'a> {
    keys: &'a Keys,
    revision: i64,
    changes: BTreeMap<String, Option<KeyValue>>,
    events: Vec<Event>,
}

impl Keys {
    /// What a call does at a revision; `None` for calls that are not about keys. A transaction runs the list that its
    /// conditions choose or, if it is given, the one that `claimed` chooses.
    pub(crate) fn run(&self, revision: i64, call: &Call, claimed: Option<bool>) -> Option<Effect> {
        let mut scratch = Scratch {
            keys: self,
            revision,
            changes: BTreeMap::new(),
            events: Vec::new(),
        };
        let reply = match call {
            Call::Get(get) => scratch.get(get),
            Call::Put(put) => scratch.put(put),
            Call::Delete(delete) => scratch.delete(delete),
            Call::Txn(txn) => {
                let succeeded = claimed.unwrap_or_else(|| txn.compare.iter().all(|one| self.holds(one)));
                let requests = if succeeded { &txn.then } else { &txn.otherwise };
                let replies = requests.iter().map(|request| scratch.run(request)).collect();
                Reply::Txn { succeeded, replies }
            }
            Call::Cas { key, from, to } => {
                let held = self.stored.get(key).map(|kv| &kv.value);
                let succeeded = claimed.unwrap_or(held == from.as_ref());
                if succeeded {
                    scratch.put(&Put {
                        key: key.clone(),
                        value: to.clone(),
                        ..Put::default()
                    });
                }
                Reply::Cas { succeeded }
            }
            _ => return None,
        };
        Some(Effect {
            reply,
            events: scratch.events,
        })
    }

    /// What changes when keys are written and deleted as these events tell, whatever else they tell.
    pub(crate) fn redo(&self, revision: i64, events: &[Event]) -> Vec<Event> {
        let mut scratch = Scratch {
            keys: self,
            revision,
            changes: BTreeMap::new(),
            events: Vec::new(),
        };
        for event in events {
            match event.kind {
                Kind::Put => scratch.put(&Put {
                    key: event.kv.key.clone(),
                    value: event.kv.value.clone(),
                    lease: event.kv.lease,
                    prev_kv: false,
                }),
                Kind::Delete => scratch.delete(&Delete {
                    key: event.kv.key.clone(),
                    ..Delete::default()
                }),
            };
        }
        scratch.events
    }

    /// Makes the changes of one revision.
    pub(crate) fn apply(&mut self, events: &[Event]) {
        for event in events {
            match event.kind {
                Kind::Put => self.stored.insert(event.kv.key.clone(), event.kv.clone()),
                Kind::Delete => self.stored.remove(&event.kv.key),
            };
        }
    }

    /// The keys that hang on a lease.
    pub(crate) fn attached(&self, lease: i64) -> impl Iterator<Item = &str> {
        self.stored
            .values()
            .filter(move |kv| kv.lease == lease)
            .map(|kv| kv.key.as_str())
    }

    /// A key as it is stored.
    pub(crate) fn get(&self, key: &str) -> Option<&KeyValue> {
        self.stored.get(key)
    }

    /// Whether a condition holds. A missing key is as one with 0 everywhere, but has no value to compare.
    fn holds(&self, compare: &Compare) -> bool {
        let stored = self.stored.get(&compare.key);
        let order = match (&compare.target, stored) {
            (Target::Value(value), Some(kv)) => kv.value.cmp(value),
            (Target::Value(_), None) => return false,
            (Target::Version(wanted), kv) => kv.map_or(0, |kv| kv.version).cmp(wanted),
            (Target::Create(wanted), kv) => kv.map_or(0, |kv| kv.create_revision).cmp(wanted),
            (Target::Mod(wanted), kv) => kv.map_or(0, |kv| kv.mod_revision).cmp(wanted),
            (Target::Lease(wanted), kv) => kv.map_or(0, |kv| kv.lease).cmp(wanted),
        };
        match compare.is {
            Relation::Equal => order.is_eq(),
            Relation::NotEqual => order.is_ne(),
            Relation::Greater => order.is_gt(),
            Relation::Less => order.is_lt(),
        }
    }
}

impl Scratch<'_> {
    fn run(&mut self, request: &Request) -> Reply {
        match request {
            Request::Get(get) => self.get(get),
            Request::Put(put) => self.put(put),
            Request::Delete(delete) => self.delete(delete),
        }
    }

    fn one(&self, key: &str) -> Option<&KeyValue> {
        match self.changes.get(key) {
            Some(changed) => changed.as_ref(),
            None => self.keys.stored.get(key),
        }
    }

    fn range(&self, key: &str, end: Option<&str>) -> Vec<KeyValue> {
        if end.is_none() {
            return self.one(key).cloned().into_iter().collect();
        }
        let from = || -> (Bound<&str>, Bound<&str>) { (Bound::Included(key), Bound::Unbounded) };
        let covered = |name: &str| covers(key, end, name);
        let mut found: BTreeMap<&str, &KeyValue> = self
            .keys
            .stored
            .range::<str, _>(from())
            .take_while(|(name, _)| covered(name))
            .map(|(name, kv)| (name.as_str(), kv))
            .collect();
        for (name, change) in self
            .changes
            .range::<str, _>(from())
            .take_while(|(name, _)| covered(name))
        {
            match change {
                Some(kv) => found.insert(name, kv),
                None => found.remove(name.as_str()),
            };
        }
        found.into_values().cloned().collect()
    }

    fn get(&self, get: &Get) -> Reply {
        let mut kvs = self.range(&get.key, get.end.as_deref());
        let count = kvs.len() as i64;
        if get.limit > 0 {
            kvs.truncate(get.limit as usize);
        }
        Reply::Get { kvs, count }
    }

    fn put(&mut self, put: &Put) -> Reply {
        let prev = self.one(&put.key).cloned();
        let kv = KeyValue {
            key: put.key.clone(),
            value: put.value.clone(),
            create_revision: prev.as_ref().map_or(self.revision, |kv| kv.create_revision),
            mod_revision: self.revision,
            version: prev.as_ref().map_or(0, |kv| kv.version) + 1,
            lease: put.lease,
        };
        self.change(Kind::Put, kv);
        Reply::Put {
            prev: prev.filter(|_| put.prev_kv),
        }
    }

    fn delete(&mut self, delete: &Delete) -> Reply {
        let mut prev = self.range(&delete.key, delete.end.as_deref());
        let deleted = prev.len() as i64;
        for kv in &prev {
            let gone = KeyValue {
                key: kv.key.clone(),
                mod_revision: self.revision,
                ..KeyValue::default()
            };
            self.change(Kind::Delete, gone);
        }
        if !delete.prev_kv {
            prev.clear();
        }
        Reply::Delete { deleted, prev }
    }

    fn change(&mut self, kind: Kind, kv: KeyValue) {
        let prev = self.keys.stored.get(&kv.key).cloned();
        let after = (kind == Kind::Put).then(|| kv.clone());
        self.changes.insert(kv.key.clone(), after);
        self.events.push(Event { kind, kv, prev });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Txn;
    use crate::testing::{absent, cas, delete, delete_event, get, kv, present, put, put_event, puts, swapped};

    fn keys(events: &[Event]) -> Keys {
        let mut keys = Keys::default();
        keys.apply(events);
        keys
    }

    fn reply(keys: &Keys, call: &Call) -> Reply {
        keys.run(9, call, None).unwrap().reply
    }

    #[test]
    fn puts_count_versions_and_deletes_start_them_afresh() {
        let mut keys = Keys::default();
        for (revision, call) in [
            (2, put("x", "1")),
            (3, put("x", "2")),
            (4, delete("x")),
            (5, put("x", "3")),
        ] {
            let effect = keys.run(revision, &call, None).unwrap();
            assert_eq!(effect.events.len(), 1);
            keys.apply(&effect.events);
        }
        assert_eq!(reply(&keys, &get("x")), present("x", "3", 5, 5, 1));
        assert_eq!(reply(&keys, &get("y")), absent());
        let again = keys.run(6, &delete("y"), None).unwrap();
        assert!(again.events.is_empty());
        assert_eq!(
            again.reply,
            Reply::Delete {
                deleted: 0,
                prev: vec![]
            }
        );
    }

    #[test]
    fn ranges_are_half_open_sorted_and_limited() {
        let stored = ["a", "b", "c", "d"].map(|key| put_event(kv(key, key, 2, 2, 1)));
        let keys = keys(&stored);
        let names = |key: &str, end: Option<&str>, limit| match reply(
            &keys,
            &Call::Get(Get {
                key: key.into(),
                end: end.map(Into::into),
                limit,
                ..Get::default()
            }),
        ) {
            Reply::Get { kvs, count } => (kvs.iter().map(|kv| kv.key.clone()).collect::<String>(), count),
            other => panic!("{other}"),
        };
        assert_eq!(names("b", Some("d"), 0), ("bc".into(), 2));
        assert_eq!(names("b", Some("\0"), 2), ("bc".into(), 3));
        assert_eq!(names("b", None, 0), ("b".into(), 1));
        assert_eq!(names("d", Some("b"), 0), (String::new(), 0));
    }

    #[test]
    fn conditions_compare_what_is_stored() {
        let keys = keys(&[put_event(kv("x", "5", 3, 7, 2))]);
        for (key, is, target, holds) in [
            ("x", Relation::Equal, Target::Value("5".into()), true),
            ("x", Relation::Greater, Target::Value("4".into()), true),
            ("x", Relation::Less, Target::Version(2), false),
            ("x", Relation::NotEqual, Target::Mod(6), true),
            ("x", Relation::Equal, Target::Create(3), true),
            ("y", Relation::Equal, Target::Create(0), true),
            ("y", Relation::Equal, Target::Lease(0), true),
            ("y", Relation::NotEqual, Target::Value("5".into()), false),
        ] {
            let compare = Compare {
                key: key.into(),
                is,
                target,
            };
            assert_eq!(keys.holds(&compare), holds, "{compare}");
        }
        assert_eq!(reply(&keys, &cas("x", Some("5"), "6")), swapped(true));
        assert_eq!(reply(&keys, &cas("x", None, "6")), swapped(false));
        assert_eq!(reply(&keys, &cas("y", None, "6")), swapped(true));
    }

    #[test]
    fn a_transaction_sees_its_own_writes_at_one_revision() {
        let keys = keys(&[put_event(kv("a", "1", 2, 2, 1))]);
        let all = Get {
            key: "\0".into(),
            end: Some("\0".into()),
            ..Get::default()
        };
        let call = Call::Txn(Txn {
            then: vec![
                Request::Put(Put {
                    key: "b".into(),
                    value: "2".into(),
                    ..Put::default()
                }),
                Request::Delete(Delete {
                    key: "a".into(),
                    prev_kv: true,
                    ..Delete::default()
                }),
                Request::Get(all),
            ],
            ..Txn::default()
        });
        let effect = keys.run(3, &call, None).unwrap();
        let Reply::Txn {
            succeeded: true,
            replies,
        } = effect.reply
        else {
            panic!("the list without conditions did not run");
        };
        assert_eq!(
            replies[1],
            Reply::Delete {
                deleted: 1,
                prev: vec![kv("a", "1", 2, 2, 1)]
            }
        );
        assert_eq!(replies[2], present("b", "2", 3, 3, 1));
        assert_eq!(effect.events[0], put_event(kv("b", "2", 3, 3, 1)));
        assert_eq!(effect.events[1].kv, delete_event("a", 3).kv);
        assert_eq!(effect.events[1].prev, Some(kv("a", "1", 2, 2, 1)));
    }

    #[test]
    fn a_claim_outweighs_the_conditions() {
        let keys = Keys::default();
        let effect = keys.run(2, &cas("x", Some("1"), "2"), Some(true)).unwrap();
        assert_eq!(effect.events, vec![put_event(kv("x", "2", 2, 2, 1))]);
        let redone = keys.redo(2, &[put_event(kv("x", "2", 9, 9, 9)), delete_event("y", 2)]);
        assert_eq!(redone, effect.events);
        assert_eq!(
            keys.run(2, &puts(&[("a", "1"), ("b", "2")]), None)
                .unwrap()
                .events
                .len(),
            2
        );
    }
}
