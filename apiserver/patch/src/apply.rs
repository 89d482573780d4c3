//! Server-side apply: who manages which fields of an object, and what an applied configuration makes of it.
//!
//! [`update`] notes what an ordinary write changed; [`apply`] lays a configuration over an object, takes away what its
//! manager no longer applies, and refuses to take fields from others unless forced. Both leave the object's
//! `metadata.managedFields` as upstream writes them.

mod conflict;
mod kubectl;
mod managed;
mod prune;
mod scale;
mod times;
mod updater;

use std::borrow::Cow;

use apiserver_api::gvk::{GroupVersion, GroupVersionKind};
use apiserver_api::tree::Tree;
use thiserror::Error;

pub use conflict::{Cause, Conflicts};
pub use managed::{Entry, Managed, ManagedError, Manager, Operation};
pub use scale::Scale;
pub use times::{Compared, keep_times};

use crate::fields::Filter;
use crate::typed::{Type, validate};
use updater::Updater;

/// Why a configuration is not applied.
#[derive(Debug, Error)]
pub enum Error {
    /// Others manage fields that it sets to something else.
    #[error("{0}")]
    Conflicts(Conflicts),
    /// It is not what may be sent: a bad request.
    #[error("{0}")]
    Refused(String),
    /// It does not fit the type, or something stored cannot be read: upstream answers such requests with 500.
    #[error("{0}")]
    Failed(String),
}

/// The other versions of a resource, which managers may have written in.
pub trait Versions {
    /// The type of objects in a version; nothing where it is not served.
    fn kind(&self, version: &str) -> Option<Type<'_>>;

    /// An object as another version writes it.
    ///
    /// # Errors
    /// Why it cannot be written so.
    fn convert(&self, object: &Tree, version: &str) -> Result<Tree, String>;
}

/// A resource with a single version.
#[derive(Clone, Copy, Debug, Default)]
pub struct OneVersion;

impl Versions for OneVersion {
    fn kind(&self, _: &str) -> Option<Type<'_>> {
        None
    }

    fn convert(&self, object: &Tree, _: &str) -> Result<Tree, String> {
        Ok(object.clone())
    }
}

/// What a write is about, and who does it.
#[derive(Clone, Copy)]
pub struct Write<'w> {
    /// The type of the objects in the request's version.
    pub kind: Type<'w>,
    /// The request's version: `apps/v1`.
    pub api_version: &'w str,
    /// The name of the kind: `Deployment`.
    pub kind_name: &'w str,
    /// Who writes; upstream calls it `unknown` where nothing is said.
    pub manager: &'w str,
    /// The subresource; empty for the object itself.
    pub subresource: &'w str,
    /// The time, as objects hold it.
    pub now: &'w str,
    /// Which changes count, by version. In a version that is not named all do.
    pub filters: &'w [(&'w str, Filter)],
    /// The resource's other versions.
    pub versions: &'w dyn Versions,
}

/// Notes in an object's managed fields what a write changed that was no apply. `old` is nothing at a create.
///
/// A request may set `managedFields` itself; what is no list of them is replaced by the old one, and an empty list stops
/// their tracking. So the caller must not have dropped an empty one before.
///
/// # Errors
/// The items of a list cannot be told apart, or what another manager's version makes of the object failed. The object has no
/// managed fields then, and upstream stores it so.
///
/// Lists and maps of `new` with nothing in them count as none where the type leaves them out when it is stored.
pub fn update(write: &Write<'_>, old: Option<&Tree>, new: &mut Tree) -> Result<(), Error> {
    let sent = new
        .get_mut("metadata")
        .and_then(|metadata| metadata.remove("managedFields"));
    let stored = old.map_or(&Tree::Null, |old| old.below(&["metadata", "managedFields"]));
    let updater = Updater::new(write);
    let live = old.map_or_else(|| Cow::Owned(updater.nothing()), Cow::Borrowed);
    // What is never stored is nobody's.
    let written = write.kind.written(new);
    let comparison = updater.comparison(&live, &written)?;
    if comparison.is_same() && sent.as_ref().is_some_and(|sent| sent == stored && !stored.is_null()) {
        // Nothing changed, and what was read was sent back.
        put(new, sent.unwrap_or_default());
        return Ok(());
    }
    let managed = choose(write, sent.as_ref(), stored);
    if managed.is_empty() && old.is_some_and(|old| !old.below(&["metadata", "uid"]).is_zero()) {
        // An object whose fields nobody tracks stays so until something is applied.
        return Ok(());
    }
    let managed = updater.updated(&live, &written, comparison, managed, write.manager)?;
    drop(written);
    put(new, managed.to_tree());
    Ok(())
}

