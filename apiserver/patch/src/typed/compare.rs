//! What differs between two values.

use apiserver_api::tree::{Map, Tree};

use super::items::{Sorted, elements};
use super::pairs::pairs;
use super::shape::{Atom, Fields, List, Told, Type};
use super::validate::Invalid;
use crate::fields::{Element, Filter, Node, Set, same};

/// The fields in which a later value differs from an earlier one. No field is in two of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Only the earlier has them.
    pub removed: Set,
    /// Both have them, with different values.
    pub modified: Set,
    /// Only the later has them.
    pub added: Set,
}

impl Comparison {
    /// Whether nothing differs.
    pub const fn is_same(&self) -> bool {
        self.removed.is_empty() && self.modified.is_empty() && self.added.is_empty()
    }

    /// What of it counts.
    #[must_use]
    pub fn filtered(self, filter: Option<&Filter>) -> Self {
        match filter {
            None => self,
            Some(filter) => Self {
                removed: filter.apply(self.removed),
                modified: filter.apply(self.modified),
                added: filter.apply(self.added),
            },
        }
    }
}

/// What differs between two values of a type.
///
/// # Errors
/// The items of a list that differs cannot be told apart; where, and why.
pub fn compare(kind: Type<'_>, earlier: &Tree, later: &Tree) -> Result<Comparison, Invalid> {
    let mut below = Changes::default();
    parts(kind, Some(earlier), Some(later), &mut below).map_err(|invalid| *invalid)?;
    Ok(Comparison {
        removed: Set::from_nodes(below.removed),
        modified: Set::from_nodes(below.modified),
        added: Set::from_nodes(below.added),
    })
}

// Documents may be a thousand levels deep, and each level costs the frames of the functions below: those that come back to
// themselves keep little, and leave what needs much to others.

/// What became of the parts of a value.
#[derive(Default)]
struct Changes {
    removed: Vec<Node>,
    modified: Vec<Node>,
    added: Vec<Node>,
}

/// What became of a value itself.
#[derive(Clone, Copy, Default)]
struct Own {
    removed: bool,
    modified: bool,
    added: bool,
}

/// How a part is reached.
#[derive(Clone, Copy)]
enum Step<'t> {
    Field(&'t str),
    Item(&'t Element),
}

impl Step<'_> {
    fn element(self) -> Element {
        match self {
            Self::Field(name) => Element::Field(name.into()),
            Self::Item(element) => element.clone(),
        }
    }
}

impl Changes {
    /// Notes what became of a part. Its element is made only where something did.
    #[inline(never)]
    fn note(&mut self, step: Step<'_>, own: Own, below: Self) {
        let sides = [
            (&mut self.removed, own.removed, below.removed),
            (&mut self.modified, own.modified, below.modified),
            (&mut self.added, own.added, below.added),
        ];
        for (nodes, member, below) in sides {
            if member || !below.is_empty() {
                nodes.push(Node {
                    element: step.element(),
                    member,
                    below: Set::from_nodes(below),
                });
            }
        }
    }
}

type Failed = Box<Invalid>;

#[inline(never)]
fn locate(invalid: &mut Invalid, step: Step<'_>) {
    invalid.path.insert_str(0, &step.element().to_string());
}

/// Compares a part that may be absent before or after; `own` is what became of it besides.
fn part(
    kind: Type<'_>,
    (earlier, later): (Option<&Tree>, Option<&Tree>),
    step: Step<'_>,
    mut own: Own,
    out: &mut Changes,
) -> Result<(), Failed> {
    let mut below = Changes::default();
    match parts(kind, earlier, later, &mut below) {
        Ok(modified) => own.modified |= modified,
        Err(mut invalid) => {
            locate(&mut invalid, step);
            return Err(invalid);
        }
    }
    own.added |= earlier.is_none() && later.is_some();
    own.removed |= earlier.is_some() && later.is_none();
    out.note(step, own, below);
    Ok(())
}

/// Compares the parts of a value; says whether the value is one piece, there on both sides, and another.
fn parts(kind: Type<'_>, earlier: Option<&Tree>, later: Option<&Tree>, below: &mut Changes) -> Result<bool, Failed> {
    // What is absent or null is of whatever type the other is.
    let given = |side: Option<&Tree>| side.is_some_and(|side| !side.is_null());
    let after = if given(later) { later } else { earlier.or(later) };
    let mut modified = parts_as(kind, after, earlier, later, below)?;
    if kind.varies() && given(earlier) && given(later) && turned(earlier, later) {
        // Of one kind before and of another after: the parts of both count.
        modified |= parts_as(kind, earlier, earlier, later, below)?;
    }
    Ok(modified)
}

