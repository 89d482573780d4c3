//! All paths that are no resources: what the server is, what it serves, and how it does.

use std::sync::Arc;

use apiserver_api::status::Status;

use crate::answer::Answer;
use crate::handlers::{not_allowed, nowhere};
use crate::machine::Machine;
use crate::pipeline::{Pipeline, not_found, reads};
use crate::request::Call;
use crate::request::info::Info;

/// What is served at other paths.
#[derive(Default)]
pub struct Paths {}

impl Paths {
    /// Whether a path lies in a group version that is served, whose router then has the say.
    pub(crate) fn is_group_version(&self, machine: &Machine, info: &Info) -> bool {
        machine.catalog.serves(&info.group, &info.version)
    }
}

/// Whether a path lies in a group that is served in some version, whose router then has the say.
fn is_group(path: &str) -> bool {
    let group = path.strip_prefix("/apis/").and_then(|rest| rest.split('/').next());
    group.is_some_and(|group| apiserver_kinds::all().any(|kind| kind.group == group))
}

/// Answers a request.
///
/// # Errors
/// What the client is told.
pub(crate) async fn serve(pipeline: &Arc<Pipeline>, call: &Call) -> Result<Answer, Status> {
    let _ = pipeline;
    let path = call.path.as_str();
    match path {
        "/healthz" | "/livez" | "/readyz" if reads(&call.method) => Ok(crate::answer::text(200, "ok")),
        "/api" | "/api/" | "/apis" | "/apis/" if !reads(&call.method) => Err(not_allowed()),
        _ if path.starts_with("//") => Ok(not_found()),
        _ if path.starts_with("/api/") || is_group(path) => Err(nowhere()),
        _ => Ok(not_found()),
    }
}
