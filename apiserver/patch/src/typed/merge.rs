//! One value laid over another.

use apiserver_api::tree::{Map, Text, Tree};

use super::items::{Sorted, elements_or_positions};
use super::pairs::pairs;
use super::shape::{Atom, Fields, List, Told, Type};
use crate::fields::Element;

/// A value with another laid over it. Nothing goes away by it: parts that only one has are kept, and of what is one piece
/// the upper is taken. The items of a list stand as in the upper, with those that only the lower has at their places.
pub fn merge(kind: Type<'_>, lower: &Tree, upper: &Tree) -> Tree {
    // A null says nothing of the parts of what it stands over.
    let shape = if upper.is_null() { lower } else { upper };
    match kind.atom(Some(shape)) {
        Atom::Map(fields) if !fields.atomic => match (lower.as_map(), upper.as_map()) {
            (Some(lower), Some(upper)) if !(lower.is_empty() && upper.is_empty()) => {
                Tree::Map(of_fields(fields, lower, upper))
            }
            (Some(own), None) if !own.is_empty() => lower.clone(),
            _ => upper.clone(),
        },
        Atom::List(list) if !matches!(list.told, Told::Atomic) => match (lower.as_list(), upper.as_list()) {
            (Some(lower), Some(upper)) if !lower.is_empty() && !upper.is_empty() => {
                Tree::List(of_items(list, lower, upper))
            }
            (Some([_, ..]), _) => lower.clone(),
            _ => upper.clone(),
        },
        _ => upper.clone(),
    }
}

// Apart from what comes back to itself for every level of a document, so that a level costs little stack.
#[inline(never)]
fn of_fields(fields: Fields<'_>, lower: &Map, upper: &Map) -> Map {
    let mut merged: Vec<(Text, Tree)> = Vec::with_capacity(lower.len().max(upper.len()));
    for (name, lower, upper) in pairs(lower, upper) {
        let value = match (lower, upper) {
            (Some(lower), Some(upper)) => merge(fields.child_or_any(name), lower, upper),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => continue,
        };
        merged.push((name.into(), value));
    }
    merged.into_iter().collect()
}

#[inline(never)]
fn of_items(list: List<'_>, lower: &[Tree], upper: &[Tree]) -> Vec<Tree> {
    Zip::of(list, lower, upper).run()
}

/// Two lists whose items are told apart, on their way into one.
struct Zip<'t> {
    list: List<'t>,
    lower: &'t [Tree],
    upper: &'t [Tree],
    lower_elements: Vec<Element>,
    upper_elements: Vec<Element>,
}

impl<'t> Zip<'t> {
    fn of(list: List<'t>, lower: &'t [Tree], upper: &'t [Tree]) -> Self {
        Self {
            list,
            lower,
            upper,
            lower_elements: elements_or_positions(list, lower),
            upper_elements: elements_or_positions(list, upper),
        }
    }

    /// An upper item over the lower one of its element. Of several lower ones none is meant.
    fn over(&self, below: &[usize], at: usize) -> Tree {
        match below {
            [one] => merge(self.list.item, &self.lower[*one], &self.upper[at]),
            _ => self.upper[at].clone(),
        }
    }

    /// Goes through both lists. Shared items stand in the upper's order, and each item that only the lower has stands behind
    /// those that it stood behind.
    fn run(&self) -> Vec<Tree> {
        let (lowers, uppers) = (Sorted::of(&self.lower_elements), Sorted::of(&self.upper_elements));
        let mut shared = self.upper_elements.iter().filter(|one| !lowers.get(one).is_empty());
        let mut next = shared.next();
        let mut taken = vec![false; self.upper.len()];
        let mut merged = Vec::with_capacity(self.lower.len().max(self.upper.len()));
        let (mut low, mut up) = (0, 0);
        while low < self.lower.len() || up < self.upper.len() {
            if let Some(element) = self.lower_elements.get(low) {
                let above = uppers.get(element);
                if above.is_empty() {
                    merged.push(self.lower[low].clone());
                    low += 1;
                    continue;
                }
                let meets = self.upper_elements.get(up) == Some(element);
                let other_first = up < self.upper.len() && next.is_some_and(|next| next != element);
                if !meets && other_first {
                    // It is shared, and another shared one comes first: it will be met in the upper.
                    low += 1;
                    continue;
                }
                if meets || above.iter().all(|at| taken[*at]) {
                    low += 1;
                }
            }
            if up < self.upper.len() {
                let element = &self.upper_elements[up];
                taken[up] = true;
                merged.push(self.over(lowers.get(element), up));
                if next == Some(element) {
                    next = shared.next();
                }
                up += 1;
            }
        }
        merged
    }
}
