//! What was found out about tokens, for a short time: verifying a signature for every request would cost too much.
//!
//! Tokens themselves are not kept, but a hash of each by a key that nobody knows. What is kept is bounded: of what is too much
//! that goes first which would be forgotten first.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use apiserver_api::tree::Text;
use async_trait::async_trait;
use base::clock::Clock;
use base::random::Random;
use parking_lot::Mutex;
use ring::hmac;

use super::{Asked, Metrics, Notes, Outcome, Said, TokenAuthenticator};

/// Into so many parts it is split, so that few wait for each other; a power of two.
const SHARDS: usize = 32;
/// How many tokens a part keeps at most: 65,536 in all.
const ENTRIES_MAX: usize = 2048;
/// How many bytes: 32 MiB in all.
const BYTES_MAX: usize = 1 << 20;

type Key = [u8; 32];

/// For how long what was found out is kept; zero keeps nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Whose a token is.
    pub(super) success: Duration,
    /// That it is nobody's, or not good.
    pub(super) failure: Duration,
}

/// Asks another once in a while.
pub(super) struct Cached {
    inner: Box<dyn TokenAuthenticator>,
    times: Times,
    key: hmac::Key,
    shards: Vec<Mutex<Shard>>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
}

/// What was found out, and what was noted meanwhile.
struct Found {
    outcome: Outcome,
    said: Said,
}

#[derive(Default)]
struct Shard {
    entries: HashMap<Key, Entry>,
    /// The keys by when they are forgotten.
    ends: BTreeSet<(Duration, Key)>,
    bytes: usize,
}

struct Entry {
    found: Arc<Found>,
    ends: Duration,
    bytes: usize,
}

impl Cached {
    pub(super) fn new(
        inner: Box<dyn TokenAuthenticator>,
        times: Times,
        clock: Arc<dyn Clock>,
        random: &dyn Random,
        metrics: Arc<Metrics>,
    ) -> Self {
        let mut secret = [0; 32];
        random.fill(&mut secret);
        Self {
            inner,
            times,
            key: hmac::Key::new(hmac::HMAC_SHA256, &secret),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            clock,
            metrics,
        }
    }

