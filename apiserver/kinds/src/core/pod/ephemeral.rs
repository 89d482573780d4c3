//! Ephemeral containers, which come to a running pod and stay.

use apiserver_api::go::quote;
use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{count_generation, update, validate_pod};
use crate::check::same;
use crate::core::metadata::validate_metadata_update;
use crate::diff;
use crate::internal::lines;
use crate::kind::{Asked, StatusRules, keep};
use crate::pod::annotations::MIRROR;
use crate::pod::scope::Options;

const LIST: &str = "ephemeralContainers";
const CONTAINER: &str = "io.k8s.api.core.v1.EphemeralContainer";

pub(super) struct EphemeralContainers;

/// Everything but what a subresource writes stays as it was.
pub(super) fn keep_the_rest(object: &mut Tree, old: &Tree, spec: Tree) {
    object.set("spec", spec);
    keep(object, old, "status");
    let metadata = object.child("metadata");
    for field in [
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "labels",
        "annotations",
        "finalizers",
        "ownerReferences",
    ] {
        keep(metadata, old.at("metadata"), field);
    }
}

/// Refuses a whole request. Upstream shows a field without a name as brackets.
pub(super) fn refuse(refusals: &mut Refusals, detail: &str) {
    *refusals = Refusals::new();
    refusals.forbidden(&Path::root().key(""), detail);
}

impl StatusRules for EphemeralContainers {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        let mut spec = old.at("spec").clone();
        keep(&mut spec, object.at("spec"), LIST);
        keep_the_rest(object, old, spec);
        crate::pod::drop_disabled(object, Some(old));
        count_generation(object, old);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        let options = Options::new(true, Some(old));
        validate_metadata_update(object, old, refusals);
        validate_pod(object, options, refusals);
        update::validate_annotations(object, old, options, refusals);
        if meta::annotations(old).contains(MIRROR) {
            return refuse(refusals, "static pods do not support ephemeral containers");
        }
        let path = Path::of("spec");
        let path = path.field(LIST);
        let new = object.at("spec").items(LIST);
        for old in old.at("spec").items(LIST) {
            let name = quote(old.text("name"));
            let named = |new: &&Tree| new.text("name") == old.text("name");
            match new.iter().rfind(named) {
                None => {
                    let detail = format!("existing ephemeral containers {name} may not be removed\n");
                    refusals.forbidden(&path, &detail);
                }
                Some(new) if !same(CONTAINER, new, old) => {
                    let detail = format!("existing ephemeral containers {name} may not be changed\n");
                    let changes = diff::unified(&lines(CONTAINER, old), &lines(CONTAINER, new));
                    refusals.forbidden(&path, &format!("{detail}{changes}"));
                }
                Some(_) => {}
            }
        }
    }

    fn only(&self) -> &'static [&'static [&'static str]] {
        &[&["spec", LIST]]
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::time::Time;
    use apiserver_api::tree::Tree;

    use super::super::POD;
    use crate::kind::Asked;
    use crate::pod::testing::json;

    fn pod(ephemeral: &str) -> Tree {
        let mut pod = json(&format!(
            r#"{{"metadata":{{"name":"p","namespace":"n","resourceVersion":"1","generation":1}},"spec":
                {{"containers":[{{"name":"c","image":"i"}}],"ephemeralContainers":{ephemeral}}}}}"#
        ));
        POD.rules.default(&mut pod);
        pod
    }

    #[test]
    fn mirrors_have_none() {
        let mut mirror = pod("[]");
        let annotations = json(r#"{"kubernetes.io/config.mirror":"x"}"#);
        mirror.child("metadata").set("annotations", annotations);
        let user = Tree::Null;
        let now = Time::parse("2026-01-01T00:00:00Z").unwrap();
        let asked = Asked { now, user: &user };
        let status = POD.update_part("ephemeralcontainers", &asked, &mut mirror.clone(), &mirror);
        let status = status.unwrap_err().to_tree();
        let told = "Pod \"p\" is invalid: []: Forbidden: static pods do not support ephemeral containers";
        assert_eq!(status.text("message"), told);
        assert_eq!(status.at("details").items("causes")[0].text("field"), "[]");
    }

    #[test]
    fn ephemeral_containers_are_added_and_stay_as_they_are() {
        let user = Tree::Null;
        let now = Time::parse("2026-01-01T00:00:00Z").unwrap();
        let asked = Asked { now, user: &user };
        let one = r#"[{"name":"e","image":"i"}]"#;
        for (old, new, fine) in [
            ("[]", one, true),
            (one, "[]", false),
            (one, r#"[{"name":"e","image":"j"}]"#, false),
            (one, r#"[{"name":"f","image":"j"},{"name":"e","image":"i"}]"#, true),
        ] {
            let mut object = pod(new);
            object.child("spec").set("hostname", "ignored");
            let told = POD.update_part("ephemeralcontainers", &asked, &mut object, &pod(old));
            assert_eq!(told.is_ok(), fine, "{old} {new}");
            assert!(!object.at("spec").has("hostname"));
        }
    }
}
