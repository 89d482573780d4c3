//! The metadata of an object that replaces another, as most kinds of this group begin their checks, and of templates.

use apiserver_api::labels::validate_labels;
use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;
use apiserver_schema::built_in;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// What may not change, and that finalizers without a domain are known.
pub(crate) fn validate_metadata_update(object: &Tree, old: &Tree, refusals: &mut Refusals) {
    let path = Path::of("metadata");
    let metadata = meta::metadata(object);
    meta::validate_update(&path, metadata, meta::metadata(old), refusals);
    meta::validate_known_finalizers(&path.field("finalizers"), metadata.items("finalizers"), refusals);
}

/// Of the metadata of a template of claims only annotations and labels mean something, and nothing else may be there
/// (`ValidateTemplateObjectMeta`).
pub(crate) fn validate_template(path: &Path<'_>, metadata: &Tree, refusals: &mut Refusals) {
    meta::validate_annotations(&path.field("annotations"), metadata.entries("annotations"), refusals);
    validate_labels(&path.field("labels"), metadata.entries("labels"), refusals);
    let schema = built_in();
    let fields = schema.named(OBJECT_META).map(|id| schema.get(id).declared());
    for field in fields.into_iter().flatten().filter(|field| metadata.has(&field.name)) {
        match &*field.name {
            "annotations" | "labels" => {}
            // Upstream makes the first letter of Go's name small.
            "uid" => refusals.forbidden(&path.field("uID"), "cannot be set"),
            name => refusals.forbidden(&path.field(name), "cannot be set"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, validate_metadata_update, validate_template};
    use crate::trial::tree;

    #[test]
    fn an_update_keeps_the_uid_and_brings_no_unknown_finalizer() {
        let old = tree(r#"{"metadata": {"uid": "a", "resourceVersion": "1"}}"#);
        let mut refusals = Refusals::new();
        validate_metadata_update(&old, &old, &mut refusals);
        assert!(refusals.is_empty());
        let new = tree(r#"{"metadata": {"uid": "b", "resourceVersion": "1", "finalizers": ["x", "a.b/c"]}}"#);
        validate_metadata_update(&new, &old, &mut refusals);
        let fields: Vec<&str> = refusals.iter().map(|refusal| refusal.field.as_str()).collect();
        assert_eq!(fields, ["metadata.uid", "metadata.finalizers[0]"]);
    }

    #[test]
    fn a_template_has_no_name_and_no_finalizers() {
        let mut refusals = Refusals::new();
        let metadata = tree(r#"{"finalizers": [], "labels": {"a": "b"}, "name": "n", "uid": "u"}"#);
        validate_template(&Path::of("m"), &metadata, &mut refusals);
        let told: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        let forbidden = ["name", "uID", "finalizers"].map(|field| format!("m.{field}: Forbidden: cannot be set"));
        assert_eq!(told, forbidden);
    }
}
