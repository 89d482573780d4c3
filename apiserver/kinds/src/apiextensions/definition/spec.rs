//! What a definition says: its group, its scope, and how its parts fit each other.

use std::collections::{HashMap, HashSet};

use apiserver_api::meta::validate_immutable;
use apiserver_api::names::{dns_1035_label, dns_subdomain};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::schema::{self, Strictness};
use super::view::View;
use super::{conversion, names, shown, version};
use crate::check::one_of;
use crate::webhook::has_known_review_version;

/// What is asked of a definition. An update need not mend what the old object has wrong.
pub(super) struct Options {
    recognized: bool,
    fixed: bool,
    all_schemas: bool,
    /// Names of versions that keep more fields to select by than there may be.
    many: HashSet<String>,
    /// Names of versions whose schemas did not change.
    unchanged: HashSet<String>,
    strictness: Strictness,
}

impl Options {
    /// All that is asked of a new definition.
    pub(super) fn of_new() -> Self {
        Self {
            recognized: true,
            fixed: false,
            all_schemas: true,
            many: HashSet::new(),
            unchanged: HashSet::new(),
            strictness: Strictness::all(),
        }
    }

    /// What is asked of a definition that replaces `old`.
    pub(super) fn of_update(object: &Tree, old: &Tree) -> Self {
        let (new_versions, old_spec) = (object.at("spec").items("versions"), old.at("spec"));
        let reviews = conversion::review_versions(old_spec.at("conversion"));
        let old_versions = old_spec.items("versions");
        let has_schema = |version: &Tree| version.at("schema").has("openAPIV3Schema");
        let conditions = old.at("status").items("conditions").iter();
        let mut established = conditions.filter(|one| one.text("type") == "Established");
        let named: HashMap<&str, &Tree> = old_versions.iter().rev().map(|old| (old.text("name"), old)).collect();
        let keeps = |new: &&Tree| {
            let before = named.get(new.text("name"));
            before.is_some_and(|old| version::keeps_many(new.at("selectableFields"), old.at("selectableFields")))
        };
        let many = new_versions.iter().filter(keeps);
        let stays = |new: &&Tree| {
            let before = named.get(new.text("name"));
            before.is_some_and(|old| old.at("schema") == new.at("schema"))
        };
        let unchanged = new_versions.iter().filter(stays);
        Self {
            recognized: reviews.is_empty() || has_known_review_version(reviews),
            fixed: established.any(|one| one.text("status") == "True"),
            all_schemas: old_versions.iter().all(has_schema),
            many: many.map(|version| version.text("name").to_owned()).collect(),
            unchanged: unchanged.map(|version| version.text("name").to_owned()).collect(),
            strictness: Strictness::of(&View::schemas_of(old_versions)),
        }
    }
}

impl Options {
    /// What is asked of the schema of a version.
    fn strictness_for(&self, version: &str, strictness: Strictness) -> Strictness {
        if self.unchanged.contains(version) {
            strictness.unchanged()
        } else {
            strictness
        }
    }
}

/// Checks a spec that replaces `old` or is new.
pub(super) fn validate(view: &View<'_>, old: Option<&Tree>, options: &Options, refusals: &mut Refusals) {
    let (path, spec) = (Path::of("spec"), view.spec);
    validate_group(&path.field("group"), spec.text("group"), refusals);
    one_of(
        &path.field("scope"),
        spec.text("scope"),
        &["Cluster", "Namespaced"],
        true,
        refusals,
    );
    let pruning = !spec.flag("preserveUnknownFields");
    require_schemas(&path, view, options.all_schemas, pruning, refusals);
    let schemas = View::schemas_of(view.versions);
    let has = |test: fn(&Tree) -> bool| schemas.iter().any(|one| schema::any(one, &test));
    if !pruning && has(schema::has_default) {
        let detail = "must be false in order to use defaults in the schema";
        refusals.invalid(&path.field("preserveUnknownFields"), true, detail);
    }
    let structural = pruning || has(schema::has_default) || has(schema::has_extension);
    let strictness = options.strictness.with_structural(structural);
    validate_versions(&path, view, options, strictness, refusals);
    validate_storage(&path.field("versions"), view, refusals);
    if let Some(first) = view.versions.first() {
        // What upstream keeps of the first version's name at the top.
        let messages = dns_1035_label(first.text("name"));
        if !first.text("name").is_empty() && !messages.is_empty() {
            refusals.invalid(&path.field("version"), first.text("name"), &messages.join(","));
        }
    }
    names::validate_required(&path.field("names"), spec.at("names"), refusals);
    names::validate(&path.field("names"), spec.at("names"), refusals);
    validate_top(&path, view, options, strictness, refusals);
    let (conversion, conversion_path) = (spec.at("conversion"), path.field("conversion"));
    if !pruning && conversion.text("strategy") != "None" {
        let detail = "must be None if spec.preserveUnknownFields is true";
        refusals.invalid(&conversion_path.field("strategy"), conversion.text("strategy"), detail);
    }
    conversion::validate(&conversion_path, conversion, options.recognized, refusals);
    if let Some(old) = old {
        validate_fixed(&path, spec, old, options.fixed, refusals);
    }
}

