//! Walks the tree in key order.

use super::node::{Branch, Leaf, Node};
use super::{KeyMeta, Packed};

/// Stands at a key or behind the last one.
pub(crate) struct Cursor<'a> {
    /// The branches above, each with the place of the child that was entered.
    path: Vec<(&'a Branch, usize)>,
    leaf: Option<(&'a Leaf, usize)>,
    key: Vec<u8>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(root: &'a Node, from: &[u8]) -> Self {
        let mut cursor = Self {
            path: Vec::new(),
            leaf: None,
            key: Vec::new(),
        };
        let mut node = root;
        loop {
            match node {
                Node::Leaf(leaf) => {
                    let place = leaf.keys.search(from).unwrap_or_else(|place| place);
                    cursor.settle(leaf, place);
                    return cursor;
                }
                Node::Branch(branch) => {
                    let place = branch.child(from);
                    cursor.path.push((branch, place));
                    node = &branch.children[place].node;
                }
            }
        }
    }

    /// Stands at a place of a leaf, or at the first key of the next leaf that has one.
    fn settle(&mut self, mut leaf: &'a Leaf, mut place: usize) {
        while place >= leaf.metas.len() {
            let Some(next) = self.next_leaf() else {
                self.leaf = None;
                return;
            };
            (leaf, place) = (next, 0);
        }
        self.leaf = Some((leaf, place));
        self.key.clear();
        leaf.keys.write(place, &mut self.key);
    }

    fn next_leaf(&mut self) -> Option<&'a Leaf> {
        let mut node = loop {
            let (branch, place) = self.path.pop()?;
            if let Some(child) = branch.children.get(place + 1) {
                self.path.push((branch, place + 1));
                break &child.node;
            }
        };
        loop {
            match node.as_ref() {
                Node::Leaf(leaf) => return Some(leaf),
                Node::Branch(branch) => {
                    self.path.push((branch, 0));
                    node = &branch.children.first()?.node;
                }
            }
        }
    }

    /// The key, where the cursor stands at one.
    pub(crate) fn entry(&self) -> Option<(&[u8], KeyMeta)> {
        let (leaf, place) = self.leaf?;
        let meta: Packed = leaf.metas[place];
        Some((&self.key, meta.into()))
    }

    pub(crate) fn advance(&mut self) {
        if let Some((leaf, place)) = self.leaf {
            self.settle(leaf, place + 1);
        }
    }
}