/// The managed fields to start from: those sent, if they can be read, else those stored.
fn choose(write: &Write<'_>, sent: Option<&Tree>, stored: &Tree) -> Managed {
    let stored = || Managed::from_tree(stored).unwrap_or_default();
    match sent {
        Some(sent) if write.subresource.is_empty() => {
            if is_reset(sent) {
                return Managed::default();
            }
            match Managed::from_tree(sent) {
                Ok(managed) if !managed.is_empty() => managed,
                _ => stored(),
            }
        }
        _ => stored(),
    }
}

/// Whether a client asks for managed fields to be forgotten: by an empty list, or by one empty entry.
fn is_reset(sent: &Tree) -> bool {
    match sent {
        Tree::List(entries) => match entries.as_slice() {
            [] => true,
            [Tree::Map(only)] => only.iter().all(|(_, value)| value.is_zero()),
            _ => false,
        },
        _ => false,
    }
}

/// Writes managed fields into an object, or takes them out where there are none.
fn put(object: &mut Tree, managed: Tree) {
    if managed.is_null() {
        object
            .get_mut("metadata")
            .and_then(|metadata| metadata.remove("managedFields"));
    } else {
        object.child("metadata").set("managedFields", managed);
    }
}

/// The object that comes of applying a configuration to `old`, or of creating it so. It is neither defaulted nor read by its
/// schema yet.
///
/// # Errors
/// Conflicts without `force`, a configuration of another kind, with managed fields, or with fields that its type does not
/// have.
pub fn apply(write: &Write<'_>, old: Option<&Tree>, config: &Tree, force: bool) -> Result<Tree, Error> {
    let updater = Updater::new(write);
    let live = old.map_or_else(|| Cow::Owned(updater.nothing()), Cow::Borrowed);
    let managed = Managed::from_tree(live.below(&["metadata", "managedFields"]))
        .map_err(|error| Error::Failed(format!("failed to decode managed fields: {error}")))?;
    if gvk(config) != GroupVersionKind::of(write.api_version, write.kind_name) {
        return Err(Error::Refused(format!("invalid object type: {}", kind_of(config))));
    }
    // Only kubectl may get a second attempt.
    let again = (write.manager == kubectl::MANAGER).then(|| managed.clone());
    let (mut object, managed) = match (attempt(&updater, &live, config, managed, force), again) {
        (Err(Error::Conflicts(conflicts)), Some(managed)) => {
            let Some(others) = kubectl::remaining(write, &live, conflicts.clone()) else {
                return Err(Error::Conflicts(conflicts));
            };
            if !others.is_empty() {
                return Err(Error::Conflicts(others));
            }
            attempt(&updater, &live, config, managed, true)?
        }
        (outcome, _) => outcome?,
    };
    if write.manager == kubectl::MANAGER {
        kubectl::note(&mut object, config);
    }
    put(&mut object, managed.to_tree());
    Ok(object)
}

fn attempt(
    updater: &Updater<'_>,
    live: &Tree,
    config: &Tree,
    mut managed: Managed,
    force: bool,
) -> Result<(Tree, Managed), Error> {
    let write = updater.write;
    if managed.is_empty() {
        // What was there before belongs to a manager of its own, or the first apply would meet no conflict.
        let nothing = updater.nothing();
        let comparison = updater.comparison(&nothing, live)?;
        managed = updater.updated(&nothing, live, comparison, managed, "before-first-apply")?;
    }
    if matches!(config.below(&["metadata", "managedFields"]), Tree::List(_)) {
        return Err(Error::Refused("metadata.managedFields must be nil".to_owned()));
    }
    validate(write.kind, config).map_err(|wrong| {
        Error::Failed(format!(
            "failed to create typed patch object ({}): {wrong}",
            named(config)
        ))
    })?;
    updater.applied(live, config, managed, force)
}

/// What an object says it is: nothing at all where its version cannot be read.
fn gvk(object: &Tree) -> GroupVersionKind {
    GroupVersion::parse(object.text("apiVersion"))
        .map(|version| version.kind(object.text("kind")))
        .unwrap_or_default()
}

/// The version and kind of an object as upstream's messages show them.
fn kind_of(object: &Tree) -> String {
    let GroupVersionKind { group, version, kind } = gvk(object);
    format!("{group}/{version}, Kind={kind}")
}

/// What is said of an object that came of applying a configuration and has values that its type cannot hold.
pub fn not_converted(config: &Tree, mistake: &str) -> String {
    format!(
        "failed to convert new object ({}) to proper version: unable to convert unstructured object to {}: {mistake}",
        named(config),
        kind_of(config)
    )
}

fn named(object: &Tree) -> String {
    let metadata = object.at("metadata");
    format!(
        "{}/{}; {}",
        metadata.text("namespace"),
        metadata.text("name"),
        kind_of(object)
    )
}

#[cfg(test)]
mod tests;
