//! An object of which nothing was said.

use apiserver_api::tree::Tree;
use apiserver_schema::{Field, Omit, Schema, Shape, Struct};

use super::Type;

/// An object as Go writes it before anything is set: what it never leaves out, and the objects that it holds by value. An
/// object's creator owns only what it added to this.
pub fn zero(kind: Type<'_>) -> Tree {
    match kind {
        Type::Struct(schema, one) | Type::Granular(schema, one) => of(schema, one),
        _ => Tree::map(),
    }
}

fn of(schema: &Schema, one: &Struct) -> Tree {
    let fields = one
        .fields
        .iter()
        .filter_map(|field| Some((&*field.name, field_of(schema, field)?)));
    Tree::Map(fields.collect())
}

fn field_of(schema: &Schema, field: &Field) -> Option<Tree> {
    let never = field.omit == Omit::Never;
    if field.omit == Omit::Zero {
        return None;
    }
    if field.pointer {
        return never.then_some(Tree::Null);
    }
    match &field.shape {
        // What Go holds in structs is never empty.
        Shape::Struct(id) => Some(of(schema, schema.get(*id))),
        Shape::Quantity => Some("0".into()),
        Shape::IntOrString => Some(0.into()),
        Shape::Duration => Some("0s".into()),
        Shape::Time
        | Shape::MicroTime
        | Shape::Raw
        | Shape::Json
        | Shape::FieldsV1
        | Shape::PropsOrArray
        | Shape::PropsOrBool
        | Shape::PropsOrStringArray => Some(Tree::Null),
        _ if !never => None,
        Shape::Text => Some("".into()),
        Shape::Bool => Some(false.into()),
        Shape::Int32 | Shape::Int64 | Shape::Float => Some(0.into()),
        Shape::Bytes | Shape::List(..) | Shape::Map(..) => Some(Tree::Null),
    }
}
