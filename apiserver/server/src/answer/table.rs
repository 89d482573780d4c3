//! Tables: objects as `kubectl get` shows them.

use apiserver_api::go;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;
use apiserver_kinds::Column;

use super::body;
use super::item::{Item, Rows};
use super::row::conditions;
use crate::catalog::Resource;
use crate::request::Call;

/// What rows carry beside their cells (`includeObject`).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Include {
    Nothing,
    Metadata,
    Object,
}

/// The tables of one request: a watch has its columns in the first one only.
pub(crate) struct Tables {
    version: &'static str,
    include: Include,
    now: Time,
    headless: bool,
}

impl Tables {
    /// Tables of a version of `meta.k8s.io`.
    ///
    /// # Errors
    /// 400 where the request wants rows to carry what they cannot.
    pub(crate) fn new(call: &Call, version: &'static str) -> Result<Self, Status> {
        let include = match call.query.text("includeObject") {
            "" | "Metadata" => Include::Metadata,
            "Object" => Include::Object,
            "None" => Include::Nothing,
            other => {
                let quoted = go::quote(other);
                return Err(Status::bad_request(format!(
                    "Unable to convert to Table as requested: includeObject: Invalid value: {quoted}: must be 'Metadata', 'Object', \
                     'None', or empty"
                )));
            }
        };
        Ok(Self {
            version,
            include,
            now: call.now,
            headless: false,
        })
    }

    /// The same, at another time: a watch lives long.
    pub(crate) const fn at(&mut self, now: Time) {
        self.now = now;
    }

    /// The table of one object of the served version.
    pub(crate) fn one(&mut self, resource: &Resource, object: &Tree) -> Tree {
        let mut table = self.all(resource, [object.clone()]);
        let version = meta::resource_version(object);
        if !version.is_empty() {
            table.child("metadata").set("resourceVersion", version);
        }
        table
    }

    /// The table of an object that is of no resource.
    pub(crate) fn of(&mut self, shown: &[Column], object: &Tree) -> Tree {
        let mut table = self.table(columns(shown), vec![self.row_of(shown, object, object, &[])]);
        let metadata = table.child("metadata");
        metadata.set("resourceVersion", meta::resource_version(object));
        table
    }

    /// The table of objects of the served version.
    pub(crate) fn all(&mut self, resource: &Resource, objects: impl IntoIterator<Item = Tree>) -> Tree {
        let rows: Vec<Tree> = objects.into_iter().map(|object| self.row(resource, &object)).collect();
        self.table(columns(resource.kind.columns), rows)
    }

    /// How the rows of objects are written as they lie in the cache, where they can be.
    pub(super) fn rows(&self, resource: &Resource) -> Option<Item> {
        let carried = match self.include {
            Include::Nothing => None,
            // What is kept of the metadata has all annotations.
            Include::Metadata if !resource.kind.rules.field_annotations().is_empty() => return None,
            Include::Metadata => Some(Item::metadata(self.version)),
            Include::Object => Some(Item::Typed(resource.head()?)),
        };
        let (kind, now) = (resource.kind, self.now);
        Some(Item::Row(Rows::new(kind, now, carried)))
    }

    fn table(&mut self, columns: Tree, rows: Vec<Tree>) -> Tree {
        let mut table = Tree::map();
        table.set("kind", "Table");
        table.set("apiVersion", self.version);
        table.set("metadata", Tree::map());
        let headless = std::mem::replace(&mut self.headless, true);
        table.set("columnDefinitions", if headless { Tree::Null } else { columns });
        table.set("rows", rows);
        table
    }

    fn row(&self, resource: &Resource, object: &Tree) -> Tree {
        let mut stored = object.clone();
        resource.to_stored(&mut stored);
        let fields = resource.kind.rules.field_annotations();
        let mut row = self.row_of(resource.kind.columns, &stored, object, fields);
        if let Some(conditions) = conditions(resource.kind, &stored) {
            row.set("conditions", conditions);
        }
        row
    }

    fn row_of(&self, columns: &[Column], stored: &Tree, object: &Tree, fields: &[&str]) -> Tree {
        let cells = columns.iter().map(|column| column.cell.shown(stored, self.now));
        let mut row = Tree::map();
        row.set("cells", cells.collect::<Vec<Tree>>());
        row.set(
            "object",
            match self.include {
                Include::Nothing => Tree::Null,
                Include::Metadata => body::metadata(self.version, object, fields),
                Include::Object => object.clone(),
            },
        );
        row
    }
}

/// The heads of the columns.
pub(super) fn columns(columns: &[Column]) -> Tree {
    let named = columns.iter().filter(|column| !column.name.is_empty());
    let heads = named.map(|column| {
        let mut head = Tree::map();
        head.set("name", column.name);
        head.set("type", column.kind);
        head.set("format", column.format);
        head.set("description", column.words.text());
        head.set("priority", column.priority);
        head
    });
    Tree::List(heads.collect())
}
