//! Whoever forgets a stopped process or a hanging disk is helped: after a while all of it goes on by itself.
//!
//! It is a thread and no task: what it is there for may have stopped the whole runtime. When the program itself ends,
//! the kernel kills what it started, stopped or not, and takes away its mounts and networks.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

/// Waits to be disarmed.
pub(super) struct Watchdog {
    disarm: Sender<()>,
    thread: JoinHandle<bool>,
}

impl Watchdog {
    /// Calls `rescue` unless it is disarmed in time; one that is dropped does nothing.
    ///
    /// # Errors
    /// There is no thread left.
    pub(super) fn arm(limit: Duration, rescue: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (disarm, disarmed) = mpsc::channel();
        let thread = std::thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
            let late = disarmed.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
            if late {
                tracing::error!(?limit, "the faults were not taken back in time; everything goes on now");
                rescue();
            }
            late
        })?;
        Ok(Self { disarm, thread })
    }

    /// All is well. True: it was too late, and everything was made to go on.
    pub(super) fn disarm(self) -> bool {
        drop(self.disarm);
        // A rescue that panicked was one.
        self.thread.join().unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_acts_when_nobody_disarms_it_and_only_then() {
        let (sender, acted) = mpsc::channel();
        let calm = Watchdog::arm(Duration::from_secs(600), {
            let sender = sender.clone();
            move || sender.send("calm").unwrap()
        });
        assert!(!calm.unwrap().disarm());
        let late = Watchdog::arm(Duration::ZERO, move || sender.send("late").unwrap()).unwrap();
        assert_eq!(acted.recv().unwrap(), "late");
        assert!(late.disarm());
        assert!(acted.recv().is_err(), "nobody else acts");
    }
}
