//! The managed fields of an object as its scale shows them, and back.
//!
//! A scale has one field that matters, and knows it by another path than the object that is scaled.

use apiserver_api::tree::Tree;

use super::managed::{Entry, Managed, ManagedError};
use crate::fields::{Element, Set};

/// The version of scales.
const API_VERSION: &str = "autoscaling/v1";

/// Which field of an object its scale sets.
#[derive(Clone, Debug)]
pub struct Scale<'s> {
    /// The version in which the object is scaled.
    pub api_version: &'s str,
    /// The names that lead to the replicas, by version; no names where that version has no scale.
    pub paths: &'s [(&'s str, &'s [&'s str])],
}

impl Scale<'_> {
    fn path(&self, api_version: &str) -> Option<Vec<Element>> {
        let (_, path) = self.paths.iter().find(|(version, _)| *version == api_version)?;
        Some(elements(path))
    }

    /// The managed fields of the scale, of those of the object.
    ///
    /// # Errors
    /// They are none.
    pub fn of_scale(&self, parent: &Tree) -> Result<Tree, ManagedError> {
        let mut scale = Managed::default();
        for (manager, entry) in Managed::from_tree(parent)?.entries {
            let path = self.path(&entry.api_version).unwrap_or_default();
            if entry.fields.contains(&path) {
                let entry = Entry {
                    api_version: API_VERSION.into(),
                    time: entry.time,
                    fields: Set::of(&[&["spec", "replicas"]]),
                };
                scale.entries.insert(manager, entry);
            }
        }
        Ok(scale.to_tree())
    }

    /// The managed fields of the object, of those it had and those of its scale.
    ///
    /// # Errors
    /// One of them is none.
    pub fn of_parent(&self, parent: &Tree, scale: &Tree) -> Result<Tree, ManagedError> {
        let before = Managed::from_tree(parent)?;
        let mut scale = Managed::from_tree(scale)?;
        let mut after = Managed::default();
        for (manager, entry) in before.iter() {
            // Who wrote in a version that is not known manages nothing any more.
            let Some(path) = self.path(&entry.api_version) else {
                continue;
            };
            let mut entry = entry.clone();
            if entry.fields.contains(&path) && scale.entries.remove(manager).is_none() {
                let mut replicas = Set::new();
                replicas.insert(&path);
                entry.fields = entry.fields.difference(&replicas);
            }
            if !entry.fields.is_empty() {
                after.entries.insert(manager.clone(), entry);
            }
        }
        let replicas = elements(&["spec", "replicas"]);
        for (manager, entry) in scale.entries {
            let path = self.path(self.api_version).unwrap_or_default();
            if !entry.fields.contains(&replicas) || path.is_empty() {
                continue;
            }
            let mut fields = Set::new();
            fields.insert(&path);
            let entry = Entry {
                api_version: self.api_version.into(),
                time: before.get(&manager).and_then(|entry| entry.time.clone()),
                fields,
            };
            after.entries.insert(manager, entry);
        }
        Ok(after.to_tree())
    }
}

fn elements(path: &[&str]) -> Vec<Element> {
    path.iter().map(|name| Element::Field((*name).into())).collect()
}
