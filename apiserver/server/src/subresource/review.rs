//! Questions that are answered and not kept.

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use crate::answer::Served;
use crate::catalog::Resource;
use crate::handlers::nowhere;
use crate::machine::Machine;
use crate::request::Call;

/// Answers a question.
///
/// # Errors
/// What the client is told.
pub(crate) async fn review(
    _machine: &Machine,
    _resource: &Resource,
    _call: &Call,
    _object: Tree,
) -> Result<Served, Status> {
    Err(nowhere())
}
