//! Times of requests, kept in histograms that many clients write to at once.

use std::time::Duration;

use hdrhistogram::{CreationError, Histogram};
use parking_lot::Mutex;

/// More would cost memory, fewer would make clients wait for each other.
const SHARDS: usize = 8;

/// Times in nanoseconds, from a microsecond to ten minutes, exact to three digits.
///
/// # Errors
/// Never: the bounds are valid.
pub(crate) fn new_histogram() -> Result<Histogram<u64>, CreationError> {
    Histogram::new_with_bounds(1_000, 600_000_000_000, 3)
}

/// One histogram for each class of requests.
pub(crate) struct Recorder {
    shards: Vec<Mutex<Vec<Histogram<u64>>>>,
}

impl Recorder {
    /// For `classes` kinds of requests.
    ///
    /// # Errors
    /// Never, as [`new_histogram`].
    pub(crate) fn new(classes: usize) -> Result<Self, CreationError> {
        let shard = |_| {
            Ok(Mutex::new(
                (0..classes).map(|_| new_histogram()).collect::<Result<_, _>>()?,
            ))
        };
        Ok(Self {
            shards: (0..SHARDS).map(shard).collect::<Result<_, _>>()?,
        })
    }

    /// Keeps one time; `client` only spreads the clients over the histograms.
    pub(crate) fn record(&self, client: usize, class: usize, time: Duration) {
        let mut shard = self.shards[client % SHARDS].lock();
        if let Some(histogram) = shard.get_mut(class) {
            histogram.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    /// All that was kept, a histogram a class; the recorder is empty afterwards.
    pub(crate) fn take(&self) -> Vec<Histogram<u64>> {
        let mut all: Vec<Histogram<u64>> = Vec::new();
        for shard in &self.shards {
            for (class, histogram) in shard.lock().iter_mut().enumerate() {
                match all.get_mut(class) {
                    Some(sum) => {
                        // The bounds are the same, so nothing can be out of them.
                        let _ = sum.add(&*histogram);
                    }
                    None => all.push(histogram.clone()),
                }
                histogram.reset();
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_between_the_shards() {
        let recorder = Recorder::new(2).unwrap();
        for n in 1..=1000_u64 {
            recorder.record(n as usize, 0, Duration::from_micros(n));
        }
        recorder.record(0, 1, Duration::from_secs(10_000));
        let all = recorder.take();
        assert_eq!((all[0].len(), all[1].len()), (1000, 1));
        let p50 = all[0].value_at_quantile(0.5) as f64;
        assert!((p50 - 500_000.0).abs() < 1_000.0, "{p50}");
        assert!(
            all[1].max() >= 600_000_000_000,
            "more than the bound counts as the bound"
        );
        assert_eq!(recorder.take()[0].len(), 0);
    }
}
