//! What a write does to the managers of an object.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use apiserver_api::tree::{Text, Tree};

use super::conflict::Conflicts;
use super::managed::{Entry, Managed, Manager, Operation};
use super::{Error, Write};
use crate::fields::{Filter, Set, same};
use crate::typed::{Comparison, Invalid, Type, compare, leaves, merge, reconciled, zero};

/// The most updaters that an object keeps apart.
const MAX_UPDATERS: usize = 10;

/// The steps of a write.
pub(super) struct Updater<'w> {
    pub(super) write: &'w Write<'w>,
}

impl<'w> Updater<'w> {
    pub(super) const fn new(write: &'w Write<'w>) -> Self {
        Self { write }
    }

    /// The object before it is created.
    pub(super) fn nothing(&self) -> Tree {
        let mut nothing = zero(self.write.kind);
        nothing.set("apiVersion", self.write.api_version);
        nothing.set("kind", self.write.kind_name);
        nothing
    }

    fn filter(&self, api_version: &str) -> Option<&'w Filter> {
        let mut filters = self.write.filters.iter();
        filters
            .find(|(version, _)| *version == api_version)
            .map(|(_, filter)| filter)
    }

    /// What counts of the difference between two objects in the write's version.
    pub(super) fn comparison(&self, old: &Tree, new: &Tree) -> Result<Comparison, Error> {
        let comparison = compare(self.write.kind, old, new).map_err(|error| differing(&error))?;
        let comparison = comparison.filtered(self.filter(self.write.api_version));
        Ok(Comparison {
            removed: comparison.removed.difference(&NOBODY_S),
            modified: comparison.modified.difference(&NOBODY_S),
            added: comparison.added.difference(&NOBODY_S),
        })
    }

    fn manager(&self, name: &str, operation: Operation) -> Manager {
        Manager {
            name: if name.is_empty() { "unknown" } else { name }.into(),
            operation,
            api_version: match operation {
                Operation::Apply => Text::default(),
                Operation::Update => self.write.api_version.into(),
            },
            subresource: self.write.subresource.into(),
        }
    }

    /// The type of objects in a version, if it is served.
    pub(super) fn kind(&self, api_version: &str) -> Option<Type<'w>> {
        if api_version == self.write.api_version {
            Some(self.write.kind)
        } else {
            self.write.versions.kind(api_version)
        }
    }

    /// An object of one version as another writes it.
    pub(super) fn converted<'t>(&self, object: &'t Tree, from: &str, to: &str) -> Result<Cow<'t, Tree>, String> {
        if from == to {
            Ok(Cow::Borrowed(object))
        } else {
            self.write.versions.convert(object, to).map(Cow::Owned)
        }
    }

    /// The managers with their fields named as today's types name them; those of versions that are not served are gone.
    fn reconciled(&self, mut managed: Managed) -> Managed {
        managed.entries.retain(|_, entry| {
            let Some(kind) = self.kind(&entry.api_version) else {
                return false;
            };
            if let Some(fields) = reconciled(kind, &entry.fields) {
                entry.fields = fields;
            }
            true
        });
        managed
    }

    /// What differs between two objects in each version that managers speak besides the write's.
    fn elsewhere(&self, old: &Tree, new: &Tree, managed: &Managed) -> Result<BTreeMap<Text, Comparison>, Error> {
        let own = self.write.api_version;
        let mut comparisons = BTreeMap::new();
        for (_, entry) in managed.iter() {
            let version = &entry.api_version;
            if version == own || comparisons.contains_key(version) {
                continue;
            }
            let Some(kind) = self.kind(version) else {
                continue;
            };
            let convert = |which: &str, object| {
                self.converted(object, own, version)
                    .map_err(|error| Error::Failed(format!("failed to convert {which} object: {error}")))
            };
            let (old, new) = (convert("old", old)?, convert("new", new)?);
            let comparison = compare(kind, &old, &new).map_err(|error| differing(&error))?;
            comparisons.insert(version.clone(), comparison.filtered(self.filter(version)));
        }
        Ok(comparisons)
    }

    /// Takes what changed from all managers but `own`. Unless forced, nobody may have managed it.
    fn take_changes(
        &self,
        (old, new): (&Tree, &Tree),
        comparison: &Comparison,
        managed: &mut Managed,
        own: Option<(&Manager, bool)>,
    ) -> Result<(), Error> {
        let elsewhere = self.elsewhere(old, new, managed)?;
        let changes = |entry: &Entry| elsewhere.get(&entry.api_version).unwrap_or(comparison);
        let is_own = |manager: &Manager| own.is_some_and(|(own, _)| own == manager);
        if let Some((_, false)) = own {
            let mut conflicts = Vec::new();
            for (manager, entry) in managed.iter().filter(|(manager, _)| !is_own(manager)) {
                let changes = changes(entry);
                let modified = entry.fields.intersection(&changes.modified);
                let taken = modified.union(entry.fields.intersection(&changes.added));
                if !taken.is_empty() {
                    conflicts.push((manager.clone(), taken));
                }
            }
            if !conflicts.is_empty() {
                return Err(Error::Conflicts(Conflicts::of(conflicts)));
            }
        }
        managed.entries.retain(|manager, entry| {
            if !is_own(manager) {
                let changes = changes(entry);
                let fields = std::mem::take(&mut entry.fields);
                let fields = fields.difference(&changes.modified).difference(&changes.added);
                entry.fields = fields.difference(&changes.removed);
            }
            !entry.fields.is_empty()
        });
        Ok(())
    }

    /// The managers after a write that was no apply.
    pub(super) fn updated(
        &self,
        old: &Tree,
        new: &Tree,
        comparison: Comparison,
        managed: Managed,
        manager: &str,
    ) -> Result<Managed, Error> {
        let mut managed = self.reconciled(managed);
        self.take_changes((old, new), &comparison, &mut managed, None)?;
        let own = comparison.modified.union(comparison.added);
        if !own.is_empty() {
            let manager = self.manager(manager, Operation::Update);
            let before = managed.entries.remove(&manager);
            let entry = Entry {
                api_version: self.write.api_version.into(),
                time: Some(self.write.now.into()),
                fields: own.union(before.map(|entry| entry.fields).unwrap_or_default()),
            };
            managed.entries.insert(manager, entry);
        }
        managed.cap(MAX_UPDATERS);
        Ok(managed)
    }

    /// The object after an apply, and its managers.
    pub(super) fn applied(
        &self,
        live: &Tree,
        config: &Tree,
        managed: Managed,
        force: bool,
    ) -> Result<(Tree, Managed), Error> {
        let mut managed = self.reconciled(managed);
        let own = self.manager(self.write.manager, Operation::Apply);
        let merged = merge(self.write.kind, live, config);
        let mut fields = leaves(self.write.kind, config);
        if let Some(filter) = self.filter(self.write.api_version) {
            fields = filter.apply(fields);
        }
        let last = managed.entries.remove(&own);
        let entry = Entry {
            api_version: self.write.api_version.into(),
            time: last.as_ref().and_then(|last| last.time.clone()),
            fields,
        };
        managed.entries.insert(own.clone(), entry);
        let merged = self
            .pruned(merged, &managed, &own, last.as_ref())
            .map_err(|error| Error::Failed(format!("failed to prune fields: {error}")))?;
        let comparison = self.comparison(live, &merged)?;
        self.take_changes((live, &merged), &comparison, &mut managed, Some((&own, force)))?;
        let changed = !same(live, &merged);
        if let Some(mut entry) = managed.entries.remove(&own) {
            entry.fields = entry.fields.difference(&NOBODY_S);
            if changed {
                entry.time = Some(self.write.now.into());
            }
            if !entry.fields.is_empty() {
                managed.entries.insert(own, entry);
            }
        }
        Ok((merged, managed))
    }
}

/// What stands there was written by a client, and its items cannot be told apart: no failure of ours, though upstream answers
/// it as one.
fn differing(error: &Invalid) -> Error {
    Error::Refused(format!("failed to compare objects: {error}"))
}

/// Fields that nobody manages: what names an object, and what only the server writes.
static NOBODY_S: LazyLock<Set> = LazyLock::new(|| {
    Set::of(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ])
});
