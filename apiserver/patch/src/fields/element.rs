//! The steps of a path, and the order of values that they stand in.

use std::cmp::Ordering;
use std::fmt;

use apiserver_api::go::quote;
use apiserver_api::tree::{Text, Tree};

use crate::go::Plain;

/// One step into a value.
#[derive(Clone, Debug)]
pub enum Element {
    /// Into an object, by name.
    Field(Text),
    /// Into a list of objects, by the values of its key fields, sorted by name.
    Key(Box<[(Text, Tree)]>),
    /// Into a list of scalars, by value.
    Value(Tree),
    /// Into a list, by position.
    Index(i64),
}

impl Element {
    const fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Value(_) => 2,
            Self::Index(_) => 3,
        }
    }

    /// How this stands to a field of that name.
    pub(super) fn cmp_field(&self, name: &str) -> Ordering {
        match self {
            Self::Field(own) => own.as_str().cmp(name),
            _ => Ordering::Greater,
        }
    }
}

impl Ord for Element {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Field(a), Self::Field(b)) => a.as_str().cmp(b),
            (Self::Key(a), Self::Key(b)) => {
                let pairs = a.iter().zip(b);
                pairs
                    .map(|(a, b)| a.0.as_str().cmp(&b.0).then_with(|| order(&a.1, &b.1)))
                    .find(|found| found.is_ne())
                    .unwrap_or_else(|| a.len().cmp(&b.len()))
            }
            (Self::Value(a), Self::Value(b)) => order(a, b),
            (Self::Index(a), Self::Index(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Element {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Element {}

/// As upstream's messages show it: `.name`, `[name="a"]`, `[="a"]`, `[0]`.
impl fmt::Display for Element {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(out, ".{name}"),
            Self::Key(fields) => {
                for (at, (name, value)) in fields.iter().enumerate() {
                    let before = if at == 0 { '[' } else { ',' };
                    write!(out, "{before}{name}={}", Shown(value))?;
                }
                out.write_str("]")
            }
            Self::Value(value) => write!(out, "[={}]", Shown(value)),
            Self::Index(at) => write!(out, "[{at}]"),
        }
    }
}

/// A value in a path.
struct Shown<'t>(&'t Tree);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Tree::Null => out.write_str("null"),
            Tree::Text(text) => out.write_str(&quote(text)),
            Tree::List(items) => {
                out.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    let before = if at == 0 { "" } else { "," };
                    write!(out, "{before}{}", Shown(item))?;
                }
                out.write_str("]")
            }
            Tree::Map(map) => map
                .iter()
                .try_for_each(|(key, value)| write!(out, "{key}={}", Shown(value))),
            scalar => Plain(scalar).fmt(out),
        }
    }
}

/// The order of any two values: numbers by size, then texts, truths, lists, objects, null.
///
/// Upstream compares an integer with a double as doubles, which is no order: two integers that differ may both be equal to
/// one double. Here they stand to it as they are. All that upstream says is less or greater is so here, too.
pub fn order(a: &Tree, b: &Tree) -> Ordering {
    match (a, b) {
        (Tree::Int(a), Tree::Int(b)) => a.cmp(b),
        (Tree::Int(_) | Tree::Number(_), Tree::Int(_) | Tree::Number(_)) => {
            let ((a, exact_a), (b, exact_b)) = (size(a), size(b));
            a.total_cmp(&b).then_with(|| exact_a.cmp(&exact_b))
        }
        (Tree::Text(a), Tree::Text(b)) => a.as_str().cmp(b),
        (Tree::Bool(a), Tree::Bool(b)) => a.cmp(b),
        (Tree::List(a), Tree::List(b)) => {
            let differing = a.iter().zip(b).map(|(a, b)| order(a, b)).find(|found| found.is_ne());
            differing.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Tree::Map(a), Tree::Map(b)) => {
            let differing = a
                .iter()
                .zip(b.iter())
                .map(|(a, b)| a.0.cmp(b.0).then_with(|| order(a.1, b.1)))
                .find(|found| found.is_ne());
            differing.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

/// Whether two values mean the same; `1` and `1.0` do, and an integer and the double nearest to it, as upstream says.
pub fn same(a: &Tree, b: &Tree) -> bool {
    match (a, b) {
        (Tree::Int(_), Tree::Number(_)) | (Tree::Number(_), Tree::Int(_)) => size(a).0.total_cmp(&size(b).0).is_eq(),
        (Tree::List(a), Tree::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Tree::Map(a), Tree::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.0 == b.0 && same(a.1, b.1))
        }
        _ => a == b,
    }
}

const fn rank(tree: &Tree) -> u8 {
    match tree {
        Tree::Int(_) | Tree::Number(_) => 0,
        Tree::Text(_) => 1,
        Tree::Bool(_) => 2,
        Tree::List(_) => 3,
        Tree::Map(_) => 4,
        Tree::Null => 5,
    }
}

/// A number as a double, and as an integer, by which those differ that are the same double. It lacks the fraction only of
/// doubles that no integer is.
#[expect(
    clippy::cast_precision_loss,
    reason = "the second number has what the first one loses"
)]
fn size(number: &Tree) -> (f64, i128) {
    match number {
        Tree::Int(value) => (*value as f64, i128::from(*value)),
        Tree::Number(value) => {
            // No zero differs from another.
            let double = value.as_f64() + 0.0;
            (double, double as i128)
        }
        _ => (0.0, 0),
    }
}
