//! `Namespace`: where other objects live, which goes only when they are gone.

use apiserver_api::meta;
use apiserver_api::names::{NameRule, name_is_dns_label, qualified_name};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::metadata::validate_metadata_update;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::kind::{
    Asked, End, EndRules, Kind, Rules, StatusRules, Subresource, Verb, Version, keep, validate_metadata,
};
use crate::selection::{Selectable, Selection};

/// What keeps a namespace until it is empty.
const FINALIZER: &str = "kubernetes";
/// The label by which selectors find a namespace of a name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";
/// The subresource that alone takes finalizers of the spec away.
const FINALIZE: &str = "finalize";

/// The entry of the table.
pub(crate) const NAMESPACE: Kind = Kind {
    kind: "Namespace",
    plural: "namespaces",
    singular: "namespace",
    short_names: &["ns"],
    namespaced: false,
    versions: &[Version::stored("v1", "io.k8s.api.core.v1.Namespace")],
    verbs: &[
        Verb::Create,
        Verb::Delete,
        Verb::Get,
        Verb::List,
        Verb::Patch,
        Verb::Update,
        Verb::Watch,
    ],
    subresources: &[
        Subresource {
            name: FINALIZE,
            verbs: &[Verb::Update],
            speaks: None,
        },
        Subresource::STATUS,
    ],
    folder: "namespaces",
    rules: &Namespace,
    columns: &[
        NAME,
        Column {
            name: "Status",
            kind: "string",
            format: "",
            words: Words::Text("The status of the namespace"),
            priority: 0,
            cell: Cell::Is(|object| object.at("status").text("phase").into()),
        },
        AGE,
    ],
    selection: Selection {
        labels: &["metadata.name", "status.phase"],
        fields: &[Selectable::text("status.phase")],
        ..Selection::OWN
    },
    ..Kind::PLAIN
};

struct Namespace;

impl Rules for Namespace {
    fn name(&self) -> NameRule {
        name_is_dns_label
    }

    fn default(&self, object: &mut Tree) {
        label(object);
        let status = object.child("status");
        if status.text("phase").is_empty() {
            status.set("phase", "Active");
        }
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        let mut status = Tree::map();
        status.set("phase", "Active");
        object.set("status", status);
        let spec = object.child("spec");
        let mut finalizers = spec.items("finalizers").to_vec();
        if !finalizers.iter().any(|one| one.as_str() == Some(FINALIZER)) {
            finalizers.push(FINALIZER.into());
        }
        spec.set("finalizers", finalizers);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object.child("spec"), old.at("spec"), "finalizers");
        keep(object, old, "status");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), false, object, refusals);
        let spec = Path::of("spec");
        for finalizer in object.at("spec").items("finalizers") {
            validate_finalizer(&spec.field("finalizers"), finalizer, refusals);
        }
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        self.validate(asked, object, refusals);
        validate_metadata_update(object, old, refusals);
    }

    fn canonicalize(&self, object: &mut Tree) {
        // A name that was generated came after the defaults.
        label(object);
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(&Status)
    }

    fn part(&self, subresource: &str) -> Option<&dyn StatusRules> {
        match subresource {
            "status" => Some(&Status),
            FINALIZE => Some(&Finalize),
            _ => None,
        }
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn end(&self) -> Option<&dyn EndRules> {
        Some(self)
    }

    fn answers_deleted(&self) -> bool {
        true
    }
}

/// A namespace stays until what lives in it is gone; whoever sees to that finalizes it.
impl EndRules for Namespace {
    fn begin(&self, object: &mut Tree, end: &End) {
        object.child("status").set("phase", "Terminating");
        for (finalizer, wanted) in [(meta::ORPHAN, end.orphan), (meta::FOREGROUND_DELETION, end.foreground)] {
            match wanted {
                Some(true) => meta::add_finalizer(object, finalizer),
                Some(false) => drop(meta::remove_finalizer(object, finalizer)),
                None => {}
            }
        }
    }

    fn is_over(&self, object: &Tree) -> bool {
        object.at("spec").items("finalizers").is_empty()
    }
}

fn label(object: &mut Tree) {
    let name = meta::name(object).to_owned();
    if !name.is_empty() {
        meta::set_label(object, NAME_LABEL, &name);
    }
}

/// A finalizer of the spec must be known or have a domain.
fn validate_finalizer(path: &Path<'_>, finalizer: &Tree, refusals: &mut Refusals) {
    let name = finalizer.as_str().unwrap_or_default();
    for message in qualified_name(name) {
        refusals.invalid(path, name, &message);
    }
    if !name.contains('/') && ![FINALIZER, meta::ORPHAN, meta::FOREGROUND_DELETION].contains(&name) {
        let detail = "name is neither a standard finalizer name nor is it fully qualified";
        refusals.invalid(path, name, detail);
    }
}

