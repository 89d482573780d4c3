//! Ephemeral containers, which come to a running pod and stay.

use std::collections::HashMap;

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
        validate_kept(
            &path,
            object.at("spec").items(LIST),
            old.at("spec").items(LIST),
            refusals,
        );
    }

    fn only(&self) -> &'static [&'static [&'static str]] {
        &[&["spec", LIST]]
    }
}

/// What was there is there still, and as it was.
fn validate_kept(path: &Path<'_>, new: &[Tree], old: &[Tree], refusals: &mut Refusals) {
    // Of equal names the last counts.
    let new: HashMap<&str, &Tree> = new.iter().map(|one| (one.text("name"), one)).collect();
    let mut looks = diff::LOOKS;
    for old in old {
        if refusals.is_full() {
            return;
        }
        let name = old.text("name");
        match new.get(name) {
            None => {
                let detail = format!("existing ephemeral containers {} may not be removed\n", quote(name));
                refusals.forbidden(path, &detail);
            }
            Some(new) if !same(CONTAINER, new, old) => {
                let detail = format!("existing ephemeral containers {} may not be changed\n", quote(name));
                let changes = diff::unified_within(&lines(CONTAINER, old), &lines(CONTAINER, new), &mut looks);
                refusals.forbidden(path, &format!("{detail}{changes}"));
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::time::Time;
    use apiserver_api::tree::Tree;

    use super::super::POD;
    use super::validate_kept;
    use crate::kind::Asked;
    use crate::pod::testing::{json, words};

    #[test]
    fn a_hundred_thousand_containers_find_themselves() {
        let named = |at: usize| {
            let mut container = Tree::map();
            container.set("name", at.to_string());
            container
        };
        let old: Vec<Tree> = (0..100_000).map(named).collect();
        let mut new = old.clone();
        // Of equal names the last counts.
        new.push(old[7].clone());
        new[7].set("image", "i");
        new.retain(|one| one.text("name") != "9");
        let mut refusals = Refusals::new();
        validate_kept(&Path::of("e"), &new, &old, &mut refusals);
        let told = "e: Forbidden: existing ephemeral containers \"9\" may not be removed\n";
        assert_eq!(words(&refusals), told);
    }

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