/// Whether one side is a scalar, a list or an object, and the other is not.
fn turned(earlier: Option<&Tree>, later: Option<&Tree>) -> bool {
    let sort = |side: Option<&Tree>| match side {
        Some(Tree::Map(_)) => 0,
        Some(Tree::List(_)) => 1,
        _ => 2,
    };
    sort(earlier) != sort(later)
}

/// Compares the parts of a value that is what `shape` is.
#[inline(never)]
fn parts_as(
    kind: Type<'_>,
    shape: Option<&Tree>,
    earlier: Option<&Tree>,
    later: Option<&Tree>,
    below: &mut Changes,
) -> Result<bool, Failed> {
    match kind.atom(shape) {
        Atom::Map(fields) if !fields.atomic => {
            let (before, after) = (map_of(earlier), map_of(later));
            if !(before.is_empty() && after.is_empty()) {
                return of_fields(fields, before, after, below);
            }
        }
        Atom::List(list) if !matches!(list.told, Told::Atomic) => {
            let (before, after) = (items_of(earlier), items_of(later));
            if !(before.is_empty() && after.is_empty()) {
                return of_items(list, before, after, below);
            }
        }
        _ => {}
    }
    Ok(earlier.zip(later).is_some_and(|(earlier, later)| !same(earlier, later)))
}

fn map_of(side: Option<&Tree>) -> &Map {
    static NONE: Map = Map::new();
    side.and_then(Tree::as_map).unwrap_or(&NONE)
}

fn items_of(side: Option<&Tree>) -> &[Tree] {
    side.and_then(Tree::as_list).unwrap_or_default()
}

#[inline(never)]
fn of_fields(fields: Fields<'_>, earlier: &Map, later: &Map, out: &mut Changes) -> Result<bool, Failed> {
    for (name, was, is) in pairs(earlier, later) {
        if !(is_scalar(was) && was == is) {
            let kind = fields.child_or_any(name);
            part(kind, (was, is), Step::Field(name), Own::default(), out)?;
        }
    }
    Ok(false)
}

const fn is_scalar(value: Option<&Tree>) -> bool {
    !matches!(value, None | Some(Tree::List(_) | Tree::Map(_)))
}

#[inline(never)]
fn of_items(list: List<'_>, earlier: &[Tree], later: &[Tree], out: &mut Changes) -> Result<bool, Failed> {
    if earlier == later {
        return Ok(false);
    }
    let told = |items| {
        elements(list, items).map_err(|message| {
            Box::new(Invalid {
                path: String::new(),
                message,
            })
        })
    };
    let (before, after) = (told(earlier)?, told(later)?);
    let (sorted_before, sorted_after) = (Sorted::of(&before), Sorted::of(&after));
    for group in sorted_before.groups() {
        let element = &before[group[0]];
        let was: Vec<&Tree> = group.iter().map(|at| &earlier[*at]).collect();
        let is: Vec<&Tree> = sorted_after.get(element).iter().map(|at| &later[*at]).collect();
        item(list, &was, &is, element, out)?;
    }
    for group in sorted_after.groups() {
        let element = &after[group[0]];
        if sorted_before.get(element).is_empty() {
            let is: Vec<&Tree> = group.iter().map(|at| &later[*at]).collect();
            item(list, &[], &is, element, out)?;
        }
    }
    Ok(false)
}

/// Compares the items that one element stands for. Where there are several they are one piece.
fn item(list: List<'_>, was: &[&Tree], is: &[&Tree], element: &Element, out: &mut Changes) -> Result<(), Failed> {
    let (earlier, later) = (was.first().copied(), is.first().copied());
    let mut own = Own::default();
    let sides = match (was, is) {
        ([] | [_], [] | [_]) => (earlier, later),
        ([_, _, ..], [_, _, ..]) => {
            own.modified = was.len() != is.len() || !was.iter().zip(is).all(|(a, b)| same(a, b));
            (None, None)
        }
        ([_, _, ..], _) => {
            own.removed = true;
            (None, later)
        }
        (_, [_, _, ..]) => {
            own.added = true;
            (earlier, None)
        }
    };
    part(list.item, sides, Step::Item(element), own, out)
}
