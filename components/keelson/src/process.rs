//! The process that a program runs in: its runtime, its signals, and the service manager that started it.

use std::future::Future;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::{Error, Result};

/// The stack of a thread. Documents may be nested a thousand levels deep and are walked by recursion, a few KiB a level;
/// only what was once touched takes memory.
const STACK: usize = 16 << 20;

/// Runs `work` on a runtime with a thread a core, until it ends.
///
/// # Errors
/// Those of `work`, or that there are no threads.
pub(crate) fn block_on(work: impl Future<Output = Result<()>>) -> Result<()> {
    avoid_huge_pages();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.enable_all().thread_stack_size(STACK).build();
    let runtime = runtime.map_err(|error| Error::new(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(work)
}

/// Takes memory from the system in small pages. Memory that is given back and taken again is zeroed each time, and by
/// huge pages 2 MiB of it for each few KiB that are used: a tenth of the time under load, and a fifth of the memory.
fn avoid_huge_pages() {
    // A kernel that refuses has none.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// The signals that ask a process to end.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Catches them from now on.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn new() -> Result<Self> {
        let catch = |kind| signal(kind).map_err(|error| Error::new(format!("cannot catch signals: {error}")));
        Ok(Self {
            interrupt: catch(SignalKind::interrupt())?,
            terminate: catch(SignalKind::terminate())?,
        })
    }

    /// Waits for one; its name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "interrupt",
            _ = self.terminate.recv() => "terminated",
        }
    }

    /// Runs `work`, and ends the process at once if another signal comes meanwhile.
    pub(crate) async fn unless_again<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            value = work => value,
            name = self.next() => {
                eprintln!("{name} again: ending at once");
                std::process::exit(1);
            }
        }
    }
}

/// Tells systemd (a unit of `Type=notify`) that the service is ready, if it was started by it.
pub(crate) fn notify_ready() {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    if let Err(error) = notify(&path.to_string_lossy()) {
        tracing::warn!(%error, "cannot tell the service manager that the member is ready");
    }
}

fn notify(path: &str) -> std::io::Result<()> {
    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(path)?,
    };
    UnixDatagram::unbound()?.send_to_addr(b"READY=1", &address).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_manager_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        notify(&path.display().to_string()).unwrap();
        let mut bytes = [0; 16];
        let length = socket.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..length], b"READY=1");
        assert!(notify("/nowhere/notify").is_err());
    }
}
