//! Which objects of a kind are asked for: a namespace, labels, fields.

use apiserver_api::labels;
use apiserver_api::tree::Text;

use crate::cache::Key;
use crate::object::Index;

/// What a field selector names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `metadata.name`.
    Name,
    /// `metadata.namespace`.
    Namespace,
    /// The kind's selectable field at this place.
    Own(usize),
    /// What is empty in all objects.
    Nothing,
}

/// A term of a field selector, with the field found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The field.
    pub field: Field,
    /// What it is compared with.
    pub value: Text,
    /// Whether it must be this, or must not.
    pub equal: bool,
}

/// Which objects are asked for.
#[derive(Clone, Debug)]
pub struct Select {
    /// Of this namespace; of all where it is empty.
    pub namespace: Text,
    /// With such labels.
    pub labels: labels::Selector,
    /// With such fields.
    pub fields: Vec<Term>,
}

impl Select {
    /// All objects of a namespace.
    pub fn namespace(namespace: &str) -> Self {
        Self {
            namespace: namespace.into(),
            labels: labels::Selector::everything(),
            fields: Vec::new(),
        }
    }

    /// Whether an object is asked for.
    pub fn matches(&self, index: &Index) -> bool {
        (self.namespace.is_empty() || self.namespace == index.namespace)
            && self.fields.iter().all(|term| term.matches(index))
            && (self.labels.is_everything() || self.labels.matches(&index.labels))
    }

    /// Whether all objects of the namespace are.
    pub fn is_all(&self) -> bool {
        self.labels.is_everything() && self.fields.is_empty()
    }

    /// The name of the one object that can be asked for.
    pub fn name(&self) -> Option<&Text> {
        self.exact(Field::Name)
    }

    fn exact(&self, field: Field) -> Option<&Text> {
        let term = self.fields.iter().find(|term| term.equal && term.field == field)?;
        Some(&term.value)
    }

    /// The namespace in which all is that is asked for; empty where it may be in any.
    pub(crate) fn within(&self) -> Text {
        if self.namespace.is_empty() {
            self.exact(Field::Namespace).cloned().unwrap_or_default()
        } else {
            self.namespace.clone()
        }
    }

    /// The lane of the history in which all is that is asked for.
    pub(crate) fn lane(&self) -> Option<Key> {
        let namespace = self.within();
        if let Some(name) = self.name() {
            return Some(Key::Name(namespace, name.clone())).filter(|_| !self.namespace.is_empty());
        }
        let own = self.fields.iter().find_map(|term| match term.field {
            Field::Own(at) if term.equal => Some(Key::Field(at, term.value.clone())),
            _ => None,
        });
        own.or_else(|| Some(Key::Namespace(namespace)).filter(|_| !self.namespace.is_empty()))
    }
}

impl Term {
    fn matches(&self, index: &Index) -> bool {
        let value = match self.field {
            Field::Name => index.name.as_str(),
            Field::Namespace => index.namespace.as_str(),
            Field::Own(at) => index.fields.get(at).map_or("", Text::as_str),
            Field::Nothing => "",
        };
        (value == self.value) == self.equal
    }
}

#[cfg(test)]
mod tests {
    use super::{Field, Select, Term};
    use crate::object::Index;

    #[test]
    fn what_is_empty_in_all_objects_selects_all_or_none_of_them() {
        let index = Index {
            name: "a".into(),
            ..Index::default()
        };
        let selects = |field, value: &str, equal| {
            let mut select = Select::namespace("");
            select.fields.push(Term {
                field,
                value: value.into(),
                equal,
            });
            assert!(select.lane().is_none() || field != Field::Nothing);
            select.matches(&index)
        };
        for field in [Field::Nothing, Field::Namespace] {
            assert_eq!((selects(field, "", true), selects(field, "", false)), (true, false));
            assert_eq!((selects(field, "x", true), selects(field, "x", false)), (false, true));
        }
    }
}
