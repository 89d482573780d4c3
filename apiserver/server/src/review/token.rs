//! `TokenReview`: who has this token.

use apiserver_access::authenticate::{Notes, review};
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use crate::machine::Machine;

/// Checks that anything is asked.
pub(super) fn check(review: &Tree) -> Result<(), Status> {
    review::check(review)
}

/// Says whose the token is. What there is to warn of is not told, as upstream asks apart from the request.
pub(super) async fn answer(machine: &Machine, review: &mut Tree) -> Result<(), Status> {
    review::answer(&machine.authenticator, &Notes::new(), review).await
}
