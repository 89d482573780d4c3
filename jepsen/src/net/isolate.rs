//! Namespaces of its own for the program, so that nothing is left behind however it ends.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, anyhow, ensure};
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use super::{Net, tool};

/// The network that the program was started in. That of the first process would be the same, but who lacks one of its
/// rights, as in most containers, cannot ask for it.
static OUTSIDE: OnceLock<PathBuf> = OnceLock::new();

/// Gives this thread, and all that it starts from now on, a network and mounts of their own. To be called before there
/// is any other thread. The kernel takes all of it away with the last process in it, also after `kill -9`.
///
/// # Errors
/// The program is not run by root, or the kernel lacks namespaces.
pub(crate) fn isolate() -> anyhow::Result<()> {
    let outside = network()?;
    OUTSIDE.get_or_init(|| outside);
    unshare(UnshareFlags::NEWNET | UnshareFlags::NEWNS)
        .context("no namespaces for the program; real clusters need root")?;
    // Otherwise what is mounted here shows everywhere.
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .context("the mounts cannot be made private")?;
    tool::ip("link set lo up\n")
}

/// Whether clusters can be run here: a small network is made as for a run, and goes away again.
///
/// # Errors
/// What is missing.
pub(crate) fn probe() -> anyhow::Result<()> {
    let trial = std::thread::spawn(|| {
        isolate()?;
        Net::new(2, 0)?;
        Command::new("setpriv")
            .arg("--version")
            .output()
            .context("setpriv cannot be run; is it installed?")?;
        Ok(())
    });
    trial.join().map_err(|_| anyhow!("the trial panicked"))?
}

/// Gives this thread alone a network of its own.
pub(super) fn alone() -> rustix::io::Result<()> {
    unshare(UnshareFlags::NEWNET)
}

/// Fails if this thread is still in the network of the whole machine.
pub(super) fn check() -> anyhow::Result<()> {
    let inside = network()?;
    ensure!(
        OUTSIDE.get().is_some_and(|outside| *outside != inside),
        "the program is not isolated; nothing may be done to the machine's own network"
    );
    Ok(())
}

/// The network of this thread, by the name that the kernel has for it.
fn network() -> anyhow::Result<PathBuf> {
    std::fs::read_link("/proc/thread-self/ns/net").context("cannot read the thread's network namespace")
}

#[expect(
    unsafe_code,
    reason = "the call is unsafe for the sake of one flag that is not used here"
)]
fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    // SAFETY: only FILES can make descriptors of one thread mean something else on another, and it is never given.
    unsafe { unshare_unsafe(flags) }
}
