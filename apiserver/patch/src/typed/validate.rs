//! What a value may not be, by its type.

use std::fmt;

use apiserver_api::tree::Tree;

use super::items::{Sorted, element};
use super::shape::{Atom, Scalar, Told, Type};
use crate::fields::Element;
use crate::go::{Syntax, type_name};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Where, `.spec.replicas`; empty for the value itself.
    pub path: String,
    /// What.
    pub message: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(out, "{}: ", self.path)?;
        }
        out.write_str(&self.message)
    }
}

/// So many bytes all that is wrong has, and not many more: each thing names its whole path.
const BYTES_MAX: usize = 8 << 20;

/// All that is wrong. Where it would be a book, the end is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct Invalids(pub Vec<Invalid>);

impl fmt::Display for Invalids {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [one] = self.0.as_slice() {
            return one.fmt(out);
        }
        out.write_str("errors:")?;
        self.0.iter().try_for_each(|one| write!(out, "\n  {one}"))
    }
}

/// Holds a value against its type: no fields that the schema does not name, scalars where scalars belong, and no two items
/// of a list that could not be told apart.
///
/// # Errors
/// What is wrong.
pub fn validate(kind: Type<'_>, value: &Tree) -> Result<(), Invalids> {
    let mut walk = Walk::default();
    walk.value(kind, value);
    if walk.found.is_empty() {
        Ok(())
    } else {
        Err(Invalids(walk.found))
    }
}

#[derive(Default)]
struct Walk {
    path: Vec<Element>,
    found: Vec<Invalid>,
    bytes: usize,
}

impl Walk {
    fn wrong(&mut self, message: String) {
        if self.is_full() {
            return;
        }
        let path: String = self.path.iter().map(ToString::to_string).collect();
        self.bytes += size_of::<Invalid>() + path.len() + message.len();
        self.found.push(Invalid { path, message });
    }

    const fn is_full(&self) -> bool {
        self.bytes >= BYTES_MAX
    }

    fn within(&mut self, element: Element, check: impl FnOnce(&mut Self)) {
        self.path.push(element);
        check(self);
        self.path.pop();
    }

    fn value(&mut self, kind: Type<'_>, value: &Tree) {
        if self.is_full() {
            return;
        }
        match (kind.atom(Some(value)), value) {
            // Null is anything.
            (_, Tree::Null) => {}
            (Atom::Scalar(scalar), _) => self.scalar(scalar, value),
            (Atom::Map(fields), Tree::Map(map)) => {
                for (name, value) in map.iter() {
                    let element = Element::Field(name.into());
                    let Some(kind) = fields.child(name) else {
                        self.within(element, |walk| walk.wrong("field not declared in schema".to_owned()));
                        // Upstream looks no further in this object.
                        return;
                    };
                    self.within(element, |walk| walk.value(kind, value));
                }
            }
            (Atom::List(list), Tree::List(items)) if matches!(list.told, Told::Atomic) => {
                for (at, item) in items.iter().enumerate() {
                    self.within(Element::Index(at as i64), |walk| walk.value(list.item, item));
                }
            }
            (Atom::List(list), Tree::List(items)) => {
                let mut elements = Vec::with_capacity(items.len());
                for (at, item) in items.iter().enumerate() {
                    match element(list, item) {
                        Ok(element) => elements.push(element),
                        Err(why) => {
                            self.items(list.item, &elements, items);
                            return self.wrong(format!("element {at}: {why}"));
                        }
                    }
                }
                self.items(list.item, &elements, items);
            }
            (Atom::Map(_), _) => self.wrong(format!("expected map, got {}", Pointed(value))),
            (Atom::List(_), _) => self.wrong(format!("expected list, got {}", Pointed(value))),
        }
    }

    fn items(&mut self, kind: Type<'_>, elements: &[Element], items: &[Tree]) {
        let sorted = Sorted::of(elements);
        for (at, (element, item)) in elements.iter().zip(items).enumerate() {
            if sorted.get(element).first() != Some(&at) {
                self.wrong(format!("duplicate entries for key {element}"));
            }
            self.within(element.clone(), |walk| walk.value(kind, item));
        }
    }

    fn scalar(&mut self, scalar: Scalar, value: &Tree) {
        match (scalar, value) {
            (Scalar::Number | Scalar::Any, Tree::Int(_) | Tree::Number(_))
            | (Scalar::Text | Scalar::Any, Tree::Text(_))
            | (Scalar::Bool | Scalar::Any, Tree::Bool(_)) => {}
            (Scalar::Number, other) => {
                self.wrong(format!("expected numeric (int or float), got {}", type_name(other)));
            }
            (Scalar::Text, other) => self.wrong(format!(
                "expected string, got &value.valueUnstructured{{Value:{}}}",
                Syntax(other)
            )),
            (Scalar::Bool, other) => self.wrong(format!("expected boolean, got {}", Pointed(other))),
            (Scalar::Any, other) => self.wrong(format!("expected any scalar, got {}", Pointed(other))),
        }
    }
}

/// A value as Go prints a pointer to a struct that holds it.
struct Pointed<'t>(&'t Tree);

impl fmt::Display for Pointed<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "&{{{}}}", crate::go::Plain(self.0))
    }
}
