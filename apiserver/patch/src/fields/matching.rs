//! What of a set counts: all but some fields, or only those that match a pattern.

use super::{Element, Node, Set};

/// A pattern of paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matcher {
    /// Every path.
    Any,
    /// The paths that begin with one of these steps and go on as its pattern says.
    Steps(Vec<(Step, Matcher)>),
}

/// A pattern of a path's element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Every element.
    Any,
    /// This element.
    Is(Element),
}

impl Step {
    /// A field's name.
    pub fn field(name: &str) -> Self {
        Self::Is(Element::Field(name.into()))
    }

    fn matches(&self, element: &Element) -> bool {
        match self {
            Self::Any => true,
            Self::Is(own) => own == element,
        }
    }
}

impl Matcher {
    /// All paths that begin with these steps.
    pub fn prefix(steps: impl DoubleEndedIterator<Item = Step>) -> Self {
        steps.rfold(Self::Any, |below, step| Self::Steps(vec![(step, below)]))
    }

    /// What matches this or the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let (Self::Steps(mut steps), Self::Steps(others)) = (self, other) else {
            return Self::Any;
        };
        for (step, below) in others {
            match steps.iter_mut().find(|(own, _)| *own == step) {
                Some((_, own)) => *own = std::mem::replace(own, Self::Any).or(below),
                // The step that matches all is tried first.
                None if step == Step::Any => steps.insert(0, (step, below)),
                None => steps.push((step, below)),
            }
        }
        Self::Steps(steps)
    }

    /// The paths of a set that match, and those that lead to one that may.
    pub fn filter(&self, set: Set) -> Set {
        let Self::Steps(steps) = self else {
            return set;
        };
        let nodes = set.nodes.into_iter().filter_map(|node| {
            let (_, below) = steps.iter().find(|(step, _)| step.matches(&node.element))?;
            Some(Node {
                below: below.filter(node.below),
                ..node
            })
        });
        Set::from_nodes(nodes.collect())
    }
}

/// Which changes of a request count. A main resource ignores its status, and the status all but itself: what they do not
/// write is nobody's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All but these fields and what is below them.
    Without(Set),
    /// Only those that match.
    Only(Matcher),
}

impl Filter {
    /// What of a set counts.
    #[must_use]
    pub fn apply(&self, set: Set) -> Set {
        match self {
            Self::Without(fields) => set.recursive_difference(fields),
            Self::Only(matcher) => matcher.filter(set),
        }
    }
}
