//! What a kind is: its names, versions, verbs and subresources, and the rules that only it has.

use apiserver_api::meta;
use apiserver_api::names::{NameRule, name_is_dns_subdomain};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;
use apiserver_schema::{TypeId, built_in};

use crate::column::{self, Column};
use crate::selection::Selection;

/// A kind: an entry of the table, and its rules.
pub struct Kind {
    /// `apps`; empty for the core group.
    pub group: &'static str,
    /// The group that refusals name instead: a type of two groups has the name by which it was known first.
    pub known_in: Option<&'static str>,
    /// `Deployment`.
    pub kind: &'static str,
    /// `deployments`.
    pub plural: &'static str,
    /// `deployment`.
    pub singular: &'static str,
    /// `deploy`.
    pub short_names: &'static [&'static str],
    /// `all`.
    pub categories: &'static [&'static str],
    /// Whether objects live in namespaces.
    pub namespaced: bool,
    /// What it is served as, the preferred one first; stored as the one that says so.
    pub versions: &'static [Version],
    /// What can be asked of it, in the order of discovery documents.
    pub verbs: &'static [Verb],
    /// What stands below an object.
    pub subresources: &'static [Subresource],
    /// Where objects are stored, below the prefix of the store: `services/specs`.
    pub folder: &'static str,
    /// The rules that only it has.
    pub rules: &'static dyn Rules,
    /// What a table of its objects shows.
    pub columns: &'static [Column],
    /// What field selectors may name.
    pub selection: Selection,
}

/// A version of a kind.
pub struct Version {
    /// `v1beta1`.
    pub name: &'static str,
    /// Its type: `io.k8s.api.apps.v1.Deployment`.
    pub schema: &'static str,
    /// How it becomes the stored version and comes of it; `None` for the stored version itself.
    pub conversion: Option<Conversion>,
}

impl Version {
    /// The version that is stored.
    pub const fn stored(name: &'static str, schema: &'static str) -> Self {
        Self {
            name,
            schema,
            conversion: None,
        }
    }
}

/// The two ways between a version and the stored one. Both work on trees that were read by the schema of where they come from.
#[derive(Clone, Copy)]
pub struct Conversion {
    /// Makes the stored version of it.
    pub store: fn(&mut Tree),
    /// Makes it of the stored version.
    pub serve: fn(&mut Tree),
}

impl Conversion {
    /// Of versions that say the same in the same words.
    pub const SAME: Self = Self {
        store: unchanged,
        serve: unchanged,
    };

    /// Whether an object is served as it is stored, so that nothing need be done.
    pub fn is_same(&self) -> bool {
        // Should the compiler have two of one function, an object is converted in vain.
        std::ptr::fn_addr_eq(self.serve, Self::SAME.serve)
    }
}

const fn unchanged(_object: &mut Tree) {}

/// What can be asked of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// A new object.
    Create,
    /// An object away.
    Delete,
    /// All objects that are selected away.
    DeleteCollection,
    /// One object.
    Get,
    /// All objects that are selected.
    List,
    /// A change of an object.
    Patch,
    /// An object instead of another.
    Update,
    /// What happens to objects.
    Watch,
}

impl Verb {
    /// All that a plain kind has.
    pub const ALL: &'static [Self] = &[
        Self::Create,
        Self::Delete,
        Self::DeleteCollection,
        Self::Get,
        Self::List,
        Self::Patch,
        Self::Update,
        Self::Watch,
    ];
    /// What can be asked of most subresources.
    pub const CHANGE: &'static [Self] = &[Self::Get, Self::Patch, Self::Update];

    /// As discovery and authorization spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
            Self::Get => "get",
            Self::List => "list",
            Self::Patch => "patch",
            Self::Update => "update",
            Self::Watch => "watch",
        }
    }
}

/// What stands below an object of a kind.
pub struct Subresource {
    /// `status`.
    pub name: &'static str,
    /// What can be asked of it.
    pub verbs: &'static [Verb],
    /// Group, version and kind of what is sent and answered; `None` where it is the kind itself.
    pub speaks: Option<(&'static str, &'static str, &'static str)>,
}

impl Subresource {
    /// The half of an object that its controllers write.
    pub const STATUS: Self = Self {
        name: "status",
        verbs: Verb::CHANGE,
        speaks: None,
    };
    /// How many of it there should be.
    pub const SCALE: Self = Self {
        name: "scale",
        verbs: Verb::CHANGE,
        speaks: Some(("autoscaling", "v1", "Scale")),
    };
}

/// Who writes, and when.
pub struct Asked<'a> {
    /// The time at the apiserver.
    pub now: Time,
    /// The user as a `UserInfo` of `authentication.k8s.io`: `username`, `uid`, `groups`, `extra`.
    pub user: &'a Tree,
}

