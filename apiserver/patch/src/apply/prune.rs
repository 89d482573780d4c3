//! Taking away what a manager applied before and applies no longer, where nobody else manages it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use apiserver_api::tree::Tree;

use super::managed::{Entry, Managed, Manager};
use super::updater::Updater;
use crate::fields::Set;
use crate::typed::{Type, leaves, remove, with_named_fields};

impl Updater<'_> {
    /// A merged object without what only `last` named. `managed` has what is applied now.
    pub(super) fn pruned(
        &self,
        merged: Tree,
        managed: &Managed,
        own: &Manager,
        last: Option<&Entry>,
    ) -> Result<Tree, String> {
        let Some(last) = last.filter(|last| !last.fields.is_empty()) else {
            return Ok(merged);
        };
        let now = managed.get(own);
        if now.is_some_and(|now| now.api_version == last.api_version && last.fields.is_within(&now.fields)) {
            // All that was applied still is.
            return Ok(merged);
        }
        let Some(kind) = self.kind(&last.api_version) else {
            return Ok(merged);
        };
        let (from, version) = (self.write.api_version, &*last.api_version);
        let base = self.converted(&merged, from, version)?;
        let named = with_named_fields(kind, &last.fields);
        let mut kept = Tree::clone(&base);
        remove(kind, &mut kept, &named);
        let kept = self
            .with_managed(&base, kept, version, managed)
            .map_err(|error| format!("failed add back owned items: {error}"))?;
        // Of what fell only that goes which the manager itself had applied.
        let fallen = all(kind, &base).difference(&all(kind, &kept));
        let mut pruned = base.into_owned();
        remove(kind, &mut pruned, &fallen.intersection(&named));
        Ok(self.converted(&pruned, version, from)?.into_owned())
    }

    /// Puts back what fell and some manager manages, version by version. The one that was pruned comes first: what another
    /// version needs may be among it.
    fn with_managed(&self, merged: &Tree, mut kept: Tree, first: &str, managed: &Managed) -> Result<Tree, String> {
        let mut versions: BTreeMap<(bool, &str), Vec<Set>> = BTreeMap::new();
        for (_, entry) in managed.iter() {
            let key = (entry.api_version != first, &*entry.api_version);
            versions.entry(key).or_default().push(entry.fields.clone());
        }
        let mut merged = Cow::Borrowed(merged);
        let mut at = first;
        for ((_, version), fields) in versions {
            let Some(kind) = self.kind(version) else {
                continue;
            };
            if version != at {
                let wrong = |which, error| format!("failed to convert {which} object at version {version}: {error}");
                let converted = self
                    .converted(&merged, at, version)
                    .map_err(|error| wrong("merged", error))?;
                merged = Cow::Owned(converted.into_owned());
                kept = self
                    .converted(&kept, at, version)
                    .map_err(|error| wrong("pruned", error))?
                    .into_owned();
                at = version;
            }
            let wanted = all(kind, &kept).union(with_named_fields(kind, &Set::joined(fields)));
            let unwanted = all(kind, &merged).difference(&wanted);
            kept = Tree::clone(&merged);
            remove(kind, &mut kept, &unwanted);
        }
        Ok(self.converted(&kept, at, first)?.into_owned())
    }
}

/// All fields of a value, and those that lead to them.
fn all(kind: Type<'_>, value: &Tree) -> Set {
    with_named_fields(kind, &leaves(kind, value))
}
