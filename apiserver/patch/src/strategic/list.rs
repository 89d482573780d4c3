//! Lists merged by value, or by the value of a merge key.

use std::collections::{HashMap, HashSet};

use apiserver_api::tree::{Map, Tree};

use super::lookup::Place;
use super::order::{Identity, arranged, identities};
use super::{Error, PATCH};
use crate::go::Plain;

/// A list after a patch, and the order that the server's had before.
pub(super) struct Merged {
    pub(super) items: Vec<Tree>,
    pub(super) server: Vec<Identity>,
}

/// Whether the items of lists are objects. All must be of one type.
pub(super) fn are_maps(lists: &[&[Tree]]) -> Result<bool, Error> {
    let mut items = lists.iter().flat_map(|list| list.iter());
    let Some(first) = items.next() else {
        return Err(Error::Other("no elements in any of the given slices".to_owned()));
    };
    if matches!(first, Tree::List(_)) {
        return Err(Error::ListOfLists);
    }
    if first.is_null() || items.any(|item| std::mem::discriminant(item) != std::mem::discriminant(first)) {
        let lists = lists.iter().map(|list| Tree::List(list.to_vec()));
        let shown: Vec<String> = lists.map(|list| Plain(&list).to_string()).collect();
        return Err(Error::Other(format!(
            "list element types are not identical: [{}]",
            shown.join(" ")
        )));
    }
    Ok(matches!(first, Tree::Map(_)))
}

/// Merges a patch's list into the server's, or deletes its items from it.
pub(super) fn merge(
    server: Vec<Tree>,
    patch: &mut [Tree],
    place: Place<'_>,
    key: Option<&str>,
    deletes: bool,
) -> Result<Merged, Error> {
    if server.is_empty() && patch.is_empty() {
        return Ok(Merged {
            items: server,
            server: Vec::new(),
        });
    }
    if !are_maps(&[&server, patch])? {
        return merge_scalars(server, patch, deletes);
    }
    let key = key.ok_or_else(|| Error::Other(format!("cannot merge lists without merge key for {}", place.kind())))?;
    let mut special = Special::follow(server, patch, key)?;
    if special.replaces {
        let items = patch.iter().filter(|item| item.get(PATCH).is_none()).cloned().collect();
        // Nothing is left to put in order, but upstream asks for the keys all the same.
        let items = identities(items, Some(key))?;
        return Ok(Merged {
            items: items.into_iter().map(|(_, item)| item).collect(),
            server: special.server,
        });
    }
    let left: Vec<Identity> = special.kept.iter().map(|item| Identity(item.at(key).clone())).collect();
    let wanted = merge_maps(&mut special.kept, patch, place, key)?;
    Ok(Merged {
        items: arranged(special.kept, &wanted, &left, Some(key))?,
        server: special.server,
    })
}

fn merge_scalars(mut server: Vec<Tree>, patch: &[Tree], deletes: bool) -> Result<Merged, Error> {
    let order: Vec<Identity> = server.iter().cloned().map(Identity).collect();
    let wanted: Vec<Identity> = patch.iter().cloned().map(Identity).collect();
    if deletes {
        let gone: HashSet<&Identity> = wanted.iter().collect();
        let kept = order.iter().filter(|item| !gone.contains(item));
        return Ok(Merged {
            items: kept.map(|item| item.0.clone()).collect(),
            server: order,
        });
    }
    server.extend_from_slice(patch);
    let mut seen = HashSet::new();
    server.retain(|item| seen.insert(Identity(item.clone())));
    Ok(Merged {
        items: arranged(server, &wanted, &order, None)?,
        server: order,
    })
}

/// The server's list after the directives in a patch's items were followed.
struct Special {
    /// The items that the patch's are merged into.
    kept: Vec<Tree>,
    /// The server's items as `$setElementOrder` finds them. Upstream deletes in place: behind the end of the shortened list
    /// stands what was last before each deletion.
    server: Vec<Identity>,
    /// Whether the patch takes the list's place.
    replaces: bool,
}

impl Special {
    fn follow(server: Vec<Tree>, patch: &[Tree], key: &str) -> Result<Self, Error> {
        let mut gone = Vec::new();
        let mut replaces = false;
        for item in patch.iter().filter_map(Tree::as_map) {
            let Some(directive) = item.get(PATCH) else { continue };
            match directive.as_str() {
                Some("delete") => gone.push(item.get(key).ok_or_else(|| Error::no_key(item, key))?),
                Some("replace") => replaces = true,
                Some("merge") => {
                    let refused = "merging lists cannot yet be specified in the patch";
                    return Err(Error::Other(refused.to_owned()));
                }
                _ => return Err(Error::unknown(directive, item)),
            }
        }
        let (kept, server) = without(server, &gone, key);
        Ok(Self { kept, server, replaces })
    }
}

/// Deletes the items of some merge keys.
fn without(items: Vec<Tree>, gone: &[&Tree], key: &str) -> (Vec<Tree>, Vec<Identity>) {
    let mut matching: HashMap<Identity, Vec<usize>> = HashMap::new();
    for (at, item) in items.iter().enumerate() {
        if let Some(value) = item.get(key) {
            matching.entry(Identity(value.clone())).or_default().push(at);
        }
    }
    let mut alive = vec![true; items.len()];
    let mut length = items.len();
    let mut tail = Vec::new();
    for value in gone {
        for at in matching.remove(&Identity(Tree::clone(value))).unwrap_or_default() {
            while !alive[..length].ends_with(&[true]) {
                length -= 1;
            }
            tail.push(Identity(items[length - 1].at(key).clone()));
            alive[at] = false;
        }
    }
    let kept: Vec<Tree> = items
        .into_iter()
        .zip(alive)
        .filter_map(|(item, alive)| alive.then_some(item))
        .collect();
    let ahead = kept.iter().map(|item| Identity(item.at(key).clone()));
    let server = ahead.chain(tail.into_iter().rev()).collect();
    (kept, server)
}

/// Merges the patch's items into a list one by one; returns the order that they ask for.
fn merge_maps(list: &mut Vec<Tree>, patch: &mut [Tree], place: Place<'_>, key: &str) -> Result<Vec<Identity>, Error> {
    let mut places: HashMap<Identity, usize> = HashMap::with_capacity(list.len());
    for (at, item) in list.iter().enumerate() {
        if let Some(value) = item.get(key) {
            places.entry(Identity(value.clone())).or_insert(at);
        }
    }
    let mut wanted = Vec::with_capacity(patch.len());
    for item in patch.iter_mut().filter_map(Tree::as_map_mut) {
        if item.contains(PATCH) {
            continue;
        }
        let value = item.get(key).ok_or_else(|| Error::no_key(item, key))?;
        let identity = Identity(value.clone());
        wanted.push(identity.clone());
        if let Some(old) = places.get(&identity).and_then(|at| list.get_mut(*at)) {
            super::merge(old.make_map(), item, place)?;
        } else {
            places.insert(identity, list.len());
            list.push(Tree::Map(Map::clone(item)));
        }
    }
    Ok(wanted)
}
