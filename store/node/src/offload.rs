//! Where work goes that would hold up the async threads: big ranges, hashes, passwords, exports.

use base::task::Tasks;

use crate::error::{Error, Result};

/// How such work is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Offload {
    /// On a thread of its own.
    #[default]
    Threads,
    /// Inside the call, so that a simulation sees no other thread.
    Inline,
}

impl Offload {
    /// Runs the work and gives its value.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        tasks: &Tasks,
        name: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        match self {
            Self::Inline => Ok(work()),
            Self::Threads => tasks
                .spawn_blocking(name, work)
                .await
                .ok_or_else(|| Error::internal(format!("etcdserver: {name} failed"))),
        }
    }
}
