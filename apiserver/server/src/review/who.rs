//! `SelfSubjectReview`: who am I.

use apiserver_api::tree::Tree;

use crate::request::Call;

pub(super) fn answer(call: &Call, review: &mut Tree) {
    review.child("metadata").set("creationTimestamp", call.now.to_string());
    review.child("status").set("userInfo", call.user.to_tree());
}
