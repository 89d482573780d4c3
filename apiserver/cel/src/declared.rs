//! Values whose size is bounded by what declares them.

use std::collections::BTreeMap;

use crate::types::Type;

/// The type of a value, and how large it and its parts may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Declared {
    /// Its type.
    pub of: Type,
    /// The most characters of a text, bytes of bytes, or elements of a list or map; `u64::MAX` if nothing bounds it.
    pub max: u64,
    /// The fewest bytes that it has in JSON.
    pub least_bytes: u64,
    /// The fields of an object.
    pub fields: BTreeMap<String, Declared>,
    /// The keys of a map.
    pub key: Option<Box<Declared>>,
    /// The elements of a list, or the values of a map.
    pub element: Option<Box<Declared>>,
    /// Whether fields of a map that are named count as its values.
    pub named_values: bool,
}

impl Declared {
    /// A value that has no parts.
    pub fn simple(of: Type, max: u64) -> Self {
        Self {
            of,
            max,
            least_bytes: 0,
            fields: BTreeMap::new(),
            key: None,
            element: None,
            named_values: false,
        }
    }

    /// A list with a bounded number of elements.
    pub fn list(element: Self, max: u64) -> Self {
        Self {
            of: Type::list(element.of.clone()),
            element: Some(Box::new(element)),
            ..Self::simple(Type::Dyn, max)
        }
    }

    /// A map with a bounded number of entries.
    pub fn map(key: Self, element: Self, max: u64) -> Self {
        Self {
            of: Type::map(key.of.clone(), element.of.clone()),
            key: Some(Box::new(key)),
            element: Some(Box::new(element)),
            ..Self::simple(Type::Dyn, max)
        }
    }

    /// An object with its fields.
    pub fn object(name: &str, fields: BTreeMap<String, Self>) -> Self {
        Self {
            fields,
            ..Self::simple(Type::object(name), 0)
        }
    }

    /// The same with names for the objects within: that of this one, and fields below it.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        let part =
            |part: &Option<Box<Self>>, of: &str| part.as_ref().map(|one| Box::new(one.named(&format!("{name}.{of}"))));
        let element = part(&self.element, if self.key.is_some() { "@elem" } else { "@idx" });
        let fields = self.fields.iter();
        let fields = fields.map(|(field, one)| (field.clone(), one.named(&format!("{name}.{field}"))));
        let of = match (&self.of, &element) {
            (Type::Struct(_), _) => Type::object(name),
            (Type::List(_), Some(element)) => Type::list(element.of.clone()),
            (Type::Map(both), Some(element)) => Type::map(both.0.clone(), element.of.clone()),
            (of, _) => of.clone(),
        };
        Self {
            of,
            fields: fields.collect(),
            element,
            key: self.key.clone(),
            ..*self
        }
    }

    /// What stands at a path below this.
    pub(crate) fn at(&self, path: &[String]) -> Option<&Self> {
        path.iter().try_fold(self, |here, part| match part.as_str() {
            "@items" | "@values" => here.element.as_deref(),
            "@keys" => here.key.as_deref(),
            name => {
                let element = || here.element.as_deref().filter(|_| here.named_values);
                here.fields.get(name).or_else(element)
            }
        })
    }

    /// Tells each object within, with its fields.
    pub(crate) fn objects(&self, tell: &mut impl FnMut(&str, &BTreeMap<String, Self>)) {
        if let Type::Struct(name) = &self.of
            && !self.fields.is_empty()
        {
            tell(name, &self.fields);
        }
        let parts = self
            .fields
            .values()
            .chain(self.key.as_deref())
            .chain(self.element.as_deref());
        for part in parts {
            part.objects(tell);
        }
    }
}
