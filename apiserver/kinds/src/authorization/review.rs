//! `SubjectAccessReview` and its kin: may this user do this?

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Map, Tree};

use super::{GROUP, selectors};
use crate::internal::shown;
use crate::kind::{Asked, Kind, Rules, Verb, Version};
use crate::text::{METADATA, wipe_system_metadata};

/// A path as messages show it.
const PATH_ATTRIBUTES: &str = "io.k8s.api.authorization.v1.NonResourceAttributes";

/// What all have.
const QUESTION: Kind = Kind {
    group: GROUP,
    namespaced: false,
    verbs: &[Verb::Create],
    ..Kind::PLAIN
};

/// The entry of the table.
pub(crate) const SUBJECT_ACCESS_REVIEW: Kind = Kind {
    kind: "SubjectAccessReview",
    plural: "subjectaccessreviews",
    singular: "subjectaccessreview",
    versions: &[Version::stored("v1", "io.k8s.api.authorization.v1.SubjectAccessReview")],
    rules: &Review::Anybody,
    ..QUESTION
};

/// The entry of the table.
pub(crate) const SELF_SUBJECT_ACCESS_REVIEW: Kind = Kind {
    kind: "SelfSubjectAccessReview",
    plural: "selfsubjectaccessreviews",
    singular: "selfsubjectaccessreview",
    versions: &[Version::stored(
        "v1",
        "io.k8s.api.authorization.v1.SelfSubjectAccessReview",
    )],
    rules: &Review::Myself,
    ..QUESTION
};

/// The entry of the table.
pub(crate) const LOCAL_SUBJECT_ACCESS_REVIEW: Kind = Kind {
    kind: "LocalSubjectAccessReview",
    plural: "localsubjectaccessreviews",
    singular: "localsubjectaccessreview",
    namespaced: true,
    versions: &[Version::stored(
        "v1",
        "io.k8s.api.authorization.v1.LocalSubjectAccessReview",
    )],
    rules: &Review::Here,
    ..QUESTION
};

/// The entry of the table.
pub(crate) const SELF_SUBJECT_RULES_REVIEW: Kind = Kind {
    kind: "SelfSubjectRulesReview",
    plural: "selfsubjectrulesreviews",
    singular: "selfsubjectrulesreview",
    versions: &[Version::stored(
        "v1",
        "io.k8s.api.authorization.v1.SelfSubjectRulesReview",
    )],
    rules: &Review::Everything,
    ..QUESTION
};

/// Whom a question is about, and where.
enum Review {
    /// Anybody anywhere.
    Anybody,
    /// Who asks.
    Myself,
    /// Anybody in a namespace.
    Here,
    /// All that who asks may do in a namespace, which can be asked of any.
    Everything,
}

impl Rules for Review {
    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        wipe_system_metadata(object);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        let spec = object.at("spec");
        match self {
            Self::Everything => return,
            Self::Myself => validate_attributes(spec, refusals),
            Self::Anybody | Self::Here => {
                validate_attributes(spec, refusals);
                if spec.text("user").is_empty() && spec.items("groups").is_empty() {
                    let detail = "at least one of user or group must be specified";
                    refusals.invalid(&Path::of("spec").field("user"), spec.text("user"), detail);
                }
            }
        }
        let here = matches!(self, Self::Here);
        validate_no_metadata(object.at("metadata"), here, refusals);
        if here {
            validate_place(object, refusals);
        }
    }
}

/// Either resources or a path, not both.
fn validate_attributes(spec: &Tree, refusals: &mut Refusals) {
    let path = Path::of("spec");
    let (resource, other) = (spec.at("resourceAttributes"), spec.at("nonResourceAttributes"));
    match (resource.is_null(), other.is_null()) {
        (false, false) => {
            let detail = "cannot be specified in combination with resourceAttributes";
            let path = path.field("nonResourceAttributes");
            refusals.invalid(&path, shown(PATH_ATTRIBUTES, other), detail);
        }
        (true, true) => {
            let detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            refusals.invalid(&path.field("resourceAttributes"), &Tree::Null, detail);
        }
        _ => {}
    }
    selectors::validate(&path.field("resourceAttributes"), resource, refusals);
}

