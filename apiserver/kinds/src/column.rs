//! What tables show of objects: the columns of `kubectl get`.

use apiserver_api::meta;
use apiserver_api::time::Time;
use apiserver_api::tree::{Text, Tree};
use apiserver_schema::built_in;
use compact_str::format_compact;

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
    pub cell: Cell,
}

/// What objects show in a column.
#[derive(Clone, Copy)]
pub enum Cell {
    /// Always this.
    Is(fn(&Tree) -> Tree),
    /// A text that may say how long ago something was.
    Ages(fn(&Tree) -> Ago),
}

impl Cell {
    /// What an object shows at a time.
    pub fn shown(self, object: &Tree, now: Time) -> Tree {
        match self {
            Self::Is(cell) => cell(object),
            Self::Ages(cell) => Tree::Text(cell(object).shown(now)),
        }
    }
}

/// A text that may say how long ago something was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ago {
    /// It does not.
    Never(Text),
    /// It does.
    Since {
        /// What stands before.
        before: Text,
        /// When it was.
        moment: Time,
        /// What stands after.
        after: &'static str,
    },
}

impl Ago {
    /// How long ago a moment was and no more, `<unknown>` where it is not known.
    pub fn of(moment: Option<&str>) -> Self {
        match moment.and_then(|text| Time::parse(text).ok()) {
            Some(moment) => Self::Since {
                before: Text::default(),
                moment,
                after: "",
            },
            None => Self::Never("<unknown>".into()),
        }
    }

    /// The text at a time.
    pub fn shown(&self, now: Time) -> Text {
        match self {
            Self::Never(text) => text.clone(),
            Self::Since { before, moment, after } => format_compact!("{before}{}{after}", now.since(*moment).human()),
        }
    }
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
    cell: Cell::Is(|object| meta::name(object).into()),
};

/// How long ago the object was made.
pub(crate) const AGE: Column = Column {
    name: "Age",
    kind: "string",
    format: "",
    words: Words::Of(META, "creationTimestamp"),
    priority: 0,
    cell: Cell::Ages(|object| Ago::of(meta::creation_timestamp(object))),
};

/// The columns of a kind that shows nothing of its own.
pub(crate) const NAME_AND_AGE: &[Column] = &[
    NAME,
    Column {
        name: "Created At",
        kind: "date",
        cell: Cell::Is(|object| meta::creation_timestamp(object).map_or(Tree::Null, Into::into)),
        ..AGE
    },
];
