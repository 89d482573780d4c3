//! The tree's nodes: finding, inserting with splits, removing with merges.

use std::sync::Arc;

use super::Packed;
use super::block::{Block, separator};

/// Most entries of a leaf, most children of a branch.
pub(super) const MAX: usize = 64;
/// A node with fewer is joined with a neighbour.
const MIN: usize = 16;

#[derive(Clone, Debug)]
pub(super) enum Node {
    Leaf(Leaf),
    Branch(Branch),
}

/// Keys apart from what changes most, so that writing a live key again copies no keys.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) keys: Arc<Block>,
    pub(super) metas: Vec<Packed>,
}

#[derive(Clone, Debug)]
pub(super) struct Branch {
    /// One between each two children: greater than all on its left, not greater than any on its right.
    pub(super) separators: Arc<Block>,
    pub(super) children: Vec<Child>,
}

#[derive(Clone, Debug)]
pub(super) struct Child {
    pub(super) node: Arc<Node>,
    pub(super) count: u64,
}

/// The right half of a node that grew too large, and the key that stands between the halves.
pub(super) struct Split {
    separator: Vec<u8>,
    right: Node,
}

impl From<Node> for Child {
    fn from(node: Node) -> Self {
        Self {
            count: node.count(),
            node: Arc::new(node),
        }
    }
}

impl Branch {
    pub(super) fn child(&self, key: &[u8]) -> usize {
        self.separators
            .search(key)
            .map_or_else(|place| place, |place| place + 1)
    }
}

impl Node {
    pub(super) fn empty() -> Self {
        Self::Leaf(Leaf {
            keys: Arc::new(Block::build(0, |_, _| {})),
            metas: Vec::new(),
        })
    }

    /// A new root over a root that was split.
    pub(super) fn over(left: Arc<Self>, split: Split) -> Self {
        let separators = Arc::new(Block::build(1, |_, out| out.extend_from_slice(&split.separator)));
        let left = Child {
            count: left.count(),
            node: left,
        };
        Self::Branch(Branch {
            separators,
            children: vec![left, split.right.into()],
        })
    }

    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Leaf(leaf) => leaf.metas.len() as u64,
            Self::Branch(branch) => branch.children.iter().map(|child| child.count).sum(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Leaf(leaf) => leaf.metas.len(),
            Self::Branch(branch) => branch.children.len(),
        }
    }

    pub(super) fn only_child(&self) -> Option<Arc<Self>> {
        match self {
            Self::Branch(Branch { children, .. }) if children.len() == 1 => Some(Arc::clone(&children[0].node)),
            _ => None,
        }
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<Packed> {
        let mut node = self;
        loop {
            match node {
                Self::Leaf(leaf) => return leaf.keys.search(key).ok().map(|place| leaf.metas[place]),
                Self::Branch(branch) => node = &branch.children[branch.child(key)].node,
            }
        }
    }

    /// How many keys are smaller.
    pub(super) fn rank(&self, key: &[u8]) -> u64 {
        let (mut node, mut before) = (self, 0);
        loop {
            match node {
                Self::Leaf(leaf) => return before + leaf.keys.search(key).unwrap_or_else(|place| place) as u64,
                Self::Branch(branch) => {
                    let child = branch.child(key);
                    before += branch.children[..child].iter().map(|child| child.count).sum::<u64>();
                    node = &branch.children[child].node;
                }
            }
        }
    }

    pub(super) fn nth(&self, mut place: u64) -> Option<(Vec<u8>, Packed)> {
        let mut node = self;
        loop {
            match node {
                Self::Leaf(leaf) => {
                    let place = usize::try_from(place).ok()?;
                    let meta = *leaf.metas.get(place)?;
                    return Some((leaf.keys.key(place), meta));
                }
                Self::Branch(branch) => {
                    let child = branch.children.iter().find(|child| {
                        let here = place < child.count;
                        if !here {
                            place -= child.count;
                        }
                        here
                    })?;
                    node = &child.node;
                }
            }
        }
    }

    /// Cuts the node in two; it keeps the places before `at`.
    fn split_off(&mut self, at: usize) -> Split {
        match self {
            Self::Leaf(leaf) => {
                let separator = separator(&leaf.keys.key(at - 1), &leaf.keys.key(at));
                let metas = leaf.metas.split_off(at);
                leaf.metas.shrink_to_fit();
                let keys = Arc::new(leaf.keys.slice(at..leaf.keys.len()));
                leaf.keys = Arc::new(leaf.keys.slice(0..at));
                Split {
                    separator,
                    right: Self::Leaf(Leaf { keys, metas }),
                }
            }
            Self::Branch(branch) => {
                let separator = branch.separators.key(at - 1);
                let children = branch.children.split_off(at);
                branch.children.shrink_to_fit();
                let separators = Arc::new(branch.separators.slice(at..branch.separators.len()));
                branch.separators = Arc::new(branch.separators.slice(0..at - 1));
                Split {
                    separator,
                    right: Self::Branch(Branch { separators, children }),
                }
            }
        }
    }

    /// Takes in its right neighbour. Neighbours have the same height.
    fn join(&mut self, separator: &[u8], right: Self) {
        match (self, right) {
            (Self::Leaf(left), Self::Leaf(right)) => {
                left.keys = Arc::new(left.keys.join(None, &right.keys));
                left.metas.reserve_exact(right.metas.len());
                left.metas.extend(right.metas);
            }
            (Self::Branch(left), Self::Branch(right)) => {
                left.separators = Arc::new(left.separators.join(Some(separator), &right.separators));
                left.children.reserve_exact(right.children.len());
                left.children.extend(right.children);
            }
            (Self::Leaf(_), Self::Branch(_)) | (Self::Branch(_), Self::Leaf(_)) => {
                debug_assert!(false, "neighbours of different height");
            }
        }
    }
}

