//! `SelfSubjectReview`: who am I.

use apiserver_api::tree::Tree;

use crate::request::Call;

pub(super) fn answer(call: &Call, review: &mut Tree) {
    // What the client said of the question is not repeated.
    let mut metadata = Tree::map();
    metadata.set("creationTimestamp", call.now.to_string());
    review.set("metadata", metadata);
    review.child("status").set("userInfo", call.user.to_tree());
}