/// A question has no name, no labels and nothing else of the kind; the namespace where it is `here`.
fn validate_no_metadata(metadata: &Tree, here: bool, refusals: &mut Refusals) {
    let meant = |key: &str| key == "managedFields" || (here && key == "namespace");
    let entries = metadata.as_map().into_iter().flat_map(Map::iter);
    if entries
        .filter(|(key, _)| !meant(key))
        .any(|(_, value)| !value.is_zero())
    {
        let detail = if here {
            "must be empty except for namespace"
        } else {
            "must be empty"
        };
        refusals.invalid(&Path::of("metadata"), shown(METADATA, metadata), detail);
    }
}

/// The question is about the namespace in which it is asked.
fn validate_place(object: &Tree, refusals: &mut Refusals) {
    let spec = object.at("spec");
    let path = Path::of("spec");
    let namespace = spec.at("resourceAttributes").text("namespace");
    if spec.has("resourceAttributes") && namespace != object.at("metadata").text("namespace") {
        let path = path.field("resourceAttributes");
        refusals.invalid(&path.field("namespace"), namespace, "must match metadata.namespace");
    }
    let other = spec.at("nonResourceAttributes");
    if !other.is_null() {
        let path = path.field("nonResourceAttributes");
        refusals.invalid(
            &path,
            shown(PATH_ATTRIBUTES, other),
            "disallowed on this kind of request",
        );
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;

    use super::{Kind, LOCAL_SUBJECT_ACCESS_REVIEW, SELF_SUBJECT_ACCESS_REVIEW, SUBJECT_ACCESS_REVIEW};
    use crate::trial::{asked, tree};

    fn wrong(kind: &Kind, object: &str) -> usize {
        let mut refusals = Refusals::new();
        asked(|asked| kind.rules.validate(asked, &tree(object), &mut refusals));
        refusals.len()
    }

    #[test]
    fn a_question_is_about_a_resource_or_a_path_and_somebody() {
        let resource = r#""resourceAttributes":{"verb":"get"}"#;
        let path = r#""nonResourceAttributes":{"verb":"get"}"#;
        for (spec, anybody, myself) in [
            (format!(r#"{{{resource},"user":"u"}}"#), 0, 0),
            (format!(r#"{{{path},"groups":["g"]}}"#), 0, 0),
            (format!("{{{resource},{path}}}"), 2, 1),
            ("{}".to_owned(), 2, 1),
        ] {
            let object = format!(r#"{{"spec":{spec}}}"#);
            assert_eq!(wrong(&SUBJECT_ACCESS_REVIEW, &object), anybody, "{spec}");
            assert_eq!(wrong(&SELF_SUBJECT_ACCESS_REVIEW, &object), myself, "{spec}");
        }
    }

    #[test]
    fn a_question_has_no_name_and_a_local_one_its_namespace() {
        let object = |metadata: &str, namespace: &str| {
            let spec = format!(r#"{{"resourceAttributes":{{"namespace":"{namespace}"}},"user":"u"}}"#);
            format!(r#"{{"metadata":{metadata},"spec":{spec}}}"#)
        };
        assert_eq!(wrong(&SUBJECT_ACCESS_REVIEW, &object(r#"{"name":"a"}"#, "n")), 1);
        assert_eq!(
            wrong(&SUBJECT_ACCESS_REVIEW, &object(r#"{"managedFields":[{}]}"#, "n")),
            0
        );
        assert_eq!(
            wrong(&LOCAL_SUBJECT_ACCESS_REVIEW, &object(r#"{"namespace":"n"}"#, "n")),
            0
        );
        assert_eq!(
            wrong(&LOCAL_SUBJECT_ACCESS_REVIEW, &object(r#"{"namespace":"n"}"#, "m")),
            1
        );
    }
}
