//! Strategic merge patch: a merge patch whose lists are merged too, by what the types say of their items.
//!
//! Besides values a patch holds directives: `$patch` (`replace`, `delete`, `merge`) in an object, `$retainKeys`,
//! `$deleteFromPrimitiveList/<field>` and `$setElementOrder/<field>` beside the fields they are about. Lists of objects are
//! merged by the value of one field, the merge key.

mod error;
mod list;
mod lookup;
mod order;

use std::collections::{BTreeMap, BTreeSet};

use apiserver_api::tree::{Map, Text, Tree};
use apiserver_schema::{Schema, TypeId};

use crate::large::too_large;
pub use error::{Answer, Error};
use lookup::Place;

const PATCH: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList";
const SET_ORDER: &str = "$setElementOrder";

/// The object that comes of a patch. Types without a schema cannot be patched so.
///
/// The patch loses the directives that were followed: what is left of it is what upstream quotes where the result turns out
/// to be no such object.
///
/// # Errors
/// The patch is none, or does not fit the object.
pub fn apply(object: Tree, patch: &mut Tree, schema: &Schema, kind: Option<TypeId>) -> Result<Tree, Error> {
    let kind = kind.ok_or(Error::Unsupported)?;
    let large = too_large(patch).map(|number| number.literal().to_owned());
    let patch = match patch {
        Tree::Null => return Ok(object),
        Tree::Map(patch) => patch,
        other => return Err(Error::NoObject(other.type_name())),
    };
    if let Some(literal) = large {
        return Err(Error::TooLarge(literal));
    }
    let mut object = match object {
        Tree::Map(object) => object,
        _ => Map::new(),
    };
    merge(&mut object, patch, Place::object(schema, kind))?;
    Ok(Tree::Map(object))
}

/// Merges a patch into an object.
fn merge(object: &mut Map, patch: &mut Map, place: Place<'_>) -> Result<(), Error> {
    if let Some(directive) = patch.get(PATCH) {
        match directive.as_str() {
            Some("replace") => {
                patch.remove(PATCH);
                object.clone_from(patch);
            }
            Some("delete") => *object = Map::new(),
            _ => return Err(Error::unknown(directive, patch)),
        }
        return Ok(());
    }
    retain_keys(object, patch)?;
    order::set_orders(object, patch, place)?;
    let mut changes = Changes::default();
    for (name, value) in patch.iter_mut() {
        let (field, deletes) = if name.starts_with(DELETE_FROM_LIST) {
            let field = name
                .strip_prefix(DELETE_FROM_LIST)
                .and_then(|rest| rest.strip_prefix('/'));
            (field.ok_or(Error::DeleteFromList)?, true)
        } else {
            (name, false)
        };
        merge_field(object, field, value, deletes, (place, &mut changes))?;
    }
    changes.make(object);
    Ok(())
}

/// Entries that go and come. All do so at once: one by one, each would move all behind it.
#[derive(Default)]
struct Changes {
    /// By their names; what they are now counts for nothing.
    gone: BTreeSet<Text>,
    added: BTreeMap<Text, Tree>,
}

impl Changes {
    fn make(self, object: &mut Map) {
        if !self.gone.is_empty() {
            object.retain(|name, _| !self.gone.contains(name));
        }
        if !self.added.is_empty() {
            object.absorb(self.added, |old, new| *old = new);
        }
    }
}

/// Merges what a patch says of one field; `deletes` if it names items to delete.
fn merge_field(
    object: &mut Map,
    field: &str,
    value: &mut Tree,
    deletes: bool,
    (place, changes): (Place<'_>, &mut Changes),
) -> Result<(), Error> {
    if value.is_null() {
        if let Some(old) = object.get_mut(field) {
            *old = Tree::Null;
            changes.gone.insert(field.into());
        }
        return Ok(());
    }
    match (object.get_mut(field), value) {
        (Some(Tree::Map(old)), Tree::Map(new)) => {
            let (below, strategy) = place.field(field)?;
            if strategy.replace {
                *old = new.clone();
                Ok(())
            } else {
                merge(old, new, below)
            }
        }
        (Some(Tree::List(old)), Tree::List(new)) => {
            let (below, strategy) = place.items(field)?;
            if strategy.merge || deletes {
                let merged = list::merge(std::mem::take(old), new, below, strategy.key.as_deref(), deletes)?;
                *old = merged.items;
            } else {
                old.clone_from(new);
            }
            Ok(())
        }
        (Some(old), new) if std::mem::discriminant(old) == std::mem::discriminant(new) => {
            *old = new.clone();
            Ok(())
        }
        _ if deletes => Ok(()),
        (old, value) => {
            discard_nulls(value);
            match (without_directives(value), old) {
                (Some(value), _) => drop(changes.added.insert(field.into(), value)),
                (None, Some(_)) => drop(changes.gone.insert(field.into())),
                (None, None) => {}
            }
            Ok(())
        }
    }
}

/// Follows `$retainKeys`: the object loses what the list does not name.
fn retain_keys(object: &mut Map, patch: &mut Map) -> Result<(), Error> {
    let Some(kept) = patch.remove(RETAIN_KEYS) else {
        return Ok(());
    };
    let Tree::List(kept) = kept else {
        return Err(Error::RetainKeys);
    };
    let kept: BTreeSet<&str> = kept.iter().filter_map(Tree::as_str).collect();
    let is_kept = |name: &str| kept.contains(name);
    let is_directive = |name: &str| name.starts_with(DELETE_FROM_LIST) || name.starts_with(SET_ORDER);
    let stray = |(name, value): (&str, &Tree)| !value.is_null() && !is_directive(name) && !is_kept(name);
    if patch.iter().any(stray) {
        return Err(Error::RetainKeys);
    }
    object.retain(|name, _| is_kept(name));
    Ok(())
}

/// Takes the nulls out of a patch's objects: they delete nothing where nothing was.
fn discard_nulls(value: &mut Tree) {
    match value {
        Tree::Map(map) => map.retain(|_, value| {
            discard_nulls(value);
            !value.is_null()
        }),
        Tree::List(items) => items.iter_mut().for_each(discard_nulls),
        _ => {}
    }
}

/// A patch's value without objects that have a directive; nothing where it has one itself.
fn without_directives(value: &mut Tree) -> Option<Tree> {
    match value {
        Tree::Map(map) => strip(map).then(|| value.clone()),
        Tree::List(items) => Some(Tree::List(discard_directives(items))),
        scalar => Some(scalar.clone()),
    }
}

/// The items of a patch's list without those that have a directive.
fn discard_directives(items: &mut [Tree]) -> Vec<Tree> {
    items.iter_mut().filter_map(without_directives).collect()
}

/// Takes out of an object what has directives; says whether the object has none itself.
fn strip(map: &mut Map) -> bool {
    if map.contains(PATCH) {
        return false;
    }
    map.retain(|_, value| strip_value(value));
    true
}

fn strip_value(value: &mut Tree) -> bool {
    match value {
        Tree::Map(map) => strip(map),
        Tree::List(items) => {
            items.retain_mut(strip_value);
            true
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests;
