//! Union, intersection and differences of sets.

use std::cmp::Ordering;

use super::{Node, Set};

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
        let mut others = other.nodes.iter().peekable();
        self.nodes.retain_mut(|node| {
            while others.next_if(|other| other.element < node.element).is_some() {}
            let Some(other) = others.next_if(|other| other.element == node.element) else {
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
        let mut left = self.nodes.iter().peekable();
        let mut right = other.nodes.iter().peekable();
        std::iter::from_fn(move || {
            loop {
                match left.peek()?.element.cmp(&right.peek()?.element) {
                    Ordering::Less => left.next(),
                    Ordering::Greater => right.next(),
                    Ordering::Equal => return left.next().zip(right.next()),
                };
            }
        })
    }
}
