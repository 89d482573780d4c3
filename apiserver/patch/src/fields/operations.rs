//! Union, intersection and differences of sets.

use std::cmp::Ordering;

use super::{Element, Node, Set};

impl Set {
    /// What is in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        if self.is_empty() {
            return other;
        }
        if other.is_empty() {
            return self;
        }
        let mut nodes = Vec::with_capacity(self.nodes.len().max(other.nodes.len()));
        let mut left = self.nodes.into_iter().peekable();
        let mut right = other.nodes.into_iter().peekable();
        loop {
            let first = match (left.peek(), right.peek()) {
                (Some(a), Some(b)) => a.element.cmp(&b.element),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return Self { nodes },
            };
            match first {
                Ordering::Less => nodes.extend(left.next()),
                Ordering::Greater => nodes.extend(right.next()),
                Ordering::Equal => nodes.extend(left.next().zip(right.next()).map(|(a, b)| Node {
                    element: a.element,
                    member: a.member || b.member,
                    below: a.below.union(b.below),
                })),
            }
        }
    }

    /// What is in any. Neighbours are joined, then what came of them, and so on: one by one, the many that were joined already
    /// would be moved for each that comes.
    #[must_use]
    pub(crate) fn joined(sets: impl IntoIterator<Item = Self>) -> Self {
        let mut sets: Vec<Self> = sets.into_iter().collect();
        while sets.len() > 1 {
            let mut left = sets.into_iter();
            let mut joined = Vec::with_capacity(left.len().div_ceil(2));
            while let Some(set) = left.next() {
                joined.push(set.union(left.next().unwrap_or_default()));
            }
            sets = joined;
        }
        sets.pop().unwrap_or_default()
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut nodes = Vec::new();
        for (a, b) in self.shared(other) {
            let member = a.member && b.member;
            let below = a.below.intersection(&b.below);
            if member || !below.is_empty() {
                let element = a.element.clone();
                nodes.push(Node { element, member, below });
            }
        }
        Self { nodes }
    }

    /// Whether something is in both.
    pub fn intersects(&self, other: &Self) -> bool {
        self.shared(other)
            .any(|(a, b)| (a.member && b.member) || a.below.intersects(&b.below))
    }

    /// Whether all of this is in the other.
    pub fn is_within(&self, other: &Self) -> bool {
        let mut shared = self.shared(other);
        self.nodes.iter().all(|_| {
            shared
                .next()
                .is_some_and(|(a, b)| (b.member || !a.member) && a.below.is_within(&b.below))
        })
    }

    /// What is in this and not in the other. What stands below a member of the other stays.
    #[must_use]
    pub fn difference(mut self, other: &Self) -> Self {
        self.subtract(other, false);
        self
    }

    /// What is in this and neither in the other nor below a member of the other.
    #[must_use]
    pub fn recursive_difference(mut self, other: &Self) -> Self {
        self.subtract(other, true);
        self
    }

    fn subtract(&mut self, other: &Self, with_below: bool) {
        if other.is_empty() {
            return;
        }
        let mut others = other.nodes.as_slice();
        self.nodes.retain_mut(|node| {
            others = from(others, &node.element);
            let Some(other) = others.first().filter(|other| other.element == node.element) else {
                return true;
            };
            node.member &= !other.member;
            if with_below && other.member {
                node.below = Self::new();
            } else {
                node.below.subtract(&other.below, with_below);
            }
            node.member || !node.below.is_empty()
        });
    }

    /// The paths that no other path goes on from.
    #[must_use]
    pub fn leaves(&self) -> Self {
        let nodes = self.nodes.iter().map(|node| Node {
            element: node.element.clone(),
            member: node.below.is_empty(),
            below: node.below.leaves(),
        });
        Self { nodes: nodes.collect() }
    }

    /// The nodes of both with the same elements.
    fn shared<'s>(&'s self, other: &'s Self) -> impl Iterator<Item = (&'s Node, &'s Node)> {
        let (mut left, mut right) = (self.nodes.as_slice(), other.nodes.as_slice());
        std::iter::from_fn(move || {
            loop {
                let ([a, after_a @ ..], [b, after_b @ ..]) = (left, right) else {
                    return None;
                };
                match a.element.cmp(&b.element) {
                    Ordering::Less => left = from(after_a, &b.element),
                    Ordering::Greater => right = from(after_b, &a.element),
                    Ordering::Equal => {
                        (left, right) = (after_a, after_b);
                        return Some((a, b));
                    }
                }
            }
        })
    }
}

/// The nodes from an element on. The steps to it double: few nodes are looked at where it is near, and not many where it is
/// far, so that a small set costs little beside a large one.
fn from<'n>(nodes: &'n [Node], element: &Element) -> &'n [Node] {
    let is_before = |node: &Node| node.element < *element;
    let (mut start, mut step) = (0, 1);
    while nodes.get(start + step - 1).is_some_and(is_before) {
        start += step;
        step *= 2;
    }
    let end = nodes.len().min(start + step - 1);
    let at = start + nodes[start..end].partition_point(is_before);
    &nodes[at..]
}
