//! How many of it there should be, in the same words for all kinds that can be scaled.

use apiserver_api::status::Status;
use apiserver_kinds::Verb;
use axum::body::Body;

use crate::answer::Answer;
use crate::catalog::Resource;
use crate::handlers::nowhere;
use crate::machine::Machine;
use crate::request::Call;

pub(super) async fn serve(
    _machine: &Machine,
    _resource: &Resource,
    _call: &Call,
    _verb: Verb,
    _body: Body,
) -> Result<Answer, Status> {
    Err(nowhere())
}