    /// What tells a token and what is asked of it from all others. Lengths keep the parts apart.
    fn key(&self, token: &str, audiences: &[Text]) -> Key {
        let mut hash = hmac::Context::with_key(&self.key);
        let mut add = |text: &str| {
            hash.update(&(text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        };
        add(token);
        for audience in audiences {
            add(audience);
        }
        let mut key = Key::default();
        key.copy_from_slice(hash.sign().as_ref());
        key
    }

    fn shard(&self, key: &Key) -> &Mutex<Shard> {
        &self.shards[usize::from(key[0]) % SHARDS]
    }

    async fn fetch(&self, token: &str, audiences: &[Text]) -> Found {
        let notes = Notes::new();
        let asked = Asked {
            audiences,
            notes: &notes,
        };
        let active = self.metrics.cache.fetching();
        let outcome = self.inner.authenticate(token, asked).await;
        drop(active);
        self.metrics.cache.fetched(outcome.is_ok());
        Found {
            outcome,
            said: notes.into_said(),
        }
    }

    /// For how long it is kept.
    fn time(&self, found: &Found) -> Duration {
        match found.outcome {
            Ok(Some(_)) => self.times.success,
            _ => self.times.failure,
        }
    }
}

#[async_trait]
impl TokenAuthenticator for Cached {
    async fn authenticate(&self, token: &str, asked: Asked<'_>) -> Outcome {
        let begun = self.clock.monotonic();
        let key = self.key(token, asked.audiences);
        let known = self.shard(&key).lock().get(&key, begun);
        let hit = known.is_some();
        let found = if let Some(known) = known {
            known
        } else {
            let found = Arc::new(self.fetch(token, asked.audiences).await);
            let (now, time) = (self.clock.monotonic(), self.time(&found));
            if !time.is_zero() {
                self.shard(&key).lock().put(key, Arc::clone(&found), now, now + time);
            }
            found
        };
        let took = self.clock.monotonic().saturating_sub(begun);
        self.metrics.cache.observe(hit, took.as_secs_f64());
        // Upstream tells what was noted of those only who are let in.
        if let Ok(Some(_)) = found.outcome {
            asked.notes.repeat(&found.said);
        }
        found.outcome.clone()
    }
}

impl Found {
    /// The bytes that it takes, roughly.
    fn weight(&self) -> usize {
        let texts = |texts: &[Text]| texts.iter().map(|text| size_of::<Text>() + text.len()).sum::<usize>();
        let held = match &self.outcome {
            Ok(Some(found)) => {
                let user = &found.user;
                let extra: usize = user.extra.iter().map(|(key, value)| key.len() + value.weight()).sum();
                user.name.len() + user.uid.len() + texts(&user.groups) + extra + texts(&found.audiences)
            }
            Ok(None) => 0,
            Err(refused) => refused.to_string().len(),
        };
        let annotations = self.said.annotations.iter().map(|(key, value)| key.len() + value.len());
        let warnings = self.said.warnings.iter().map(String::len);
        // The key stands in both tables.
        size_of::<Self>()
            + size_of::<Entry>()
            + 2 * size_of::<Key>()
            + held
            + annotations.chain(warnings).sum::<usize>()
    }
}

impl Shard {
    fn get(&self, key: &Key, now: Duration) -> Option<Arc<Found>> {
        let entry = self.entries.get(key).filter(|entry| entry.ends > now)?;
        Some(Arc::clone(&entry.found))
    }

    fn put(&mut self, key: Key, found: Arc<Found>, now: Duration, ends: Duration) {
        self.remove(&key);
        let bytes = found.weight();
        if bytes > BYTES_MAX {
            return;
        }
        while let Some((first, oldest)) = self.ends.first().copied() {
            let full = self.entries.len() >= ENTRIES_MAX || self.bytes + bytes > BYTES_MAX;
            if first > now && !full {
                break;
            }
            self.remove(&oldest);
        }
        self.bytes += bytes;
        self.ends.insert((ends, key));
        self.entries.insert(key, Entry { found, ends, bytes });
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.ends.remove(&(entry.ends, *key));
            self.bytes -= entry.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use async_trait::async_trait;
    use base::random::Seeded;

    use super::super::trial::{Trial, metrics, nobody, somebody};
    use super::{Asked, BYTES_MAX, Cached, ENTRIES_MAX, Found, Outcome, Said, Shard, Times, TokenAuthenticator};

    /// Counts how often it is asked, and knows one token.
    struct Counts(Arc<AtomicUsize>);

    #[async_trait]
    impl TokenAuthenticator for Counts {
        async fn authenticate(&self, token: &str, asked: Asked<'_>) -> Outcome {
            self.0.fetch_add(1, Ordering::SeqCst);
            asked.notes.warn(token);
            if token == "good" { somebody("jane") } else { nobody() }
        }
    }

    fn cached(trial: &Trial, success: u64, failure: u64) -> (Arc<AtomicUsize>, Cached) {
        let count = Arc::new(AtomicUsize::new(0));
        let times = Times {
            success: Duration::from_secs(success),
            failure: Duration::from_secs(failure),
        };
        let clock = Arc::new(trial.clock.clone());
        let inner = Box::new(Counts(Arc::clone(&count)));
        (count, Cached::new(inner, times, clock, &Seeded::new(1), metrics()))
    }

    #[tokio::test]
    async fn whose_a_token_is_is_asked_once_in_its_time() {
        let trial = Trial::new();
        let (count, cached) = cached(&trial, 10, 0);
        for asked in [1, 1, 2] {
            assert_eq!(trial.ask_token(&cached, "good").await, somebody("jane"));
            assert_eq!(count.load(Ordering::SeqCst), asked);
            trial.clock.advance(Duration::from_secs(5));
        }
        assert_eq!(
            trial.said().warnings,
            ["good", "good", "good"],
            "what is noted is noted each time"
        );
    }

    #[tokio::test]
    async fn what_nobody_knows_is_asked_again_unless_it_shall_be_kept() {
        let trial = Trial::new();
        for (failure, asked) in [(0, 2), (3, 1)] {
            let (count, cached) = cached(&trial, 10, failure);
            for _ in 0..2 {
                assert_eq!(trial.ask_token(&cached, "bad").await, nobody());
            }
            assert_eq!(count.load(Ordering::SeqCst), asked);
        }
        assert!(trial.said().warnings.is_empty());
    }

    #[tokio::test]
    async fn a_token_is_another_for_another_audience() {
        let trial = Trial::new();
        let (count, cached) = cached(&trial, 10, 0);
        let asks = [&["a", "b"][..], &["ab"], &["b", "a"], &["a", "b"]];
        for (at, audiences) in asks.into_iter().enumerate() {
            let trial = Trial::new().of(audiences);
            assert_eq!(trial.ask_token(&cached, "good").await, somebody("jane"));
            assert_eq!(count.load(Ordering::SeqCst), (at + 1).min(3));
        }
        assert_ne!(cached.key("a", &["b".into()]), cached.key("ab", &[]));
    }

    fn found(bytes: usize) -> Arc<Found> {
        Arc::new(Found {
            outcome: nobody(),
            said: Said {
                warnings: vec!["x".repeat(bytes)],
                annotations: Vec::new(),
            },
        })
    }

    fn put(shard: &mut Shard, at: usize, bytes: usize, now: u64) {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&at.to_be_bytes());
        let now = Duration::from_secs(now);
        shard.put(key, found(bytes), now, now + Duration::from_secs(10));
    }

    #[test]
    fn what_is_too_much_pushes_out_what_would_go_first() {
        let mut shard = Shard::default();
        for at in 0..=ENTRIES_MAX {
            put(&mut shard, at, 1, 0);
        }
        assert_eq!((shard.entries.len(), shard.ends.len()), (ENTRIES_MAX, ENTRIES_MAX));
        let none = shard.get(&[0; 32], Duration::ZERO);
        assert!(none.is_none(), "the first went");
        put(&mut shard, 1, BYTES_MAX / 2, 1);
        put(&mut shard, 2, BYTES_MAX / 2, 2);
        assert!(shard.bytes <= BYTES_MAX && shard.entries.len() < ENTRIES_MAX);
        put(&mut shard, 3, BYTES_MAX, 3);
        assert_eq!(shard.entries.len(), 1, "what is too big by itself is not kept");
        put(&mut shard, 4, 1, 100);
        assert_eq!((shard.entries.len(), shard.ends.len()), (1, 1), "what is over goes");
        assert_eq!(shard.bytes, found(1).weight());
    }
}
