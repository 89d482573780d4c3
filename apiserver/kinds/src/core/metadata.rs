//! The metadata of an object that replaces another, as most kinds of this group begin their checks.

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

/// What may not change, and that finalizers without a domain are known.
pub(crate) fn validate_metadata_update(object: &Tree, old: &Tree, refusals: &mut Refusals) {
    let path = Path::of("metadata");
    let metadata = meta::metadata(object);
    meta::validate_update(&path, metadata, meta::metadata(old), refusals);
    meta::validate_known_finalizers(&path.field("finalizers"), metadata.items("finalizers"), refusals);
}

#[cfg(test)]
mod tests {
    use super::{Refusals, validate_metadata_update};
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
}