/// The rules that only one kind has. Objects are of the stored version and were read by its schema, so that what is absent
/// is absent and quantities and times have their normal form.
///
/// A rule never asks who may do what, never reads the store and knows no other object: what needs that is admission.
pub trait Rules: Sync {
    /// How names are checked.
    fn name(&self) -> NameRule {
        name_is_dns_subdomain
    }

    /// Fills in what was not said. It is done again on every read of what a client sent, and must change nothing the second
    /// time.
    fn default(&self, _object: &mut Tree) {}

    /// Clears what a client may not say when an object is made, and sets what the server says.
    fn prepare_create(&self, _asked: &Asked<'_>, _object: &mut Tree) {}

    /// The same for an object that takes the place of `old`.
    fn prepare_update(&self, _asked: &Asked<'_>, _object: &mut Tree, _old: &Tree) {}

    /// Checks a new object. The default checks its metadata, which rules of a kind begin with, too.
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
    }

    /// Checks an object that takes the place of `old`.
    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        let path = Path::of("metadata");
        meta::validate_update(&path, meta::metadata(object), meta::metadata(old), refusals);
    }

    /// What a client is warned of, `old` being what the object replaces.
    fn warnings(&self, _object: &Tree, _old: Option<&Tree>) -> Vec<String> {
        Vec::new()
    }

    /// What a client is warned of in a new object before that is prepared, and reads even if the object is refused.
    fn early_warnings(&self, _object: &Tree) -> Vec<String> {
        Vec::new()
    }

    /// Brings a checked object into the form in which it is stored.
    fn canonicalize(&self, _object: &mut Tree) {}

    /// The rules of the status subresource; `None` where there is none.
    fn status(&self) -> Option<&dyn StatusRules> {
        None
    }

    /// The rules of a subresource through which a part of the object is written; the status is one.
    fn part(&self, subresource: &str) -> Option<&dyn StatusRules> {
        if subresource == "status" { self.status() } else { None }
    }

    /// What every client that uses the kind is warned of, where it should use another.
    fn deprecated(&self) -> Option<&'static str> {
        None
    }

    /// Whether an update may make an object that is not there.
    fn creates_on_update(&self) -> bool {
        false
    }

    /// Whether an update may come without a resource version.
    fn updates_unconditionally(&self) -> bool {
        true
    }

    /// For how many seconds an object stays while it is being deleted, where its deletion is graceful: what was asked for
    /// goes in. `None` deletes at once.
    fn grace(&self, _object: &Tree, _asked_for: Option<i64>) -> Option<i64> {
        None
    }

    /// Why nobody may delete the object of this name, where that is so.
    fn undeletable(&self, _name: &str) -> Option<&'static str> {
        None
    }

    /// How an object comes to its end of which others have to clear away first; `None` where a deletion deletes.
    fn end(&self) -> Option<&dyn EndRules> {
        None
    }

    /// What a client is warned of whose deletion leaves the dependents because it does not say what becomes of them.
    fn orphaning(&self) -> Option<&'static str> {
        None
    }

    /// Whether a deletion answers with what was deleted, rather than with that it was.
    fn answers_deleted(&self) -> bool {
        false
    }

    /// What becomes of those that belong to an object that is deleted, where the client says nothing.
    fn dependents(&self) -> Dependents {
        Dependents::Deleted
    }

    /// What a table says of a row beyond its cells: reason and message of why the object has come to its end.
    fn ended(&self, _object: &Tree) -> Option<(&'static str, &'static str)> {
        None
    }

    /// What the rows of a table are sorted by, where it is more than the name.
    fn rank(&self) -> Option<fn(&Tree) -> i64> {
        None
    }

    /// Annotations that inside upstream are fields of the object, so that its metadata alone does not have them.
    fn field_annotations(&self) -> &'static [&'static str] {
        &[]
    }

    /// Why an object that was read by its type cannot be read all the same: an annotation that inside upstream is a field is
    /// none.
    fn unreadable(&self, _object: &Tree) -> Option<String> {
        None
    }

    /// The fields that a write to the object itself never changes, so that no manager owns them: `status`.
    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[]
    }
}

