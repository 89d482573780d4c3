//! The table by itself, against a model, and read back from an engine.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use store_engine::Memory;

use super::*;

fn keys(leases: &Leases, id: i64) -> Vec<Bytes> {
    leases
        .get(id)
        .map(|lease| lease.keys().cloned().collect())
        .unwrap_or_default()
}

#[test]
fn grant_checks_as_upstream() {
    let (mut leases, mut batch) = (Leases::default(), Batch::default());
    assert_eq!(leases.grant(0, 5, 1, &mut batch), Err(Error::NotFound));
    assert_eq!(leases.grant(1, MAX_TTL + 1, 1, &mut batch), Err(Error::TtlTooLarge));
    assert_eq!(leases.grant(1, MAX_TTL, 1, &mut batch), Ok(MAX_TTL));
    assert_eq!(leases.grant(1, 5, 1, &mut batch), Err(Error::Exists));
    assert_eq!(leases.grant(2, -3, 2, &mut batch), Ok(2));
    assert_eq!(leases.grant(-2, 3, 2, &mut batch), Ok(3));
    assert_eq!(leases.len(), 3);
}

#[test]
fn a_key_hangs_on_one_lease() {
    let (mut leases, mut batch) = (Leases::default(), Batch::default());
    leases.grant(1, 5, 1, &mut batch).unwrap();
    leases.grant(2, 5, 1, &mut batch).unwrap();
    let (a, b) = (Bytes::from("a"), Bytes::from("b"));
    leases.attach(&b, 1);
    leases.attach(&a, 1);
    assert_eq!(keys(&leases, 1), [a.clone(), b.clone()]);
    let before = leases.clone();
    leases.attach(&a, 2);
    assert_eq!((leases.of(b"a"), leases.of(b"b")), (2, 1));
    leases.attach(&a, 9);
    assert_eq!(leases.of(b"a"), 0);
    assert_eq!(before.of(b"a"), 1, "a clone is a snapshot");
    assert_eq!(leases.revoke(1, &mut batch), Ok(vec![b]));
    assert_eq!(leases.revoke(1, &mut batch), Err(Error::NotFound));
    assert_eq!(leases.of(b"b"), 0);
}

#[test]
fn reads_back() {
    let engine = Memory::new();
    let (mut leases, mut batch) = (Leases::default(), Batch::default());
    for id in [7, -1, i64::MIN, 3] {
        leases.grant(id, 10 + (id & 7), 1, &mut batch).unwrap();
    }
    leases.revoke(3, &mut batch).unwrap();
    assert!(leases.checkpoint(7, 4, &mut batch));
    assert!(!leases.checkpoint(8, 4, &mut batch));
    leases.attach(&Bytes::from("k"), 7);
    engine.write(&batch).unwrap();
    let read = Leases::open(&engine, [(Bytes::from("k"), 7), (Bytes::from("lost"), 99)]).unwrap();
    assert_eq!(read, leases);

    let mut batch = Batch::default();
    batch.put(SPACE, &1_i64.to_be_bytes(), &[0xff]);
    engine.write(&batch).unwrap();
    assert!(matches!(Leases::open(&engine, []), Err(OpenError::Corrupt(_))));
}

proptest! {
    #[test]
    fn attachments_agree_with_a_model(steps in prop::collection::vec((0_u8..4, 0_i64..4, 0_u8..6), 0..80)) {
        let (mut leases, mut batch) = (Leases::default(), Batch::default());
        let mut model: BTreeMap<i64, BTreeSet<Bytes>> = BTreeMap::new();
        for (what, id, key) in steps {
            let key = Bytes::from(vec![key]);
            match what {
                0 => {
                    if leases.grant(id, 5, 1, &mut batch).is_ok() {
                        prop_assert!(model.insert(id, BTreeSet::new()).is_none());
                    }
                }
                1 => {
                    let gone = model.remove(&id).map(|keys| keys.into_iter().collect::<Vec<_>>());
                    prop_assert_eq!(leases.revoke(id, &mut batch).ok(), gone);
                }
                what => {
                    for keys in model.values_mut() { keys.remove(&key); }
                    if what == 2 {
                        leases.attach(&key, id);
                        model.get_mut(&id).map(|keys| keys.insert(key));
                    } else {
                        leases.detach(&key);
                    }
                }
            }
            for (id, held) in &model {
                prop_assert_eq!(&keys(&leases, *id), &held.iter().cloned().collect::<Vec<_>>());
                prop_assert!(held.iter().all(|key| leases.of(key) == *id));
            }
            prop_assert_eq!(leases.iter().map(Lease::id).collect::<Vec<_>>(), model.keys().copied().collect::<Vec<_>>());
            prop_assert_eq!(leases.of.len(), model.values().map(BTreeSet::len).sum::<usize>());
        }
    }
}
