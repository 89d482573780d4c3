//! What each struct writes, by the numbers of its fields.

use std::sync::LazyLock;

use crate::model::{Field, Schema, Shape, TypeId};
use crate::table::built_in;

/// A field as it stands on the wire.
pub(super) struct Planned {
    pub(super) number: u32,
    pub(super) what: What,
}

/// What a field of a message is.
pub(super) enum What {
    /// A field of the struct.
    Own(&'static Field),
    /// A list that Go calls by a name of its own, which is a message with the items in it.
    Named(&'static Field),
    /// A struct that Go embeds.
    Embedded(TypeId),
}

/// The fields of a struct that are on the wire, by number.
pub(super) fn planned(id: TypeId) -> &'static [Planned] {
    static ALL: LazyLock<Vec<Vec<Planned>>> = LazyLock::new(|| {
        let schema = built_in();
        schema.iter().map(|(id, _)| plan(schema, id)).collect()
    });
    &ALL[id.0 as usize]
}

fn plan(schema: &'static Schema, id: TypeId) -> Vec<Planned> {
    let one = schema.get(id);
    let own = one.fields.iter().filter(|field| field.embedded.is_none());
    let own = own.map(|field| Planned {
        number: field.number.into(),
        what: if is_named(field) {
            What::Named(field)
        } else {
            What::Own(field)
        },
    });
    let embedded = one.embedded.iter().map(|(number, id)| Planned {
        number: (*number).into(),
        what: What::Embedded(*id),
    });
    let mut fields: Vec<Planned> = own.chain(embedded).filter(|field| field.number > 0).collect();
    fields.sort_by_key(|field| field.number);
    fields
}

/// Protobuf has no name for a list, so that a list of strings to which Go gave a name is a message. Of those whose items
/// are structs upstream says that they are none.
fn is_named(field: &Field) -> bool {
    let is_plain = matches!(&field.shape, Shape::List(item, _) if **item == Shape::Text);
    is_plain && field.go.as_ref().is_some_and(|go| !go.starts_with('['))
}

/// The type of schemas of custom resources.
pub(super) fn props() -> Option<TypeId> {
    static PROPS: LazyLock<Option<TypeId>> =
        LazyLock::new(|| built_in().named("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"));
    *PROPS
}