/// What becomes of those that belong to an object that is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependents {
    /// They are deleted, too.
    Deleted,
    /// They stay, as they did when the kind was new.
    Orphaned,
    /// Nothing belongs to such objects.
    Untracked,
}

/// The first deletion of an object, as far as it decides how the object comes to its end.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// The time at the apiserver.
    pub now: Time,
    /// Whether the dependents are to stay, if the client says anything of them.
    pub orphan: Option<bool>,
    /// Whether the dependents are to go first, if the client says anything of them.
    pub foreground: Option<bool>,
}

/// How objects of a kind come to their end of which others have to clear away first. The first deletion does not delete: it
/// is noted in the object, and whoever clears away takes what keeps it.
pub trait EndRules: Sync {
    /// Notes in the object that its end has begun, beyond the time.
    fn begin(&self, object: &mut Tree, end: &End);

    /// Whether nothing of the kind's own keeps the object, finalizers of the metadata aside.
    fn is_over(&self, _object: &Tree) -> bool {
        true
    }
}

/// The rules of a status subresource.
pub trait StatusRules: Sync {
    /// Keeps everything but the status as it was.
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
    }

    /// Checks it.
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        let path = Path::of("metadata");
        meta::validate_update(&path, meta::metadata(object), meta::metadata(old), refusals);
    }

    /// What a client is warned of.
    fn warnings(&self, _object: &Tree, _old: &Tree) -> Vec<String> {
        Vec::new()
    }

    /// The fields that a write to the status never changes: `spec`.
    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"]]
    }

    /// The only fields that a write changes, where that is sooner said than [`Self::reset`]; `*` is any item of a list.
    fn only(&self) -> &'static [&'static [&'static str]] {
        &[]
    }
}

/// Checks the metadata of an object by a kind's rule for names, as rules begin.
pub(crate) fn validate_metadata(name: NameRule, namespaced: bool, object: &Tree, refusals: &mut Refusals) {
    let path = Path::of("metadata");
    meta::validate(&path, meta::metadata(object), namespaced, name, refusals);
    meta::validate_known_finalizers(
        &path.field("finalizers"),
        meta::metadata(object).items("finalizers"),
        refusals,
    );
}

/// Gives a field the value that it had.
pub(crate) fn keep(object: &mut Tree, old: &Tree, field: &str) {
    match old.get(field) {
        Some(value) => object.set(field, value.clone()),
        None => drop(object.remove(field)),
    }
}

/// Gives an object whose status alone is written the metadata that it had (`ResetObjectMetaForStatus`).
pub(crate) fn keep_metadata(object: &mut Tree, old: &Tree) {
    let (old, metadata) = (meta::metadata(old), object.child("metadata"));
    for field in [
        "deletionTimestamp",
        "generation",
        "selfLink",
        "labels",
        "annotations",
        "finalizers",
        "ownerReferences",
    ] {
        keep(metadata, old, field);
    }
}

impl Kind {
    /// The type of what is stored.
    pub(crate) fn stored(&self) -> Option<TypeId> {
        let of = |kind: &Self| kind.versions.iter().find(|version| version.conversion.is_none());
        // What has no version of its own for it is stored as what another kind stores.
        let others = || crate::all().filter(|other| other.folder == self.folder).find_map(of);
        of(self)
            .or_else(others)
            .and_then(|version| built_in().named(version.schema))
    }

    /// Whether two objects of the stored version mean the same at a path of fields.
    pub(crate) fn same(&self, path: &[&str], one: &Tree, other: &Tree) -> bool {
        self.stored().is_some_and(|id| built_in().same(id, path, one, other))
    }

    /// A plain kind, to be given the rest with `..`: served as v1 and stored below its plural.
    pub const PLAIN: Self = Self {
        group: "",
        known_in: None,
        kind: "",
        plural: "",
        singular: "",
        short_names: &[],
        categories: &[],
        namespaced: true,
        versions: &[],
        verbs: Verb::ALL,
        subresources: &[],
        folder: "",
        rules: &Plain,
        columns: column::NAME_AND_AGE,
        selection: Selection::PLAIN,
    };
}

/// No rules of its own.
struct Plain;

impl Rules for Plain {}

#[cfg(test)]
mod tests {
    #[test]
    fn every_kind_is_stored_as_some_type() {
        for kind in crate::all() {
            assert!(kind.stored().is_some(), "{}", kind.kind);
        }
    }
}
