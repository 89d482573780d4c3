//! `TokenReview` and `SelfSubjectReview`: who has this token, and who am I?

use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::GROUP;
use crate::kind::{Asked, Kind, Rules, Verb, Version};
use crate::text::wipe_system_metadata;

/// The entry of the table.
pub(crate) const TOKEN_REVIEW: Kind = Kind {
    group: GROUP,
    kind: "TokenReview",
    plural: "tokenreviews",
    singular: "tokenreview",
    namespaced: false,
    versions: &[Version::stored("v1", "io.k8s.api.authentication.v1.TokenReview")],
    verbs: &[Verb::Create],
    rules: &Review,
    ..Kind::PLAIN
};

/// The entry of the table.
pub(crate) const SELF_SUBJECT_REVIEW: Kind = Kind {
    kind: "SelfSubjectReview",
    plural: "selfsubjectreviews",
    singular: "selfsubjectreview",
    versions: &[Version::stored("v1", "io.k8s.api.authentication.v1.SelfSubjectReview")],
    ..TOKEN_REVIEW
};

struct Review;

impl Rules for Review {
    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        wipe_system_metadata(object);
    }

    /// Any may be asked. That a token is there at all is for who answers: upstream tells it otherwise than what is refused.
    fn validate(&self, _asked: &Asked<'_>, _object: &Tree, _refusals: &mut Refusals) {}
}

#[cfg(test)]
mod tests {
    use super::TOKEN_REVIEW;
    use crate::trial::{asked, tree};

    #[test]
    fn what_the_server_sets_is_not_the_client_s() {
        let mut object = tree(r#"{"metadata":{"name":"a","uid":"u","selfLink":"s"}}"#);
        asked(|asked| TOKEN_REVIEW.rules.prepare_create(asked, &mut object));
        assert_eq!(object, tree(r#"{"metadata":{"name":"a"}}"#));
    }
}
