//! The order of a merged list: that of the patch, and of the server's items around it.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use apiserver_api::tree::{Map, Text, Tree};

use super::list::{self, are_maps};
use super::lookup::Place;
use super::{Error, PATCH, SET_ORDER, discard_directives};
use crate::go::Plain;

/// What an item is told apart by: itself, or the value of its merge key. An integer is never equal to a double.
#[derive(Clone, Debug)]
pub(super) struct Identity(pub(super) Tree);

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Identity {}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        feed(&self.0, state);
    }
}

/// Feeds all of a value to its hash: items are told apart fast only where their hashes differ.
fn feed(value: &Tree, state: &mut impl Hasher) {
    std::mem::discriminant(value).hash(state);
    match value {
        Tree::Null => {}
        Tree::Bool(value) => value.hash(state),
        Tree::Int(value) => value.hash(state),
        // Equal ones need equal hashes: equal doubles may be written in several ways, and no zero differs from another.
        Tree::Number(value) => (value.as_f64() + 0.0).to_bits().hash(state),
        Tree::Text(value) => value.hash(state),
        Tree::List(items) => {
            items.len().hash(state);
            for item in items {
                feed(item, state);
            }
        }
        Tree::Map(map) => {
            map.len().hash(state);
            for (key, value) in map.iter() {
                key.hash(state);
                feed(value, state);
            }
        }
    }
}

/// Items with what they are told apart by.
pub(super) fn identities(items: Vec<Tree>, key: Option<&str>) -> Result<Vec<(Identity, Tree)>, Error> {
    let identified = items.into_iter().map(|item| {
        let identity = match key {
            None => Identity(item.clone()),
            Some(key) => {
                let map = item.as_map().ok_or_else(|| Error::no_map(&item))?;
                Identity(map.get(key).ok_or_else(|| Error::no_key(map, key))?.clone())
            }
        };
        Ok((identity, item))
    });
    identified.collect()
}

/// Puts the items of a merged list in order: those that are wanted as they are wanted, the server's others as the server had
/// them, each before the first wanted one that the server had behind it.
pub(super) fn arranged(
    items: Vec<Tree>,
    wanted: &[Identity],
    server: &[Identity],
    key: Option<&str>,
) -> Result<Vec<Tree>, Error> {
    let (wanted, server) = (places(wanted), places(server));
    let (mut own, mut others): (Vec<_>, Vec<_>) = identities(items, key)?
        .into_iter()
        .partition(|(identity, _)| wanted.contains_key(identity));
    own.sort_by_key(|(identity, _)| wanted.get(identity));
    others.sort_by_key(|(identity, _)| server.get(identity).copied().unwrap_or(usize::MAX));
    let mut arranged = Vec::with_capacity(own.len() + others.len());
    let mut others = others.into_iter().peekable();
    for (identity, item) in own {
        let behind = server.get(&identity);
        let comes_first = |other: &(Identity, Tree)| {
            let places = server.get(&other.0).zip(behind);
            places.is_some_and(|(other, own)| other < own)
        };
        while let Some((_, other)) = others.next_if(comes_first) {
            arranged.push(other);
        }
        arranged.push(item);
    }
    arranged.extend(others.map(|(_, other)| other));
    Ok(arranged)
}

/// Where items are; of equal ones the first.
fn places(items: &[Identity]) -> HashMap<&Identity, usize> {
    let mut places = HashMap::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        places.entry(item).or_insert(at);
    }
    places
}

/// Follows each `$setElementOrder`, together with the list that it is about.
pub(super) fn set_orders(object: &mut Map, patch: &mut Map, place: Place<'_>) -> Result<(), Error> {
    let names: Vec<Text> = patch
        .keys()
        .filter(|name| name.starts_with(SET_ORDER))
        .map(Into::into)
        .collect();
    for name in names {
        let order = patch.remove(&name).unwrap_or_default();
        let order = order.as_list().ok_or_else(|| Error::no_list(&order))?;
        let field = name.strip_prefix(SET_ORDER).and_then(|rest| rest.strip_prefix('/'));
        let field = field.ok_or(Error::SetOrder)?;
        set_order(object, patch, place, field, order)?;
    }
    Ok(())
}

fn set_order(object: &mut Map, patch: &mut Map, place: Place<'_>, field: &str, order: &[Tree]) -> Result<(), Error> {
    let server = list_under(object.get_mut(field))?;
    let listed = list_under(patch.get_mut(field))?;
    let (below, strategy) = place.items(field)?;
    let key = strategy.key.as_deref();
    check(listed.as_deref().map_or(&[], Vec::as_slice), order, key)?;
    let lists = [
        server.as_deref().map_or(&[][..], Vec::as_slice),
        listed.as_deref().map_or(&[][..], Vec::as_slice),
    ];
    let apart = |item: &Tree| key.is_some() || !matches!(item, Tree::List(_) | Tree::Map(_));
    if !lists.concat().iter().chain(order).all(apart) {
        // Upstream breaks down here, as nothing tells such items apart.
        return Err(Error::SetOrder);
    }
    let types = are_maps(&lists);
    let identity = |item: &Tree| Identity(key.map_or(item, |key| item.at(key)).clone());
    let (items, before) = match (server, listed) {
        (None, None) => return Ok(()),
        (Some(server), None) => (server.clone(), server.iter().map(identity).collect()),
        (None, Some(listed)) => (discard_directives(listed), Vec::new()),
        (Some(server), Some(listed)) if strategy.merge => {
            let merged = list::merge(std::mem::take(server), listed, below, key, false)?;
            (merged.items, merged.server)
        }
        (Some(server), Some(listed)) => (listed.clone(), server.iter().map(identity).collect()),
    };
    let wanted = identities(order.to_vec(), key)?;
    let wanted: Vec<Identity> = wanted.into_iter().map(|(identity, _)| identity).collect();
    let items = arranged(items, &wanted, &before, key)?;
    types?;
    object.insert(field, Tree::List(items));
    patch.remove(field);
    Ok(())
}

/// The list under a field, if there is such a field.
fn list_under(value: Option<&mut Tree>) -> Result<Option<&mut Vec<Tree>>, Error> {
    match value {
        None => Ok(None),
        Some(Tree::List(items)) => Ok(Some(items)),
        Some(other) => Err(Error::no_list(other)),
    }
}

/// A patch's list must be ordered as the order says, and may have nothing that the order does not name.
fn check(listed: &[Tree], order: &[Tree], key: Option<&str>) -> Result<(), Error> {
    if listed.is_empty() || order.is_empty() {
        return Ok(());
    }
    if key.is_some()
        && let Some(other) = listed.iter().find(|item| item.as_map().is_none())
    {
        return Err(Error::no_map(other));
    }
    let mut rest = order.iter();
    for item in listed.iter().filter(|item| item.get(PATCH).is_none()) {
        loop {
            let Some(next) = rest.next() else {
                return Err(Error::Other(format!(
                    "The order in patch list:\n{}\n doesn't match {SET_ORDER} list:\n{}\n",
                    Plain(&Tree::List(listed.to_vec())),
                    Plain(&Tree::List(order.to_vec()))
                )));
            };
            if equal(item, next, key)? {
                break;
            }
        }
    }
    Ok(())
}

fn equal(item: &Tree, other: &Tree, key: Option<&str>) -> Result<bool, Error> {
    let Some(key) = key else {
        return Ok(item == other);
    };
    let value = |item| -> Result<_, Error> {
        let map = Tree::as_map(item).ok_or_else(|| Error::no_map(item))?;
        map.get(key).ok_or_else(|| Error::no_key(map, key))
    };
    Ok(value(item)? == value(other)?)
}
