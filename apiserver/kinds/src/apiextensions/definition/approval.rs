//! Groups of the Kubernetes community are for reviewed APIs only.

use apiserver_api::go::quote;
use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

const ANNOTATION: &str = "api-approved.kubernetes.io";

#[derive(PartialEq, Eq)]
enum State {
    Missing,
    Bypassed,
    Approved,
    Invalid,
}

fn state(object: &Tree) -> State {
    match meta::annotation(object, ANNOTATION).unwrap_or_default() {
        "" => State::Missing,
        text if text.starts_with("unapproved") => State::Bypassed,
        text if is_address(text) => State::Approved,
        _ => State::Invalid,
    }
}

/// Whether this is a URL with a scheme and a host.
fn is_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(word) && !host.is_empty()
}

/// Checks that a definition in such a group says who approved it; an update that does not change this may leave it.
pub(super) fn validate(object: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let group = object.at("spec").text("group");
    let protected = ["k8s.io", "kubernetes.io"];
    let within = |domain: &str| {
        group
            .strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let new = state(object);
    if !protected.into_iter().any(within) || old.is_some_and(|old| state(old) == new) {
        return;
    }
    let path = Path::of("metadata");
    let path = path.field("annotations");
    let path = path.key(ANNOTATION);
    let head = format!("protected groups must have approval annotation {}", quote(ANNOTATION));
    let tail = "see https://github.com/kubernetes/enhancements/pull/1111";
    match new {
        State::Missing => refusals.required(&path, &format!("{head}, {tail}")),
        State::Invalid => {
            let given = meta::annotation(object, ANNOTATION).unwrap_or_default();
            let detail = format!("{head} with either a URL or a reason starting with \"unapproved\", {tail}");
            refusals.invalid(&path, given, &detail);
        }
        State::Approved | State::Bypassed => {}
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::meta::set_annotation;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::Tree;

    use super::{ANNOTATION, validate};

    #[test]
    fn definitions_in_community_groups_say_who_approved_them() {
        for (group, annotation, fine) in [
            ("a.example.com", "", true),
            ("a.k8s.io", "", false),
            ("k8s.io", "x", false),
            ("notk8s.io", "", true),
            ("a.kubernetes.io", "https://github.com/x", true),
            ("a.kubernetes.io", "unapproved, for tests", true),
        ] {
            let mut object = Tree::map();
            object.child("spec").set("group", group);
            set_annotation(&mut object, ANNOTATION, annotation);
            let mut refusals = Refusals::new();
            validate(&object, Some(&object), &mut refusals);
            assert!(refusals.is_empty());
            validate(&object, None, &mut refusals);
            assert_eq!(refusals.is_empty(), fine, "{group} {annotation}: {refusals}");
        }
    }
}
