//! The managed fields of an object, read and written.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};

use apiserver_api::go::quote;
use apiserver_api::tree::{MAX_DEPTH, Map, Text, Tree, quoted};
use thiserror::Error;

use crate::fields::{Set, WireError};

/// Why a list of managed fields cannot be read, in upstream's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ManagedError {
    /// Neither an apply nor an update.
    #[error("operation must be `Apply` or `Update`")]
    Operation,
    /// There is no version.
    #[error("apiVersion must not be empty")]
    Version,
    /// There is no type of fields.
    #[error("missing fieldsType in managed fields entry {0}")]
    NoType(usize),
    /// The type of fields is not known.
    #[error("invalid fieldsType {} in managed fields entry {at}", quote(.name))]
    Type {
        /// What is said.
        name: String,
        /// Counted from 0.
        at: usize,
    },
    /// The fields are no set.
    #[error("error decoding versioned set from {0}: error decoding set: {1}")]
    Fields(String, WireError),
}

/// How a manager writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// By applying configurations.
    Apply,
    /// In any other way.
    Update,
}

impl Operation {
    const fn name(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// Who manages fields. An applier is the same whatever its version; an updater is another in each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    /// Its name.
    pub name: Text,
    /// How it writes.
    pub operation: Operation,
    /// The version that an updater writes in; empty for appliers.
    pub api_version: Text,
    /// The subresource that it writes by; empty for the object itself.
    pub subresource: Text,
}

impl Manager {
    /// What upstream knows it by, and sorts managers by.
    pub(super) fn identifier(&self) -> String {
        let mut out = Vec::new();
        let fields = [
            ("manager", &*self.name),
            ("operation", self.operation.name()),
            ("apiVersion", &*self.api_version),
            ("subresource", &*self.subresource),
        ];
        for (name, value) in fields {
            if !value.is_empty() {
                out.push(if out.is_empty() { b'{' } else { b',' });
                quoted(name, &mut out);
                out.push(b':');
                quoted(value, &mut out);
            }
        }
        out.push(b'}');
        String::from_utf8_lossy(&out).into_owned()
    }
}

/// What a manager manages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The version in which its fields are named.
    pub api_version: Text,
    /// When it last changed something.
    pub time: Option<Text>,
    /// Its fields.
    pub fields: Set,
}

/// Upstream's order: appliers first, older ones first, then by name.
fn order(a: &(&Manager, &Entry), b: &(&Manager, &Entry)) -> Ordering {
    // Times are texts of one length in one zone.
    a.0.operation
        .cmp(&b.0.operation)
        .then_with(|| a.1.time.cmp(&b.1.time))
        .then_with(|| a.0.name.cmp(&b.0.name))
        .then_with(|| a.1.api_version.cmp(&b.1.api_version))
        .then_with(|| a.0.subresource.cmp(&b.0.subresource))
}

fn written(manager: &Manager, entry: &Entry) -> Tree {
    let mut map = Map::new();
    map.insert("apiVersion", entry.api_version.clone().into());
    map.insert("fieldsType", "FieldsV1".into());
    map.insert("fieldsV1", entry.fields.to_tree());
    map.insert("operation", manager.operation.name().into());
    let may_be_empty = [
        ("manager", Some(&manager.name)),
        ("subresource", Some(&manager.subresource)),
        ("time", entry.time.as_ref()),
    ];
    for (name, value) in may_be_empty {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            map.insert(name, value.clone().into());
        }
    }
    Tree::Map(map)
}

