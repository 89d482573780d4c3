//! Time as a value that is handed in: the system's clock, and one that tests move by hand.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

/// Resolves when the time asked for has passed.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The only source of time; shared as `Arc<dyn Clock>`.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970 by the wall; may jump in both directions.
    fn wall_ms(&self) -> u64;
    /// Time since some fixed start; never goes back.
    fn monotonic(&self) -> Duration;
    /// A future that resolves once `time` has passed.
    fn sleep(&self, time: Duration) -> Sleep;
}

/// The machine's clock and the runtime's timers.
#[derive(Clone, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn wall_ms(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as u64)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, time: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(time))
    }
}

/// A clock that stands still until [`ManualClock::advance`]; for tests. Clones share the time.
#[derive(Clone, Debug)]
pub struct ManualClock {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    /// What the wall showed at monotonic zero; below zero once the wall was set back far enough.
    start_ms: i64,
    now: Duration,
    next: u64,
    /// By deadline, then by order of arrival.
    sleepers: BTreeMap<(Duration, u64), Option<Waker>>,
}

impl ManualClock {
    /// A clock whose wall shows `wall_ms` and whose monotonic time is zero.
    pub fn new(wall_ms: u64) -> Self {
        let state = State {
            start_ms: wall_ms as i64,
            now: Duration::ZERO,
            next: 0,
            sleepers: BTreeMap::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Moves both times forward and wakes those whose deadline has come, earliest first.
    pub fn advance(&self, time: Duration) {
        let mut state = self.state.lock();
        state.now += time;
        let now = state.now;
        let due: Vec<Waker> = state
            .sleepers
            .range_mut(..=(now, u64::MAX))
            .filter_map(|(_, waker)| waker.take())
            .collect();
        drop(state);
        due.into_iter().for_each(Waker::wake);
    }

    /// Moves only the wall, in either direction, as an operator or NTP would.
    pub fn set_wall_ms(&self, wall_ms: u64) {
        let mut state = self.state.lock();
        state.start_ms = wall_ms as i64 - state.now.as_millis() as i64;
    }

    /// How many sleeps are not over yet.
    pub fn sleepers(&self) -> usize {
        let state = self.state.lock();
        state
            .sleepers
            .keys()
            .filter(|(deadline, _)| *deadline > state.now)
            .count()
    }
}

impl Clock for ManualClock {
    fn wall_ms(&self) -> u64 {
        let state = self.state.lock();
        (state.start_ms + state.now.as_millis() as i64) as u64
    }

    fn monotonic(&self) -> Duration {
        self.state.lock().now
    }

    fn sleep(&self, time: Duration) -> Sleep {
        let mut state = self.state.lock();
        let key = (state.now + time, state.next);
        state.next += 1;
        state.sleepers.insert(key, None);
        Box::pin(Sleeper {
            key,
            state: Arc::clone(&self.state),
        })
    }
}

struct Sleeper {
    key: (Duration, u64),
    state: Arc<Mutex<State>>,
}

impl Future for Sleeper {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if self.key.0 <= state.now {
            return Poll::Ready(());
        }
        state.sleepers.insert(self.key, Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.state.lock().sleepers.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Tasks;

    #[tokio::test]
    async fn a_sleep_ends_when_its_time_has_come_and_not_before() {
        let clock = ManualClock::new(1_000);
        let tasks = Tasks::new();
        let sleeping = tasks.spawn("sleeping", clock.sleep(Duration::from_secs(5)));
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(4));
        tokio::task::yield_now().await;
        assert!(!sleeping.is_finished());
        assert_eq!(clock.sleepers(), 1);
        clock.advance(Duration::from_secs(1));
        assert_eq!(sleeping.await, Some(()));
        assert_eq!(clock.sleepers(), 0);
        assert_eq!((clock.wall_ms(), clock.monotonic()), (6_000, Duration::from_secs(5)));
    }

    #[test]
    fn a_dropped_sleep_is_forgotten() {
        let clock = ManualClock::new(0);
        drop(clock.sleep(Duration::from_secs(1)));
        assert_eq!(clock.sleepers(), 0);
    }

    #[test]
    fn the_wall_moves_apart_from_the_monotonic_time() {
        let clock = ManualClock::new(10_000);
        clock.advance(Duration::from_secs(1));
        clock.set_wall_ms(500);
        assert_eq!(clock.wall_ms(), 500);
        assert_eq!(clock.monotonic(), Duration::from_secs(1));
    }

    #[tokio::test]
    async fn the_system_clock_goes_forward() {
        let clock = SystemClock::new();
        let before = clock.monotonic();
        clock.sleep(Duration::from_millis(1)).await;
        assert!(clock.monotonic() > before);
        assert!(clock.wall_ms() > 1_600_000_000_000);
    }
}
