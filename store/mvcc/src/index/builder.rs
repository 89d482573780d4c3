//! Builds the tree from keys that come in order, at boot.

use std::sync::Arc;

use super::block::{Block, separator};
use super::node::{Branch, Child, Leaf, Node};
use super::{Index, KeyMeta, Packed};

/// Entries of a node made here: room is left, so that the first inserts split nothing.
const FILL: usize = 48;

/// Takes keys in strictly ascending order.
#[derive(Default)]
pub(crate) struct Builder {
    keys: Vec<Vec<u8>>,
    metas: Vec<Packed>,
    last: Vec<u8>,
    /// Finished leaves, each with the separator to its left.
    leaves: Vec<(Vec<u8>, Child)>,
}

impl Builder {
    pub(crate) fn push(&mut self, key: &[u8], meta: KeyMeta) {
        if self.keys.len() == FILL {
            self.finish_leaf();
        }
        self.keys.push(key.to_vec());
        self.metas.push(meta.into());
    }

    fn finish_leaf(&mut self) {
        let Some(first) = self.keys.first() else { return };
        let separator = separator(&self.last, first);
        let keys = Arc::new(Block::build(self.keys.len(), |at, out| {
            out.extend_from_slice(&self.keys[at]);
        }));
        self.last = self.keys.pop().unwrap_or_default();
        self.keys.clear();
        let metas = std::mem::replace(&mut self.metas, Vec::with_capacity(FILL));
        self.leaves.push((separator, Node::Leaf(Leaf { keys, metas }).into()));
    }

    pub(crate) fn finish(mut self) -> Index {
        self.finish_leaf();
        let mut level = self.leaves;
        while level.len() > 1 {
            level = level.chunks(FILL).map(join).collect();
        }
        level
            .pop()
            .map_or_else(Index::default, |(_, child)| Index { root: child.node })
    }
}

fn join(children: &[(Vec<u8>, Child)]) -> (Vec<u8>, Child) {
    let separators = Block::build(children.len() - 1, |at, out| out.extend_from_slice(&children[at + 1].0));
    let separator = children[0].0.clone();
    let children = children.iter().map(|(_, child)| child.clone()).collect();
    (
        separator,
        Node::Branch(Branch {
            separators: Arc::new(separators),
            children,
        })
        .into(),
    )
}
