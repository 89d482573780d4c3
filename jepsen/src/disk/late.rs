//! Syncs that are kept waiting, on a thread of their own: who serves the kernel must not sleep.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::faults::{Shared, SyncError};

/// A waiting sync is looked at so often; the delay may have been shortened meanwhile.
const LOOK: Duration = Duration::from_millis(10);

/// A sync to be done once the disk's delay is over.
pub(super) struct Waiting {
    pub(super) node: u64,
    /// How often the power had failed when it was asked for.
    pub(super) cuts: u64,
    /// Tells whoever asked.
    pub(super) answer: Box<dyn FnOnce(Result<(), SyncError>) + Send>,
}

/// Starts the thread. It ends when the sender is dropped or the disk is.
///
/// # Errors
/// There is no thread left.
pub(super) fn start(shared: &Arc<Shared>) -> io::Result<Sender<Waiting>> {
    let (sender, asked) = mpsc::channel();
    let shared = Arc::downgrade(shared);
    std::thread::Builder::new()
        .name("slow-syncs".to_owned())
        .spawn(move || serve(&asked, &shared))?;
    Ok(sender)
}

fn serve(asked: &Receiver<Waiting>, shared: &Weak<Shared>) {
    let mut waiting: Vec<(Instant, Waiting)> = Vec::new();
    loop {
        let next = if waiting.is_empty() {
            asked.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            asked.recv_timeout(LOOK)
        };
        match next {
            Ok(one) => waiting.push((Instant::now(), one)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let Some(shared) = shared.upgrade() else { return };
        let delay = shared.lock().faults.sync_delay;
        let (over, still): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(since, _)| since.elapsed() >= delay);
        waiting = still;
        for (_, one) in over {
            let done = shared.lock().finish_sync(one.node, one.cuts);
            (one.answer)(done);
        }
    }
}