fn read(at: usize, tree: &Tree) -> Result<(Manager, Entry), ManagedError> {
    let operation = match tree.text("operation") {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return Err(ManagedError::Operation),
    };
    let api_version = tree.text("apiVersion");
    if api_version.is_empty() {
        return Err(ManagedError::Version);
    }
    match tree.text("fieldsType") {
        "FieldsV1" => {}
        "" => return Err(ManagedError::NoType(at)),
        other => {
            let name = other.to_owned();
            return Err(ManagedError::Type { name, at });
        }
    }
    let identity = match operation {
        Operation::Apply => Text::default(),
        Operation::Update => api_version.into(),
    };
    let manager = Manager {
        name: tree.text("manager").into(),
        operation,
        api_version: identity,
        subresource: tree.text("subresource").into(),
    };
    let fields = Set::from_tree(tree.at("fieldsV1")).map_err(|error| {
        let shown = format!("{} {} {api_version}", manager.name, operation.name());
        ManagedError::Fields(shown, error)
    })?;
    let entry = Entry {
        api_version: api_version.into(),
        time: tree.at("time").as_str().map(Into::into),
        fields,
    };
    Ok((manager, entry))
}

/// The managers of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Managed {
    pub(super) entries: BTreeMap<Manager, Entry>,
}

impl Managed {
    /// From an object's `metadata.managedFields`. Of two entries for one manager the later counts.
    ///
    /// # Errors
    /// An entry is none.
    pub fn from_tree(list: &Tree) -> Result<Self, ManagedError> {
        let list = list.as_list().unwrap_or_default().iter().enumerate();
        let entries = list.map(|(at, tree)| read(at, tree)).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// As `metadata.managedFields`; null where there are none.
    pub fn to_tree(&self) -> Tree {
        if self.is_empty() {
            return Tree::Null;
        }
        // Deeper ones could not be read again as part of an object; only free-form objects come near that.
        let readable = self.iter().filter(|(_, entry)| entry.fields.depth() < MAX_DEPTH - 8);
        let mut sorted: Vec<(&Manager, &Entry)> = readable.collect();
        sorted.sort_by(order);
        sorted
            .into_iter()
            .map(|(manager, entry)| written(manager, entry))
            .collect()
    }

    /// Whether nobody manages anything.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The managers and what they manage, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Manager, &Entry)> {
        self.entries.iter()
    }

    /// What a manager manages.
    pub fn get(&self, manager: &Manager) -> Option<&Entry> {
        self.entries.get(manager)
    }

    /// Joins the oldest updaters of a version until there are at most `most` updaters in all.
    pub(super) fn cap(&mut self, most: usize) {
        let is_update = |manager: &&Manager| manager.operation == Operation::Update;
        let mut count = self.entries.keys().filter(is_update).count();
        if count <= most {
            return;
        }
        let mut updaters: Vec<Manager> = self.entries.keys().filter(is_update).cloned().collect();
        updaters.sort_by_cached_key(|manager| {
            let time = self.get(manager).and_then(|entry| entry.time.clone());
            (time, manager.identifier())
        });
        let mut firsts: BTreeMap<Text, Manager> = BTreeMap::new();
        // What each bucket will have. It is joined at the end: a bucket that grew with each that joins would be moved as often.
        let mut buckets: BTreeMap<Manager, VecDeque<Set>> = BTreeMap::new();
        for manager in updaters {
            if count <= most {
                break;
            }
            let Some(first) = firsts.get(&manager.api_version) else {
                firsts.insert(manager.api_version.clone(), manager);
                continue;
            };
            let bucket = Manager {
                name: "ancient-changes".into(),
                operation: Operation::Update,
                api_version: manager.api_version.clone(),
                subresource: Text::default(),
            };
            let Some(mut entry) = self.entries.remove(&manager) else {
                continue;
            };
            // The first of a version becomes the bucket when a second joins it.
            if let Some(joined) = self.entries.remove(&bucket).or_else(|| self.entries.remove(first)) {
                let sets = buckets.entry(bucket.clone()).or_default();
                sets.push_front(std::mem::take(&mut entry.fields));
                sets.push_back(joined.fields);
            }
            self.entries.insert(bucket, entry);
            count -= 1;
        }
        for (bucket, sets) in buckets {
            if let Some(entry) = self.entries.get_mut(&bucket) {
                entry.fields = Set::joined(sets);
            }
        }
    }
}
