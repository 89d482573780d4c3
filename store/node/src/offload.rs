//! Where work goes that would hold up the async threads: big ranges, hashes, passwords, exports.

use base::task::{Handle, Tasks};

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
        self.begin(tasks, name, work).value().await
    }

    /// Begins the work at once; it goes on while nobody waits for it.
    pub(crate) fn begin<T: Send + 'static>(
        self,
        tasks: &Tasks,
        name: &'static str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Begun<T> {
        match self {
            Self::Inline => Begun::Done(work()),
            Self::Threads => Begun::Running(name, tasks.spawn_blocking(name, work)),
        }
    }
}

/// Work that was begun.
pub(crate) enum Begun<T> {
    Done(T),
    Running(&'static str, Handle<T>),
}

impl<T> Begun<T> {
    /// What it gave.
    pub(crate) async fn value(self) -> Result<T> {
        match self {
            Self::Done(value) => Ok(value),
            Self::Running(name, handle) => handle
                .await
                .ok_or_else(|| Error::internal(format!("etcdserver: {name} failed"))),
        }
    }
}
