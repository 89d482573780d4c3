//! What may be done with a value, by its type.

use std::borrow::Cow;

use apiserver_api::tree::Tree;
use apiserver_schema::{Field, Keys, Lists, Omit, Schema, Shape, Struct, TypeId};

/// The type of a value.
#[derive(Clone, Copy, Debug)]
pub enum Type<'s> {
    /// An object with known fields.
    Struct(&'s Schema, &'s Struct),
    /// The same where its fields are told apart whatever the struct says of itself.
    Granular(&'s Schema, &'s Struct),
    /// What a field of a schema holds.
    Shape(&'s Schema, &'s Shape),
    /// A text: `apiVersion` and `kind`.
    Text,
    /// Not known: the value decides, and the fields of an object are told apart.
    Deduced,
    /// Not known, and one piece.
    Piece,
}

/// What a value of some type is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Atom<'s> {
    Scalar(Scalar),
    List(List<'s>),
    Map(Fields<'s>),
}

/// What a scalar may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Number,
    Text,
    Bool,
    Any,
}

/// How the items of a list are told apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct List<'s> {
    pub(super) item: Type<'s>,
    pub(super) told: Told<'s>,
}

/// By what the items of a list are told apart.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told<'s> {
    /// Not at all.
    Atomic,
    /// By value.
    Set,
    /// By these fields.
    Keys(&'s Keys),
}

/// The fields of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'s> {
    schema: Option<(&'s Schema, &'s Struct)>,
    /// The type of what is no known field.
    pub(super) rest: Option<Type<'s>>,
    pub(super) atomic: bool,
}

impl<'s> Type<'s> {
    /// The objects of a type, or those of which no schema is known.
    pub fn object(schema: &'s Schema, id: Option<TypeId>) -> Self {
        id.map_or(Self::Deduced, |id| Self::Struct(schema, schema.get(id)))
    }

    /// An object as it is stored.
    pub(crate) fn written(self, object: &Tree) -> Cow<'_, Tree> {
        match self {
            Self::Struct(schema, one) => schema.written(one, object),
            _ => Cow::Borrowed(object),
        }
    }

    /// What a value is. Types that allow several things follow the value; where there is none they are objects.
    pub(super) fn atom(self, value: Option<&Tree>) -> Atom<'s> {
        match self {
            Self::Struct(schema, one) => Atom::Map(Fields::of(schema, one)),
            Self::Granular(schema, one) => Atom::Map(Fields {
                atomic: false,
                ..Fields::of(schema, one)
            }),
            Self::Text => Atom::Scalar(Scalar::Text),
            Self::Deduced => any(Type::Deduced, false, value),
            Self::Piece => any(Type::Piece, true, value),
            Self::Shape(schema, shape) => match shape {
                Shape::Bool => Atom::Scalar(Scalar::Bool),
                Shape::Int32 | Shape::Int64 | Shape::Float => Atom::Scalar(Scalar::Number),
                Shape::Text | Shape::Bytes | Shape::Duration => Atom::Scalar(Scalar::Text),
                Shape::Quantity | Shape::Time | Shape::MicroTime => Atom::Scalar(Scalar::Any),
                Shape::Raw => any(Type::Piece, true, value),
                Shape::FieldsV1 => Atom::Map(Fields::all(Type::Deduced, false)),
                Shape::IntOrString
                | Shape::Json
                | Shape::PropsOrArray
                | Shape::PropsOrBool
                | Shape::PropsOrStringArray => any(Type::Deduced, false, value),
                Shape::Struct(id) => Atom::Map(Fields::of(schema, schema.get(*id))),
                Shape::List(item, told) => Atom::List(List {
                    item: Type::Shape(schema, item),
                    told: match told {
                        Lists::Atomic => Told::Atomic,
                        Lists::Set => Told::Set,
                        Lists::Map(keys) => Told::Keys(keys),
                    },
                }),
                Shape::Map(value, atomic) => Atom::Map(Fields::all(Type::Shape(schema, value), *atomic)),
            },
        }
    }

    /// Whether a value of this type may be of several kinds.
    pub(super) const fn varies(self) -> bool {
        match self {
            Self::Deduced | Self::Piece => true,
            Self::Shape(_, shape) => matches!(
                shape,
                Shape::Raw
                    | Shape::IntOrString
                    | Shape::Json
                    | Shape::PropsOrArray
                    | Shape::PropsOrBool
                    | Shape::PropsOrStringArray
            ),
            _ => false,
        }
    }

    /// Whether values of this type are what they are whatever was written before: nothing is known of them.
    pub(super) const fn is_deduced(self) -> bool {
        match self {
            Self::Deduced => true,
            Self::Shape(_, shape) => matches!(
                shape,
                Shape::FieldsV1
                    | Shape::IntOrString
                    | Shape::Json
                    | Shape::PropsOrArray
                    | Shape::PropsOrBool
                    | Shape::PropsOrStringArray
            ),
            _ => false,
        }
    }
}

/// What a value of an unknown type is; its parts are of the same type.
const fn any<'s>(part: Type<'s>, atomic: bool, value: Option<&Tree>) -> Atom<'s> {
    match value {
        None | Some(Tree::Null | Tree::Map(_)) => Atom::Map(Fields::all(part, atomic)),
        Some(Tree::List(_)) => Atom::List(List {
            item: Type::Piece,
            told: Told::Atomic,
        }),
        Some(_) => Atom::Scalar(Scalar::Any),
    }
}

impl<'s> Fields<'s> {
    const fn all(rest: Type<'s>, atomic: bool) -> Self {
        Self {
            schema: None,
            rest: Some(rest),
            atomic,
        }
    }

    fn of(schema: &'s Schema, one: &'s Struct) -> Self {
        // An object without fields may have any, as documents read it.
        let free = one.fields.is_empty() && !one.typed;
        Self {
            schema: Some((schema, one)),
            rest: free.then_some(Type::Deduced),
            atomic: one.atomic,
        }
    }

    fn declared(&self, name: &str) -> Option<(&'s Schema, &'s Field)> {
        let (schema, one) = self.schema?;
        Some((schema, one.field(name)?))
    }

    /// The type of a field that the schema names.
    pub(super) fn named(&self, name: &str) -> Option<Type<'s>> {
        let (_, one) = self.schema?;
        if one.typed && matches!(name, "apiVersion" | "kind") {
            return Some(Type::Text);
        }
        let (schema, field) = self.declared(name)?;
        Some(match &field.shape {
            Shape::Struct(id) if field.told => Type::Granular(schema, schema.get(*id)),
            shape => Type::Shape(schema, shape),
        })
    }

    /// The type of a field, be it one that the schema does not name.
    pub(super) fn child(&self, name: &str) -> Option<Type<'s>> {
        self.named(name).or(self.rest)
    }

    /// The type of a field, be it one that should not be there.
    pub(super) fn child_or_any(&self, name: &str) -> Type<'s> {
        self.child(name).unwrap_or(Type::Deduced)
    }

    /// What a field is where nothing was said.
    pub(super) fn default_of(&self, name: &str) -> Option<Tree> {
        let (_, field) = self.declared(name)?;
        if let Some(default) = &field.default {
            return Some(default.clone());
        }
        // What Go never leaves out is documented with its zero as the default.
        let plain = field.omit == Omit::Never && !field.pointer;
        match field.shape {
            Shape::Text if plain => Some("".into()),
            Shape::Int32 | Shape::Int64 if plain => Some(0.into()),
            Shape::Bool if plain => Some(false.into()),
            _ => None,
        }
    }
}
