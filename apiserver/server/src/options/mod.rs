//! What a request says of how it is to be done: the options of writes, deletions and lists, from the query or the body.

mod delete;
mod list;
mod write;

pub(crate) use delete::{DeleteOptions, Propagation};
pub(crate) use list::{ListOptions, Match};
pub(crate) use write::{FieldValidation, WriteOptions};

use apiserver_api::gvk::GroupKind;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

/// The one thing that a dry run can be of.
const ALL: &str = "All";

/// 422 for options that make no sense.
fn judge(kind: &str, refusals: &Refusals) -> Result<(), Status> {
    if refusals.is_empty() {
        return Ok(());
    }
    Err(Status::invalid(&GroupKind::new("meta.k8s.io", kind), "", refusals))
}

/// Whether nothing is to be kept.
fn dry_run(values: &[String], refusals: &mut Refusals) -> bool {
    if values.iter().any(|value| value != ALL) {
        let shown: Tree = values.iter().map(String::as_str).collect();
        refusals.not_supported(&Path::of("dryRun"), &shown, &[ALL]);
    }
    !values.is_empty()
}
