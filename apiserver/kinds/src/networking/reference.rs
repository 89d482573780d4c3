//! References to objects of any kind, as ingresses and their classes have them.

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::text::{required, tell};

/// A group, a kind and a name, of which only the group may be missing.
pub(super) fn validate(path: &Path<'_>, reference: &Tree, refusals: &mut Refusals) {
    if let Some(group) = reference.at("apiGroup").as_str() {
        tell(&path.field("apiGroup"), group, names::dns_subdomain(group), refusals);
    }
    for field in ["kind", "name"] {
        required(&path.field(field), reference.text(field), names::path_segment, refusals);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::parse;

    #[test]
    fn a_reference_says_kind_and_name() {
        for (reference, wrong) in [
            (r#"{"kind":"K","name":"n"}"#, 0),
            (r#"{"kind":"K","name":"n","apiGroup":"g.io"}"#, 0),
            (r#"{"kind":"K","name":"n","apiGroup":""}"#, 1),
            (r#"{"kind":"a/b","name":".."}"#, 2),
            ("{}", 2),
        ] {
            let mut refusals = Refusals::new();
            let tree = parse(reference.as_bytes()).unwrap().tree;
            super::validate(&Path::of("resource"), &tree, &mut refusals);
            assert_eq!(refusals.len(), wrong, "{reference}: {refusals}");
        }
    }
}
