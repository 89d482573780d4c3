//! A member's time: its runtime's, which the world moves, and a wall that can be set to anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base::clock::{Clock, Sleep};
use tokio::time::Instant;

/// What the wall shows when a member's clock starts, in milliseconds since 1970.
pub(crate) type Wall = Arc<AtomicI64>;

/// Time as the runtime that it was made in counts it.
pub(crate) struct SimClock {
    start: Instant,
    wall: Wall,
}

impl SimClock {
    /// A clock that starts now; call it inside the member's runtime.
    pub(crate) fn new(wall: Wall) -> Self {
        Self {
            start: Instant::now(),
            wall,
        }
    }
}

impl Clock for SimClock {
    fn wall_ms(&self) -> u64 {
        let shown = self.wall.load(Ordering::SeqCst) + self.monotonic().as_millis() as i64;
        shown.max(0) as u64
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, time: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(time))
    }
}
