//! What the types say of a field, as upstream reads the tags of its structs.

use apiserver_schema::{Field, Patch, Schema, Shape, Struct, TypeId};

use super::Error;

/// The type of the values that a patch walks through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'s> {
    schema: &'s Schema,
    at: At<'s>,
    /// Whether Go holds it by a pointer; messages say so.
    pointer: bool,
}

#[derive(Clone, Copy, Debug)]
enum At<'s> {
    Struct(&'s Struct),
    /// A struct whose fields are not those of its JSON.
    Opaque(&'static str),
    /// No struct; Go's name for what it is.
    Other(&'static str),
}

impl<'s> Place<'s> {
    /// Objects of a type.
    pub(super) fn object(schema: &'s Schema, kind: TypeId) -> Self {
        Self {
            schema,
            at: At::Struct(schema.get(kind)),
            pointer: false,
        }
    }

    fn of(schema: &'s Schema, shape: &Shape, pointer: bool) -> Self {
        let at = match shape {
            Shape::Struct(id) => At::Struct(schema.get(*id)),
            Shape::Bool => At::Other("bool"),
            Shape::Int32 => At::Other("int32"),
            Shape::Int64 => At::Other("int64"),
            Shape::Float => At::Other("float64"),
            Shape::Text => At::Other("string"),
            Shape::Bytes | Shape::List(..) => At::Other("slice"),
            Shape::Map(..) => At::Other("map"),
            Shape::Quantity => At::Opaque("Quantity"),
            Shape::IntOrString => At::Opaque("IntOrString"),
            Shape::Time => At::Opaque("Time"),
            Shape::MicroTime => At::Opaque("MicroTime"),
            Shape::Duration => At::Opaque("Duration"),
            Shape::Raw => At::Opaque("RawExtension"),
            Shape::Json => At::Opaque("JSON"),
            Shape::FieldsV1 => At::Opaque("FieldsV1"),
            Shape::PropsOrArray => At::Opaque("JSONSchemaPropsOrArray"),
            Shape::PropsOrBool => At::Opaque("JSONSchemaPropsOrBool"),
            Shape::PropsOrStringArray => At::Opaque("JSONSchemaPropsOrStringArray"),
        };
        Self { schema, at, pointer }
    }

    /// Go's word for what kind of type this is.
    pub(super) const fn kind(&self) -> &'static str {
        match self.at {
            _ if self.pointer => "ptr",
            At::Struct(_) | At::Opaque(_) => "struct",
            At::Other(kind) => kind,
        }
    }

    /// A field by its name in JSON, which Go's reader finds in any case.
    fn find(&self, name: &str) -> Result<&'s Field, Error> {
        let unknown = |go: &str| {
            Error::Other(format!(
                "unable to find api field in struct {go} for the json field {name:?}"
            ))
        };
        match self.at {
            At::Struct(one) => one
                .field(name)
                .or_else(|| one.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name)))
                .ok_or_else(|| unknown(&one.go)),
            At::Opaque(go) => Err(unknown(go)),
            At::Other(kind) => Err(Error::Other(format!(
                "merging an object in json but data type is not struct, instead is: {kind}"
            ))),
        }
    }

    /// A field that holds an object, and how it is patched.
    pub(super) fn field(&self, name: &str) -> Result<(Self, &'s Patch), Error> {
        let field = self.find(name)?;
        Ok((Self::of(self.schema, &field.shape, field.pointer), &field.patch))
    }

    /// The items of a field that holds a list, and how it is patched.
    pub(super) fn items(&self, name: &str) -> Result<(Self, &'s Patch), Error> {
        let field = self.find(name)?;
        let item = match &field.shape {
            Shape::List(item, _) if matches!(**item, Shape::List(..) | Shape::Bytes) => {
                return Err(Error::Other("unexpected slice of slice".to_owned()));
            }
            Shape::List(item, _) => Self::of(self.schema, item, false),
            shape if field.pointer => Self::of(self.schema, shape, false),
            Shape::Bytes => Self::of(self.schema, &Shape::Int32, false),
            _ => {
                return Err(Error::Other(format!(
                    "expected slice or array type, but got: {}",
                    self.kind()
                )));
            }
        };
        Ok((item, &field.patch))
    }
}
