//! The tree against a map, snapshots included.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::node::Node;
use super::{Builder, Index, KeyMeta};
use crate::{KeyRange, Revision};

fn meta(number: i64) -> KeyMeta {
    KeyMeta {
        create: number,
        modified: Revision::new(number, 3),
        version: 1,
        lease: -number,
        bytes: 7,
    }
}

type Map = BTreeMap<Vec<u8>, KeyMeta>;

fn walk(index: &Index, from: &[u8]) -> Vec<(Vec<u8>, KeyMeta)> {
    let mut found = Vec::new();
    let mut cursor = index.cursor(from);
    while let Some((key, meta)) = cursor.entry() {
        found.push((key.to_vec(), meta));
        cursor.advance();
    }
    found
}

fn same(index: &Index, map: &Map) {
    assert_eq!(index.len(), map.len() as u64);
    assert_eq!(walk(index, b""), map.clone().into_iter().collect::<Vec<_>>());
    for (place, (key, meta)) in map.iter().enumerate() {
        assert_eq!(index.get(key), Some(*meta));
        assert_eq!(index.nth(place as u64).map(|(key, _)| key.to_vec()).as_ref(), Some(key));
    }
    assert_eq!(index.nth(index.len()), None);
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        (0_u16..600).prop_map(|n| format!("/registry/pods/{n:04}").into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..4),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<u8>),
    Remove(Vec<u8>),
    /// Removes a run of neighbours, so that nodes are joined.
    RemoveFrom(Vec<u8>, usize),
    Snapshot,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => key().prop_map(Step::Insert),
        5 => key().prop_map(Step::Remove),
        1 => (key(), 0_usize..150).prop_map(|(key, n)| Step::RemoveFrom(key, n)),
        1 => Just(Step::Snapshot),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn is_a_map(
        steps in proptest::collection::vec(step(), 0..900),
        from in key(),
        to in key(),
    ) {
        let (mut index, mut map) = (Index::default(), Map::new());
        let mut snapshots: Vec<(Index, Map)> = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            let new = meta(number as i64);
            match step {
                Step::Insert(key) => assert_eq!(index.insert(&key, new), map.insert(key, new)),
                Step::Remove(key) => assert_eq!(index.remove(&key), map.remove(&key)),
                Step::RemoveFrom(key, n) => {
                    let gone: Vec<_> = map.range(key..).take(n).map(|(key, _)| key.clone()).collect();
                    for key in gone {
                        assert_eq!(index.remove(&key), map.remove(&key));
                    }
                }
                Step::Snapshot => snapshots.push((index.clone(), map.clone())),
            }
        }
        snapshots.push((index, map));
        for (index, map) in &snapshots {
            same(index, map);
            let expected: Vec<_> = map.range(from.clone()..).map(|(key, meta)| (key.clone(), *meta)).collect();
            prop_assert_eq!(walk(index, &from), expected);
            let range = KeyRange::new(&from.clone().into(), &to.clone().into());
            prop_assert_eq!(index.count(&range), map.keys().filter(|key| range.contains(key)).count() as u64);
        }
    }

    #[test]
    fn is_built_as_it_is_grown(keys in proptest::collection::btree_set(key(), 0..800)) {
        let mut builder = Builder::default();
        let mut map = Map::new();
        for (number, key) in keys.into_iter().enumerate() {
            builder.push(&key, meta(number as i64));
            map.insert(key, meta(number as i64));
        }
        let mut index = builder.finish();
        same(&index, &map);
        for key in map.keys().step_by(2) {
            prop_assert_eq!(index.remove(key), map.get(key).copied());
        }
        let left: Map = map.into_iter().enumerate().filter(|(at, _)| at % 2 == 1).map(|(_, pair)| pair).collect();
        same(&index, &left);
    }
}

#[test]
fn goes_down_as_it_went_up() {
    let mut index = Index::default();
    let key = |n: u32| n.wrapping_mul(2_654_435_761).to_be_bytes();
    for n in 0..20_000 {
        index.insert(&key(n), meta(n.into()));
    }
    assert_eq!(index.len(), 20_000);
    for n in 0..20_000 {
        assert_eq!(index.remove(&key(n)), Some(meta(n.into())));
    }
    assert_eq!(index.len(), 0);
    assert!(matches!(*index.root, Node::Leaf(_)));
}

/// Heap bytes of the tree, allocator overhead of 16 bytes an allocation included.
fn heap(node: &Node) -> usize {
    16 + size_of::<Node>()
        + match node {
            Node::Leaf(leaf) => 16 + leaf.keys.heap() + leaf.metas.capacity() * 40,
            Node::Branch(branch) => {
                let children = branch.children.iter().map(|child| heap(&child.node)).sum::<usize>();
                16 + branch.separators.heap() + branch.children.capacity() * 16 + children
            }
        }
}

#[test]
fn a_key_of_64_bytes_costs_less_than_90() {
    let mut index = Index::default();
    for n in 0..20_000_u32 {
        let key = format!(
            "/registry/pods/namespace-{:05}/pod-{:026x}",
            n % 500,
            n.wrapping_mul(2_654_435_761)
        );
        assert!(key.len() < 64 + 8);
        index.insert(key.as_bytes(), meta(n.into()));
    }
    let each = heap(&index.root) / 20_000;
    assert!(each < 90, "{each} bytes a key");
}
