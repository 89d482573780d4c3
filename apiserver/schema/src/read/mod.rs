//! A tree as Go's decoder hands it on: checked by its schema, unknown fields gone, zeroes in place.

mod leaf;
mod place;
mod restore;

use apiserver_api::tree::{self, Map, Told, Tree};

use self::place::{Place, Step};
use crate::model::{Field, Omit, Schema, Shape, Struct, TypeId};

/// A value that does not fit its field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where, as documents are walked: `spec.containers[0].name`.
    pub path: String,
    /// In Go's words.
    pub message: String,
    /// Whether Go's decoder stops there. The first of these is told, else the first mistake.
    fatal: bool,
}

/// What was found in a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The paths of fields that the schema does not have; as many as are [`Told`].
    pub unknown: Vec<String>,
    /// Values that do not fit.
    mistakes: Vec<Mistake>,
}

impl Findings {
    /// The one mistake that is told, as a decoder meets them that reads the document from front to end.
    pub fn mistake(mut self, document: &[u8]) -> Option<Mistake> {
        tree::rank(document, &mut self.mistakes, |mistake| &mistake.path);
        let fatal = self.mistakes.iter().position(|mistake| mistake.fatal);
        self.mistakes.into_iter().nth(fatal.unwrap_or(0))
    }
}

impl Schema {
    /// Makes a tree what a struct of this type is after Go decoded it: fields that the type does not have are dropped,
    /// values take their normal form (quantities, times), what is zero is left out or written as the type has it, and
    /// upstream's marked defaults are filled in. Lists, maps and bytes without anything in them stay as they were given,
    /// since Go tells them from none; [`Schema::omit`] leaves them out in the end.
    pub fn read(&self, id: TypeId, tree: &mut Tree) -> Findings {
        let mut findings = Findings::default();
        let mut reader = Reader::new(self, &mut findings);
        let one = self.get(id);
        let root = Place::root();
        reader.object(one, tree, &root);
        findings
    }
}

struct Reader<'s, 'f> {
    schema: &'s Schema,
    findings: &'f mut Findings,
    /// How much is told of unknown fields.
    unknown: Told,
    /// How much is kept of mistakes.
    mistakes: Told,
}

impl<'s, 'f> Reader<'s, 'f> {
    fn new(schema: &'s Schema, findings: &'f mut Findings) -> Self {
        Self {
            schema,
            findings,
            unknown: Told::default(),
            mistakes: Told::default(),
        }
    }
}

impl Reader<'_, '_> {
    fn soft(&mut self, place: &Place<'_>, found: &str, of: &str) {
        self.wrong(place, found, of, false);
    }

    /// A value of the wrong type.
    fn wrong(&mut self, place: &Place<'_>, found: &str, of: &str, fatal: bool) {
        if self.mistakes.is_enough() {
            return;
        }
        let message = format!("json: cannot unmarshal {found} into Go {} of type {of}", place.target());
        self.mistake(place, message, fatal);
    }

    fn mistake(&mut self, place: &Place<'_>, message: String, fatal: bool) {
        // One is told; which one is known only when all were met, but for the first of each sort nothing is lost if the
        // rest of a hostile document is not kept.
        if !self.mistakes.is_enough() {
            let path = place.document();
            self.mistakes.add(path.len() + message.len());
            self.findings.mistakes.push(Mistake { path, message, fatal });
        }
    }

    /// Reads a struct; what is no object becomes its zero.
    fn object(&mut self, one: &Struct, tree: &mut Tree, place: &Place<'_>) {
        let given = match std::mem::take(tree) {
            Tree::Map(given) => given,
            Tree::Null => Map::new(),
            other => {
                self.soft(place, found(&other).as_ref(), &one.go_type());
                Map::new()
            }
        };
        let mut read = Vec::with_capacity(given.len() + 4);
        let mut fields = one.fields.iter().peekable();
        for (key, value) in given {
            // Fields that were not given stand between those that were.
            while let Some(field) = fields.next_if(|field| *field.name < *key) {
                read.extend(self.absent(field).map(|value| (field.name.as_ref().into(), value)));
            }
            if let Some(field) = fields.next_if(|field| *field.name == *key) {
                let at = place.then(Step::Field(self.schema, one, field));
                if let Some(value) = self.field(field, value, &at) {
                    read.push((key, value));
                }
            } else if one.typed && (key == "apiVersion" || key == "kind") {
                self.type_meta(&key, value, one, place, &mut read);
            } else if !self.unknown.is_enough() {
                let path = place.then(Step::Key(&key)).document();
                self.unknown.add(path.len());
                self.findings.unknown.push(path);
            }
        }
        for field in fields {
            read.extend(self.absent(field).map(|value| (field.name.as_ref().into(), value)));
        }
        *tree = Tree::Map(read.into_iter().collect());
    }

