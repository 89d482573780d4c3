//! When a loop looks again: after a while, or soon after what it looks at changed.

use std::sync::Arc;
use std::time::Duration;

use apiserver_api::gvk::GroupResource;
use apiserver_storage::cluster::Cluster;
use base::clock::Clock;

/// How often it is asked whether anything changed: the caches say so without looking at objects.
const TICK: Duration = Duration::from_secs(1);

/// The pace of one loop.
pub(super) struct Pace {
    cluster: Arc<dyn Cluster>,
    clock: Arc<dyn Clock>,
    resources: Vec<&'static GroupResource>,
    seen: i64,
}

impl Pace {
    /// A pace that goes by these resources. What changes from now on is noticed.
    pub(super) fn new<const N: usize>(
        cluster: &Arc<dyn Cluster>,
        clock: &Arc<dyn Clock>,
        resources: [&'static GroupResource; N],
    ) -> Self {
        let mut pace = Self {
            cluster: Arc::clone(cluster),
            clock: Arc::clone(clock),
            resources: resources.to_vec(),
            seen: 0,
        };
        pace.seen = pace.latest();
        pace
    }

    fn latest(&self) -> i64 {
        let changed = self.resources.iter().map(|resource| self.cluster.changed(resource));
        changed.max().unwrap_or_default()
    }

    /// Waits until anything changed since the last time, but at least `least` and not longer than `most`.
    pub(super) async fn next(&mut self, least: Duration, most: Duration) {
        let start = self.clock.monotonic();
        self.clock.sleep(least.min(most)).await;
        loop {
            let latest = self.latest();
            let left = most.saturating_sub(self.clock.monotonic().saturating_sub(start));
            if latest != self.seen || left.is_zero() {
                // Noted before the work, so that a change during it is seen next time.
                self.seen = latest;
                return;
            }
            self.clock.sleep(left.min(TICK)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use apiserver_storage::cluster::Cluster;
    use base::clock::{Clock, ManualClock};
    use base::task::Tasks;

    use super::Pace;
    use crate::inside::objects::{CONFIG_MAPS, object};
    use crate::inside::testing::{Double, asleep};

    #[tokio::test]
    async fn a_loop_looks_again_after_a_while_or_when_something_changed() {
        let (double, clock, tasks) = (Double::new(), ManualClock::new(0), Tasks::new());
        let cluster: Arc<dyn Cluster> = Arc::new(double.clone());
        let hand: Arc<dyn Clock> = Arc::new(clock.clone());
        let mut pace = Pace::new(&cluster, &hand, [&CONFIG_MAPS]);
        let least = Duration::from_secs(1);
        let waiting = tasks.spawn_value("pace", async move {
            let mut times = Vec::new();
            for most in [3, 60, 2] {
                pace.next(least, Duration::from_secs(most)).await;
                times.push(hand.monotonic().as_secs());
            }
            times
        });
        for second in 1..=7 {
            asleep(&clock, 1).await;
            if second == 5 {
                double.put(&CONFIG_MAPS, object("v1", "ConfigMap", "a", "b"));
            }
            clock.advance(Duration::from_secs(1));
        }
        // After three seconds, at the change, and not again for the same change.
        assert_eq!(waiting.await.unwrap(), [3, 5, 7]);
    }
}