struct Status;

impl StatusRules for Status {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let path = Path::of("status");
        let phase = object.at("status").text("phase");
        if meta::is_deleting(object) {
            if phase != "Terminating" {
                let detail = "may only be 'Terminating' if `deletionTimestamp` is not empty";
                refusals.invalid(&path.field("Phase"), phase, detail);
            }
        } else if phase != "Active" {
            let detail = "may only be 'Active' if `deletionTimestamp` is empty";
            refusals.invalid(&path.field("Phase"), phase, detail);
        }
    }
}

/// Takes finalizers of the spec away.
struct Finalize;

impl StatusRules for Finalize {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let spec = Path::of("spec");
        let path = spec.field("finalizers");
        for (at, finalizer) in object.at("spec").items("finalizers").iter().enumerate() {
            validate_finalizer(&path.index(at), finalizer, refusals);
        }
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::meta;
    use apiserver_api::time::Time;

    use super::{End, NAMESPACE};
    use crate::trial::{asked, create, object, refused, tree, update, update_status};

    #[test]
    fn a_namespace_is_active_labelled_and_finalized() {
        let made = create(
            &NAMESPACE,
            r#"{"spec": {"finalizers": ["a.b/c"]}, "status": {"phase": "x"}}"#,
        )
        .unwrap();
        assert_eq!(made.at("status"), &tree(r#"{"phase": "Active"}"#));
        assert_eq!(made.at("spec"), &tree(r#"{"finalizers": ["a.b/c", "kubernetes"]}"#));
        let labels = made.at("metadata").at("labels");
        assert_eq!(labels.text("kubernetes.io/metadata.name"), "x");
    }

    #[test]
    fn finalizers_of_the_spec_are_known_or_have_a_domain() {
        let told = refused(&NAMESPACE, r#"{"spec": {"finalizers": ["kubernetes", "a.b/c", "x"]}}"#);
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("spec.finalizers: "));
    }

    #[test]
    fn an_update_changes_neither_finalizers_nor_status() {
        let old = r#"{"spec": {"finalizers": ["kubernetes"]}}"#;
        let new = update(&NAMESPACE, old, r#"{"spec": {}, "status": {"phase": "x"}}"#).unwrap();
        assert_eq!(new.at("spec"), &tree(r#"{"finalizers": ["kubernetes"]}"#));
        assert_eq!(new.at("status").text("phase"), "Active");
    }

    #[test]
    fn the_phase_says_whether_it_is_on_its_way_out() {
        let deleting =
            r#"{"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": "Terminating"}}"#;
        assert!(update_status(&NAMESPACE, deleting, deleting).is_ok());
        assert!(update_status(&NAMESPACE, "{}", r#"{"status": {"phase": "Terminating"}}"#).is_err());
        assert!(update_status(&NAMESPACE, deleting, r#"{"status": {"phase": "Active"}}"#).is_err());
    }

    #[test]
    fn a_namespace_ends_when_it_is_finalized() {
        let rules = NAMESPACE.rules.end().unwrap();
        let mut namespace = tree(r#"{"metadata": {"finalizers": ["orphan"]}, "spec": {"finalizers": ["kubernetes"]}}"#);
        let now = Time::from_unix(0);
        let silent = End {
            now,
            orphan: None,
            foreground: None,
        };
        rules.begin(&mut namespace, &silent);
        assert_eq!(namespace.at("status").text("phase"), "Terminating");
        assert!(meta::has_finalizer(&namespace, "orphan") && !rules.is_over(&namespace));
        let first = End {
            now,
            orphan: Some(false),
            foreground: Some(true),
        };
        rules.begin(&mut namespace, &first);
        let finalizers: Vec<&str> = meta::finalizers(&namespace).collect();
        assert_eq!(finalizers, ["foregroundDeletion"]);
        namespace.child("spec").remove("finalizers");
        assert!(rules.is_over(&namespace));
    }

    #[test]
    fn finalize_takes_finalizers_away() {
        asked(|asked| {
            let old = object(&NAMESPACE, r#"{"spec": {"finalizers": ["kubernetes"]}}"#);
            let mut new = object(&NAMESPACE, r#"{"spec": {"finalizers": []}}"#);
            NAMESPACE.update_part("finalize", asked, &mut new, &old).unwrap();
            assert!(new.at("spec").items("finalizers").is_empty());
        });
    }
}