/// Inserts or replaces below `node`: what was there, and the new neighbour if the node had to be split.
pub(super) fn insert(node: &mut Arc<Node>, key: &[u8], meta: Packed) -> (Option<Packed>, Option<Split>) {
    let node = Arc::make_mut(node);
    let replaced = match node {
        Node::Leaf(leaf) => match leaf.keys.search(key) {
            Ok(place) => Some(std::mem::replace(&mut leaf.metas[place], meta)),
            Err(place) => {
                leaf.keys = Arc::new(leaf.keys.with(place, key));
                leaf.metas.reserve_exact(1);
                leaf.metas.insert(place, meta);
                None
            }
        },
        Node::Branch(branch) => {
            let place = branch.child(key);
            let child = &mut branch.children[place];
            let (replaced, split) = insert(&mut child.node, key, meta);
            if let Some(split) = split {
                child.count = child.node.count();
                branch.separators = Arc::new(branch.separators.with(place, &split.separator));
                branch.children.reserve_exact(1);
                branch.children.insert(place + 1, split.right.into());
            } else if replaced.is_none() {
                child.count += 1;
            }
            replaced
        }
    };
    let split = (node.len() > MAX).then(|| node.split_off(node.len() / 2));
    (replaced, split)
}

/// Removes below `node`. The caller collapses a root with one child.
pub(super) fn remove(node: &mut Arc<Node>, key: &[u8]) -> Option<Packed> {
    match Arc::make_mut(node) {
        Node::Leaf(leaf) => {
            let place = leaf.keys.search(key).ok()?;
            leaf.keys = Arc::new(leaf.keys.without(place));
            let removed = leaf.metas.remove(place);
            leaf.metas.shrink_to_fit();
            Some(removed)
        }
        Node::Branch(branch) => {
            let place = branch.child(key);
            let child = &mut branch.children[place];
            let removed = remove(&mut child.node, key)?;
            child.count -= 1;
            if child.node.len() < MIN && branch.children.len() > 1 {
                balance(branch, place.saturating_sub(1));
            }
            Some(removed)
        }
    }
}

/// Joins the child at `place` with the next one, and cuts the result in two where it is too large.
fn balance(branch: &mut Branch, place: usize) {
    let separator = branch.separators.key(place);
    let right = branch.children.remove(place + 1);
    let left = &mut branch.children[place];
    left.count += right.count;
    let node = Arc::make_mut(&mut left.node);
    node.join(&separator, Arc::unwrap_or_clone(right.node));
    branch.separators = Arc::new(branch.separators.without(place));
    if node.len() > MAX {
        let split = node.split_off(node.len() / 2);
        let right = Child::from(split.right);
        left.count -= right.count;
        branch.separators = Arc::new(branch.separators.with(place, &split.separator));
        branch.children.insert(place + 1, right);
    }
}
