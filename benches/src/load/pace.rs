//! When each request is due: at a fixed rate, whether or not the server keeps up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

/// Requests that are due within this time are released together: the timers of a runtime tick a millisecond, which is
/// longer than a request may take.
const STEP: Duration = Duration::from_micros(100);

/// Turns at a fixed rate. A turn's latency counts from the moment it was due, so requests that had to wait because
/// earlier ones were slow count with all of their waiting ("no coordinated omission").
pub(crate) struct Pace {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    start: Instant,
    rate: f64,
    due: Semaphore,
    turn: AtomicU64,
    ended: AtomicBool,
}

impl Shared {
    fn due_at(&self, turn: u64) -> Instant {
        self.start + Duration::from_secs_f64(turn as f64 / self.rate)
    }

    fn release(&self) {
        let mut released = 0_u64;
        while !self.ended.load(Ordering::Relaxed) {
            let due = (self.start.elapsed().as_secs_f64() * self.rate) as u64 + 1;
            self.due.add_permits((due - released) as usize);
            released = due;
            let next = self.due_at(released);
            // Ended by a call from outside, however far off the next turn is.
            std::thread::park_timeout(next.saturating_duration_since(Instant::now()).max(STEP));
        }
        self.due.close();
    }
}

impl Pace {
    /// `rate` turns a second, of which the first is due at `start`.
    ///
    /// # Errors
    /// No thread can be started.
    pub(crate) fn start(start: Instant, rate: f64) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            start,
            rate,
            due: Semaphore::new(0),
            turn: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        });
        let releasing = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("pace".to_owned())
            .spawn(move || releasing.release())?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Waits until the next turn is due; when that is. `None` once the pace has ended.
    pub(crate) async fn next(&self) -> Option<Instant> {
        self.shared.due.acquire().await.ok()?.forget();
        Some(self.shared.due_at(self.shared.turn.fetch_add(1, Ordering::Relaxed)))
    }

    /// No turn is given from now on.
    pub(crate) fn end(&self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        self.shared.due.close();
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        self.end();
        if let Some(thread) = self.thread.take() {
            // It cannot panic, and ends at its next step.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turns_are_due_at_the_rate_however_late_they_are_taken() {
        let start = Instant::now();
        let pace = Pace::start(start, 1000.0).unwrap();
        std::thread::sleep(Duration::from_millis(20));
        for turn in 0..10 {
            assert_eq!(pace.next().await.unwrap(), start + Duration::from_millis(turn));
        }
        pace.end();
        while pace.next().await.is_some() {}
    }

    #[tokio::test]
    async fn a_pace_ends_at_once() {
        let began = Instant::now();
        let pace = Pace::start(began, 0.001).unwrap();
        assert_eq!(pace.next().await, Some(began));
        drop(pace);
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}
