//! `CustomResourceDefinition`: a kind that users define, with its names, its versions and their schemas.

mod approval;
mod conversion;
mod names;
mod schema;
mod shown;
mod spec;
mod version;
mod view;

use std::collections::HashSet;

use apiserver_api::go::quote;
use apiserver_api::meta;
use apiserver_api::names::{Messages, name_is_dns_subdomain};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use self::spec::Options;
use self::view::View;
use crate::check::count_generation;
use crate::kind::{Asked, End, EndRules, Kind, Rules, StatusRules, Subresource, Version, keep};
use crate::webhook;

/// What keeps a definition until the objects that it defines are gone.
const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";
/// The condition that says that they are on their way out.
const TERMINATING: &str = "Terminating";

/// The entry of the table.
pub(super) const DEFINITION: Kind = Kind {
    group: "apiextensions.k8s.io",
    kind: "CustomResourceDefinition",
    plural: "customresourcedefinitions",
    singular: "customresourcedefinition",
    short_names: &["crd", "crds"],
    categories: &["api-extensions"],
    namespaced: false,
    versions: &[Version::stored(
        "v1",
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
    )],
    subresources: &[Subresource::STATUS],
    folder: "apiextensions.k8s.io/customresourcedefinitions",
    rules: &Definition,
    ..Kind::PLAIN
};

struct Definition;

