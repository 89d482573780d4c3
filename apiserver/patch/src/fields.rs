//! Sets of fields: which parts of an object someone owns, or which of them changed.

mod element;
mod matching;
mod operations;
mod wire;

use std::fmt::Write;

pub use element::{Element, order, same};
pub use matching::{Filter, Matcher, Step};
pub use wire::WireError;

/// A set of paths into an object.
///
/// It is a tree of path elements, each level sorted. An element that is in the tree need not be in the set itself: with
/// `.spec.replicas` alone in the set, `.spec` is a node of the tree and no member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// Sorted by element. Each is a member or has something below it.
    nodes: Vec<Node>,
}

/// An element of a path, and what the set has of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The last element of this path.
    pub element: Element,
    /// Whether the path that ends here is in the set.
    pub member: bool,
    /// The paths that go on from here.
    pub below: Set,
}

impl Set {
    /// No path.
    pub const fn new() -> Self {
        Self { nodes: Vec::new() }
    }

    /// The set of some chains of field names.
    pub fn of(paths: &[&[&str]]) -> Self {
        let mut set = Self::new();
        for path in paths {
            let path: Vec<Element> = path.iter().map(|name| Element::Field((*name).into())).collect();
            set.insert(&path);
        }
        set
    }

    /// A set of nodes in any order; of two with the same element, what both have.
    pub(crate) fn from_nodes(mut nodes: Vec<Node>) -> Self {
        nodes.retain(|node| node.member || !node.below.is_empty());
        let mut set = Self { nodes };
        if set.sort() {
            set.nodes.iter_mut().for_each(|node| node.below.sort_all());
        }
        set
    }

    /// Sorts the first level, and makes one node of those with the same element; says whether there were any. What these had
    /// below them then stands one behind the other.
    fn sort(&mut self) -> bool {
        let count = self.nodes.len();
        if !self.nodes.is_sorted_by(|a, b| a.element < b.element) {
            self.nodes.sort_by(|a, b| a.element.cmp(&b.element));
            self.nodes.dedup_by(|later, earlier| {
                let twice = later.element == earlier.element;
                if twice {
                    earlier.member |= later.member;
                    earlier.below.nodes.append(&mut later.below.nodes);
                }
                twice
            });
        }
        self.nodes.len() < count
    }

    /// Sorts all levels, from above: so each node is moved once, however many become one above it.
    fn sort_all(&mut self) {
        self.sort();
        self.nodes.iter_mut().for_each(|node| node.below.sort_all());
    }

    /// Whether there is no path in it.
    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// How many paths are in it.
    pub fn len(&self) -> usize {
        self.nodes
            .iter()
            .map(|node| usize::from(node.member) + node.below.len())
            .sum()
    }

    /// How many elements its longest path has.
    pub fn depth(&self) -> usize {
        self.nodes
            .iter()
            .map(|node| 1 + node.below.depth())
            .max()
            .unwrap_or_default()
    }

    /// The elements of the first level, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Node> {
        self.nodes.iter()
    }

    fn find(&self, element: &Element) -> Result<usize, usize> {
        self.nodes.binary_search_by(|node| node.element.cmp(element))
    }

    /// What is said of an element of the first level.
    pub fn node(&self, element: &Element) -> Option<&Node> {
        self.find(element).ok().map(|at| &self.nodes[at])
    }

    /// What is said of a field of the first level.
    pub fn field(&self, name: &str) -> Option<&Node> {
        let at = self.nodes.binary_search_by(|node| node.element.cmp_field(name)).ok()?;
        Some(&self.nodes[at])
    }

    /// Whether a path is in it; the empty one never is.
    pub fn contains(&self, path: &[Element]) -> bool {
        match path {
            [] => false,
            [last] => self.node(last).is_some_and(|node| node.member),
            [first, rest @ ..] => self.node(first).is_some_and(|node| node.below.contains(rest)),
        }
    }

    /// Puts a path in; nobody owns the whole object, so the empty path is left out.
    pub fn insert(&mut self, path: &[Element]) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        let at = self.find(first).unwrap_or_else(|at| {
            let node = Node {
                element: first.clone(),
                member: false,
                below: Self::new(),
            };
            self.nodes.insert(at, node);
            at
        });
        if rest.is_empty() {
            self.nodes[at].member = true;
        } else {
            self.nodes[at].below.insert(rest);
        }
    }

    /// The paths as texts: at each level those that end there, then those that go on.
    pub fn paths(&self) -> Vec<String> {
        self.first_paths(&mut { usize::MAX }, 0)
    }

    /// Those of these texts that come before `left` bytes are used up, of which each uses `besides` more than its own.
    pub(crate) fn first_paths(&self, left: &mut usize, besides: usize) -> Vec<String> {
        let mut texts = Vec::new();
        self.write_paths(&mut String::new(), &mut |path| {
            if *left > 0 {
                *left = left.saturating_sub(path.len() + besides);
                texts.push(path.to_owned());
            }
            *left > 0
        });
        texts
    }

    /// Tells each path, until one is answered with false.
    fn write_paths(&self, prefix: &mut String, tell: &mut impl FnMut(&str) -> bool) -> bool {
        let length = prefix.len();
        for node in &self.nodes {
            if node.member {
                // Writing to a string does not fail.
                let _ = write!(prefix, "{}", node.element);
                let goes_on = tell(prefix);
                prefix.truncate(length);
                if !goes_on {
                    return false;
                }
            }
        }
        for node in &self.nodes {
            if !node.below.is_empty() {
                let _ = write!(prefix, "{}", node.element);
                let goes_on = node.below.write_paths(prefix, tell);
                prefix.truncate(length);
                if !goes_on {
                    return false;
                }
            }
        }
        true
    }
}

impl<'s> IntoIterator for &'s Set {
    type Item = &'s Node;
    type IntoIter = std::slice::Iter<'s, Node>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests;
