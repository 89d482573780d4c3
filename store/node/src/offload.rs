//! Work that would hold up the async threads: big ranges, hashes, passwords, exports.

use base::task::{Handle, Tasks};

use crate::error::{Error, Result};

/// Runs the work where it may block and gives its value.
pub(crate) async fn run<T: Send + 'static>(
    tasks: &Tasks,
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    begin(tasks, name, work).value().await
}

/// Begins the work at once; it goes on while nobody waits for it.
pub(crate) fn begin<T: Send + 'static>(
    tasks: &Tasks,
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Begun<T> {
    Begun {
        name,
        handle: tasks.spawn_blocking(name, work),
    }
}

/// Work that was begun.
pub(crate) struct Begun<T> {
    name: &'static str,
    handle: Handle<T>,
}

impl<T> Begun<T> {
    /// What it gave.
    pub(crate) async fn value(self) -> Result<T> {
        let name = self.name;
        self.handle
            .await
            .ok_or_else(|| Error::internal(format!("etcdserver: {name} failed")))
    }
}
