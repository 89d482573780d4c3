//! `Binding`: the decision on which node a pod runs. It is carried out and never stored.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::kind::{Asked, Kind, Rules, Verb, Version};

/// The entry of the table.
pub(crate) const BINDING: Kind = Kind {
    kind: "Binding",
    plural: "bindings",
    singular: "binding",
    versions: &[Version::stored("v1", "io.k8s.api.core.v1.Binding")],
    verbs: &[Verb::Create],
    folder: "bindings",
    rules: &Binding,
    ..Kind::PLAIN
};

struct Binding;

impl Rules for Binding {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        let (path, target) = (Path::of("target"), object.at("target"));
        let kind = target.text("kind");
        if !kind.is_empty() && kind != "Node" {
            refusals.not_supported(&path.field("kind"), kind, &["Node", "<empty>"]);
        }
        if target.text("name").is_empty() {
            refusals.required(&path.field("name"), "");
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;
    use apiserver_api::time::Time;
    use apiserver_api::tree::Tree;

    use super::Binding;
    use crate::kind::{Asked, Rules};
    use crate::pod::testing::{json, words};

    #[test]
    fn a_pod_is_bound_to_a_node() {
        let user = Tree::Null;
        let now = Time::parse("2026-01-01T00:00:00Z").unwrap();
        let asked = Asked { now, user: &user };
        for (target, told) in [
            (r#"{"kind":"Node","name":"n"}"#, ""),
            (r#"{"name":"n"}"#, ""),
            (
                r#"{"kind":"Pod","name":"n"}"#,
                r#"target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>""#,
            ),
            ("{}", "target.name: Required value"),
        ] {
            let mut refusals = Refusals::new();
            Binding.validate(&asked, &json(&format!(r#"{{"target":{target}}}"#)), &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }
}
