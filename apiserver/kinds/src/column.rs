//! What tables show of objects: the columns of `kubectl get`.

use apiserver_api::meta;
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;
use apiserver_schema::built_in;

/// A column of a kind's table.
pub struct Column {
    /// Its head, in title case. Without one the table says nothing of the column, though its cells are there.
    pub name: &'static str,
    /// What its cells are: `string`, `integer`, `number`, `boolean`, `date`.
    pub kind: &'static str,
    /// `name` for the column of names, else empty.
    pub format: &'static str,
    /// What is said of it.
    pub words: Words,
    /// 0 is always shown, more only with `-o wide`.
    pub priority: i64,
    /// What an object shows there.
    pub cell: fn(&Tree, Time) -> Tree,
}

/// What is said of a column.
pub enum Words {
    /// What the schema says of a field: the type and the field.
    Of(&'static str, &'static str),
    /// This.
    Text(&'static str),
}

impl Words {
    /// The text.
    pub fn text(&self) -> &'static str {
        match self {
            Self::Text(text) => text,
            Self::Of(name, field) => {
                let one = built_in().named(name).map(|id| built_in().get(id));
                one.and_then(|one| Some(one.field_words(one.field(field)?)))
                    .unwrap_or_default()
            }
        }
    }
}

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// The name, with which most tables begin.
pub(crate) const NAME: Column = Column {
    name: "Name",
    kind: "string",
    format: "name",
    words: Words::Of(META, "name"),
    priority: 0,
    cell: |object, _| meta::name(object).into(),
};

/// How long ago the object was made.
pub(crate) const AGE: Column = Column {
    name: "Age",
    kind: "string",
    format: "",
    words: Words::Of(META, "creationTimestamp"),
    priority: 0,
    cell: |object, now| age(meta::creation_timestamp(object), now).into(),
};

/// The columns of a kind that shows nothing of its own.
pub(crate) const NAME_AND_AGE: &[Column] = &[
    NAME,
    Column {
        name: "Created At",
        kind: "date",
        cell: |object, _| meta::creation_timestamp(object).map_or(Tree::Null, Into::into),
        ..AGE
    },
];

/// How long ago a moment was, `<unknown>` where it is not known.
pub fn age(moment: Option<&str>, now: Time) -> String {
    match moment.and_then(|text| Time::parse(text).ok()) {
        Some(moment) => now.since(moment).human(),
        None => "<unknown>".to_owned(),
    }
}