fn validate_group(path: &Path<'_>, group: &str, refusals: &mut Refusals) {
    let messages = dns_subdomain(group);
    if group.is_empty() {
        refusals.required(path, "");
    } else if !messages.is_empty() {
        refusals.invalid(path, group, &messages.join(","));
    } else if !group.contains('.') {
        refusals.invalid(path, group, "should be a domain with at least one dot");
    }
}

fn require_schemas(path: &Path<'_>, view: &View<'_>, all: bool, pruning: bool, refusals: &mut Refusals) {
    for (at, version) in view.versions.iter().enumerate() {
        if version.at("schema").has("openAPIV3Schema") {
            continue;
        }
        let path = path.field("versions");
        let path = path.index(at);
        let path = path.field("schema");
        let path = path.field("openAPIV3Schema");
        if all {
            refusals.required(&path, "");
        } else if pruning && version.flag("served") {
            refusals.required(&path, "because otherwise all fields are pruned");
        }
    }
}

fn validate_versions(
    path: &Path<'_>,
    view: &View<'_>,
    options: &Options,
    strictness: Strictness,
    refusals: &mut Refusals,
) {
    for (at, one) in view.versions.iter().enumerate() {
        let path = path.field("versions");
        let path = path.index(at);
        let name = one.text("name");
        let messages = dns_1035_label(name);
        if !messages.is_empty() {
            refusals.invalid(&path.field("name"), name, &messages.join(","));
        }
        version::validate_warning(&path.field("deprecationWarning"), one, refusals);
        let schema = view.own(one, "schema");
        schema::validate(
            &path.field("schema"),
            schema,
            View::has_status(one),
            options.strictness_for(name, strictness),
            refusals,
        );
        version::validate_subresources(&path.field("subresources"), view.own(one, "subresources"), refusals);
        let columns = view.own(one, "additionalPrinterColumns");
        version::validate_columns(&path.field("additionalPrinterColumns"), columns, refusals);
        let fields = view.own(one, "selectableFields").as_list().unwrap_or_default();
        if fields.is_empty() {
            continue;
        }
        let path = path.field("selectableFields");
        let schema = schema.at("openAPIV3Schema");
        if schema.is_null() {
            let detail = "may only be set when `version.schema.openAPIV3Schema` is not included";
            refusals.invalid(&path, "", detail);
        } else {
            let many = options.many.contains(name);
            version::validate_selectable(&path, fields, schema, many, refusals);
        }
    }
}

/// Names are of one version each, and one version stores.
fn validate_storage(path: &Path<'_>, view: &View<'_>, refusals: &mut Refusals) {
    let versions = view.versions;
    let mut seen = HashSet::new();
    if !versions.iter().all(|one| seen.insert(one.text("name"))) {
        refusals.invalid(path, shown::versions(view), "must contain unique version names");
    }
    if versions.iter().filter(|one| one.flag("storage")).count() != 1 {
        let detail = "must have exactly one version marked as storage version";
        refusals.invalid(path, shown::versions(view), detail);
    }
}

/// Checks what all versions share. The version at the top is the first.
fn validate_top(path: &Path<'_>, view: &View<'_>, options: &Options, strictness: Strictness, refusals: &mut Refusals) {
    let any_status = view.versions.iter().any(View::has_status);
    let first = view.versions.first().map_or("", |version| version.text("name"));
    schema::validate(
        &path.field("validation"),
        view.top("schema"),
        any_status,
        options.strictness_for(first, strictness),
        refusals,
    );
    version::validate_subresources(&path.field("subresources"), view.top("subresources"), refusals);
    let columns = view.top("additionalPrinterColumns");
    version::validate_columns(&path.field("additionalPrinterColumns"), columns, refusals);
    let fields = view.top("selectableFields").as_list().unwrap_or_default();
    if fields.is_empty() {
        return;
    }
    let path = path.field("selectableFields");
    let schema = view.top("schema").at("openAPIV3Schema");
    if schema.is_null() {
        let detail = "may only be set when validations.schema is included";
        refusals.invalid(&path, "", detail);
    } else {
        let many = options.many.len() == view.versions.len();
        version::validate_selectable(&path, fields, schema, many, refusals);
    }
}

/// What objects are stored under stays.
fn validate_fixed(path: &Path<'_>, spec: &Tree, old: &Tree, fixed: bool, refusals: &mut Refusals) {
    let (names, old_names, names_path) = (spec.at("names"), old.at("names"), path.field("names"));
    if fixed {
        validate_immutable(&path.field("scope"), spec.at("scope"), old.at("scope"), refusals);
        validate_immutable(
            &names_path.field("kind"),
            names.at("kind"),
            old_names.at("kind"),
            refusals,
        );
    }
    validate_immutable(&path.field("group"), spec.at("group"), old.at("group"), refusals);
    let path = names_path.field("plural");
    validate_immutable(&path, names.at("plural"), old_names.at("plural"), refusals);
}
