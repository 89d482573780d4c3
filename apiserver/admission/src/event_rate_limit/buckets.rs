//! Buckets of tokens by key; the one that was asked for longest ago makes place for a new one.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use apiserver_api::time::Time;

const SECOND: f64 = 1e9;

/// Buckets that fill at one rate up to one size.
pub(super) struct Buckets {
    per_second: f64,
    burst: f64,
    most: usize,
    /// Keys can be long: their hashes stand for them, so that a bucket has a size.
    hasher: RandomState,
    by_key: HashMap<u64, Bucket>,
    /// When each was asked for last, in order.
    uses: BTreeMap<u64, u64>,
    used: u64,
}

struct Bucket {
    tokens: f64,
    /// Nanoseconds since 1970.
    filled: i128,
    used: u64,
}

impl Buckets {
    /// No buckets yet; at most so many.
    #[expect(
        clippy::cast_precision_loss,
        reason = "no sensible rate or size needs more than 52 bits"
    )]
    pub(super) fn new(per_second: i64, burst: i64, most: i64) -> Self {
        Self {
            per_second: per_second as f64,
            burst: burst as f64,
            most: usize::try_from(most).unwrap_or(1).max(1),
            hasher: RandomState::new(),
            by_key: HashMap::new(),
            uses: BTreeMap::new(),
            used: 0,
        }
    }

    /// Takes a token from a key's bucket; says whether there was one. A new bucket is full.
    #[expect(clippy::cast_precision_loss, reason = "what is lost fills no bucket")]
    pub(super) fn take(&mut self, key: &str, now: Time) -> bool {
        let key = self.hasher.hash_one(key);
        let now = now.unix_nanos();
        self.touch(key, now);
        let (rate, burst) = (self.per_second, self.burst);
        let Some(bucket) = self.by_key.get_mut(&key) else {
            return true;
        };
        let passed = (now - bucket.filled).max(0) as f64 / SECOND;
        bucket.tokens = (bucket.tokens + passed * rate).min(burst);
        bucket.filled = bucket.filled.max(now);
        let has = bucket.tokens >= 1.0;
        if has {
            bucket.tokens -= 1.0;
        }
        has
    }

    /// Makes a bucket the one that was asked for last, and makes it where there is none.
    fn touch(&mut self, key: u64, now: i128) {
        self.used += 1;
        let (used, burst) = (self.used, self.burst);
        let fresh = || Bucket {
            tokens: burst,
            filled: now,
            used,
        };
        let bucket = self.by_key.entry(key).or_insert_with(fresh);
        self.uses.remove(&bucket.used);
        bucket.used = used;
        self.uses.insert(used, key);
        if self.by_key.len() > self.most
            && let Some((_, oldest)) = self.uses.pop_first()
        {
            self.by_key.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::time::Time;

    use super::Buckets;

    const NOW: Time = Time::from_unix(1_000);

    #[test]
    fn buckets_fill_with_time_and_do_not_overflow() {
        let mut buckets = Buckets::new(2, 3, 10);
        let mut taken = |now| (0..9).filter(|_| buckets.take("a", now)).count();
        assert_eq!(taken(NOW), 3);
        assert_eq!(taken(Time::from_unix(1_001)), 2);
        assert_eq!(taken(Time::from_unix(2_000)), 3);
        // A clock that goes back gives nothing.
        assert_eq!(taken(NOW), 0);
    }

    #[test]
    fn the_bucket_asked_for_longest_ago_is_forgotten() {
        let mut buckets = Buckets::new(1, 1, 2);
        assert!(buckets.take("a", NOW) && buckets.take("b", NOW));
        assert!(!buckets.take("a", NOW));
        assert!(buckets.take("c", NOW));
        assert!(!buckets.take("a", NOW) && buckets.take("b", NOW));
        assert_eq!((buckets.by_key.len(), buckets.uses.len()), (2, 2));
    }
}