impl Rules for Definition {
    fn default(&self, object: &mut Tree) {
        let spec = object.child("spec");
        let names = spec.child("names");
        let kind = names.text("kind").to_owned();
        if names.text("singular").is_empty() && !kind.is_empty() {
            names.set("singular", kind.to_lowercase());
        }
        if names.text("listKind").is_empty() && !kind.is_empty() {
            names.set("listKind", format!("{kind}List"));
        }
        if !spec.has("conversion") {
            spec.child("conversion").set("strategy", "None");
        }
        let config = spec.child("conversion").get_mut("webhook");
        let config = config.and_then(|webhook| webhook.get_mut("clientConfig"));
        if let Some(config) = config.filter(|config| !config.is_null()) {
            webhook::default_port(config);
        }
        let stored = stored_version(object);
        if let (true, Some(stored)) = (object.at("status").items("storedVersions").is_empty(), stored) {
            object.child("status").set("storedVersions", vec![stored]);
        }
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        let mut status = Tree::map();
        let names = status.child("acceptedNames");
        names.set("kind", "");
        names.set("plural", "");
        status.set("conditions", Tree::Null);
        status.set("storedVersions", Tree::Null);
        object.set("status", status);
        add_stored_version(object);
        meta::set_generation(object, 1);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        count_generation(&DEFINITION, object, old, "spec");
        add_stored_version(object);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        let spec = object.at("spec");
        let required = format!("{}.{}", spec.at("names").text("plural"), spec.text("group"));
        let rule = |name: &str, prefix| wrong_with_name(name, prefix, &required);
        meta::validate(&Path::of("metadata"), meta::metadata(object), false, rule, refusals);
        validate(object, None, &Options::of_new(), refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        let path = Path::of("metadata");
        meta::validate_update(&path, meta::metadata(object), meta::metadata(old), refusals);
        validate(object, Some(old), &Options::of_update(object, old), refusals);
    }

    fn warnings(&self, object: &Tree, old: Option<&Tree>) -> Vec<String> {
        let formats = |object: &Tree| -> Vec<String> {
            let versions = object.at("spec").items("versions");
            let schemas = View::schemas_of(versions);
            schemas.into_iter().flat_map(schema::unknown_formats).collect()
        };
        let known: HashSet<String> = old.map(formats).into_iter().flatten().collect();
        let new = formats(object).into_iter().filter(|format| !known.contains(format));
        new.map(|format| format!("unrecognized format {}", quote(&format)))
            .collect()
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(self)
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }

    fn end(&self) -> Option<&dyn EndRules> {
        Some(self)
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

/// A definition stays until the objects that it defines are gone.
impl EndRules for Definition {
    fn begin(&self, object: &mut Tree, end: &End) {
        meta::add_finalizer(object, CLEANUP);
        let mut condition = Tree::map();
        condition.set("type", TERMINATING);
        condition.set("status", "True");
        condition.set("reason", "InstanceDeletionPending");
        condition.set(
            "message",
            "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
        );
        let mut conditions = object.at("status").items("conditions").to_vec();
        let before = conditions.iter().position(|one| one.text("type") == TERMINATING);
        let since = before.map_or(&Tree::Null, |at| &conditions[at]);
        let moment = since.at("lastTransitionTime");
        if since.text("status") == "True" && !moment.is_null() {
            condition.set("lastTransitionTime", moment.clone());
        } else {
            condition.set("lastTransitionTime", end.now.to_string());
        }
        match before {
            Some(at) => conditions[at] = condition,
            None => conditions.push(condition),
        }
        object.child("status").set("conditions", conditions);
    }
}

impl StatusRules for Definition {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        let path = Path::of("metadata");
        meta::validate_update(&path, meta::metadata(object), meta::metadata(old), refusals);
        let path = Path::of("status");
        names::validate(
            &path.field("acceptedNames"),
            object.at("status").at("acceptedNames"),
            refusals,
        );
    }
}

fn wrong_with_name(name: &str, prefix: bool, required: &str) -> Messages {
    let mut messages = name_is_dns_subdomain(name, prefix);
    if name != required {
        messages.push("must be spec.names.plural+\".\"+spec.group".into());
    }
    messages
}

/// The version that objects are stored in.
fn stored_version(object: &Tree) -> Option<Tree> {
    let versions = object.at("spec").items("versions").iter();
    let mut stored = versions.filter(|version| version.flag("storage"));
    stored.next().map(|version| version.text("name").into())
}

/// Remembers that objects may be stored in the version that now stores them.
fn add_stored_version(object: &mut Tree) {
    let Some(stored) = stored_version(object) else {
        return;
    };
    let mut versions = object.at("status").items("storedVersions").to_vec();
    if !versions.contains(&stored) {
        versions.push(stored);
        object.child("status").set("storedVersions", versions);
    }
}

fn validate(object: &Tree, old: Option<&Tree>, options: &Options, refusals: &mut Refusals) {
    let view = View::of(object.at("spec"));
    spec::validate(&view, old.map(|old| old.at("spec")), options, refusals);
    let (path, status) = (Path::of("status"), object.at("status"));
    names::validate(&path.field("acceptedNames"), status.at("acceptedNames"), refusals);
    validate_stored(
        &path.field("storedVersions"),
        status.at("storedVersions"),
        view.versions,
        refusals,
    );
    approval::validate(object, old, refusals);
    let preserves = |object: &Tree| object.at("spec").flag("preserveUnknownFields");
    if preserves(object) && !old.is_some_and(preserves) {
        let path = Path::of("spec");
        let detail =
            "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        refusals.invalid(&path.field("preserveUnknownFields"), true, detail);
    }
}

/// Versions in which objects may be stored do not go away, and the one that stores is among them.
fn validate_stored(path: &Path<'_>, stored: &Tree, versions: &[Tree], refusals: &mut Refusals) {
    let names = stored.as_list().unwrap_or_default();
    if names.is_empty() {
        return refusals.invalid(path, stored, "must have at least one stored version");
    }
    for version in versions.iter().filter(|version| version.flag("storage")) {
        if !names.contains(version.at("name")) {
            let detail = format!("must have the storage version {}", version.text("name"));
            refusals.invalid(path, stored, &detail);
        }
    }
    for (at, name) in names.iter().enumerate() {
        if versions.iter().all(|version| version.at("name") != name) {
            let given = name.as_str().unwrap_or_default();
            let detail = format!(
                "missing from spec.versions; {given} was previously a storage version, and must remain in spec.versions until \
                 a storage migration ensures no data remains persisted in {given} and removes {given} from status.storedVersions"
            );
            refusals.invalid(&path.index(at), given, &detail);
        }
    }
}

#[cfg(test)]
mod tests;