    fn type_meta(
        &mut self,
        key: &tree::Text,
        value: Tree,
        one: &Struct,
        place: &Place<'_>,
        read: &mut Vec<(tree::Text, Tree)>,
    ) {
        match value {
            Tree::Text(text) if !text.is_empty() => read.push((key.clone(), Tree::Text(text))),
            Tree::Text(_) | Tree::Null => {}
            other => {
                let at = place.then(Step::TypeMeta(one, key));
                self.soft(&at, found(&other).as_ref(), "string");
            }
        }
    }

    /// A field that was given: what is written of it.
    fn field(&mut self, field: &Field, mut value: Tree, place: &Place<'_>) -> Option<Tree> {
        if value.is_null() {
            return self.absent(field);
        }
        self.value(&field.shape, field.names(), &mut value, place);
        let dropped = field.omits(&value) && (value.is_null() || !field.nils());
        if dropped { self.absent(field) } else { Some(value) }
    }

    /// What is written of a field that was not given.
    fn absent(&self, field: &Field) -> Option<Tree> {
        // Where Go cannot tell zero from nothing, a default of zero is only what documents say.
        if let Some(default) = &field.default
            && (field.pointer || !default.is_zero())
            && !field.omits(default)
        {
            return Some(default.clone());
        }
        match field.omit {
            Omit::Zero => None,
            _ if field.pointer => (field.omit == Omit::Never).then_some(Tree::Null),
            Omit::Never => Some(self.zero(&field.shape)),
            Omit::Empty => (!field.empties()).then(|| self.zero(&field.shape)),
        }
    }

    /// What Go writes of a value that nobody set.
    fn zero(&self, shape: &Shape) -> Tree {
        match shape {
            Shape::Bool | Shape::PropsOrBool => false.into(),
            Shape::Int32 | Shape::Int64 | Shape::Float | Shape::IntOrString => 0.into(),
            Shape::Text => "".into(),
            Shape::Quantity => "0".into(),
            Shape::Duration => "0s".into(),
            Shape::Struct(id) => {
                let one = self.schema.get(*id);
                let fields = one.fields.iter();
                Tree::Map(
                    fields
                        .filter_map(|field| Some((&*field.name, self.absent(field)?)))
                        .collect(),
                )
            }
            Shape::Bytes
            | Shape::Time
            | Shape::MicroTime
            | Shape::Raw
            | Shape::Json
            | Shape::FieldsV1
            | Shape::PropsOrArray
            | Shape::PropsOrStringArray
            | Shape::List(..)
            | Shape::Map(..) => Tree::Null,
        }
    }

    /// Reads what is not null.
    fn value(&mut self, shape: &Shape, go: Names<'_>, value: &mut Tree, place: &Place<'_>) {
        match shape {
            Shape::Struct(id) => self.object(self.schema.get(*id), value, place),
            Shape::List(item, _) => {
                if let Tree::List(items) = value {
                    for (at, one) in items.iter_mut().enumerate() {
                        self.inner(item, go.1, one, &place.then(Step::Index(at)));
                    }
                } else {
                    let of = go.0.map_or_else(|| self.schema.go_type(shape), str::to_owned);
                    self.soft(place, &found(value), &of);
                    *value = Tree::Null;
                }
            }
            Shape::Map(inner, _) => {
                if let Tree::Map(entries) = value {
                    for (key, one) in entries.iter_mut() {
                        self.inner(inner, go.1, one, &place.then(Step::Key(key)));
                    }
                } else {
                    let of = go.0.map_or_else(|| self.schema.go_type(shape), str::to_owned);
                    self.soft(place, &found(value), &of);
                    *value = Tree::Null;
                }
            }
            leaf => self.leaf(leaf, go.0, value, place),
        }
    }

    /// An item of a list or the value of a map's entry: what is null is zero.
    fn inner(&mut self, shape: &Shape, go: Option<&str>, value: &mut Tree, place: &Place<'_>) {
        if value.is_null() {
            *value = self.zero(shape);
        } else {
            self.value(shape, (go, None), value, place);
        }
    }
}

/// What Go calls a type and that of its items, where they have names of their own.
type Names<'n> = (Option<&'n str>, Option<&'n str>);

impl Field {
    fn names(&self) -> Names<'_> {
        (self.go.as_deref(), self.item_go.as_deref())
    }
}

/// What a value is called where another type was expected.
fn found(value: &Tree) -> String {
    value.type_name().to_owned()
}

#[cfg(test)]
mod tests;
