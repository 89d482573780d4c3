//! The ports of nodes that services have: a range with a bit for each, in the store for all apiservers (upstream's
//! `portallocator`).

use std::fmt;
use std::sync::Arc;

use apiserver_api::tree::{self, Tree};
use base::random::Random;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use store_client::{KeyValue, Swap};
use tokio::sync::Mutex;

use super::bitmap::Bitmap;
use crate::inside::objects::{object, tree as map};
use crate::inside::store::RangeStore;

/// How often a change is tried anew where other apiservers were faster.
const TRIES: usize = 32;

/// The ports that services may have (`--service-node-port-range`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    /// The first.
    pub first: u16,
    /// The last, which belongs to it.
    pub last: u16,
}

impl PortRange {
    pub(super) const fn size(self) -> usize {
        (self.last as usize + 1).saturating_sub(self.first as usize)
    }

    /// Reads `30000-32767`, as ranges are written in the store.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-')?;
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        (first <= last).then_some(Self { first, last })
    }

    /// Where in the range a port lies.
    pub(super) fn place(self, port: i64) -> Option<usize> {
        let port = u16::try_from(port).ok()?;
        let inside = self.first <= port && port <= self.last;
        inside.then(|| usize::from(port - self.first))
    }

    pub(super) fn port(self, at: usize) -> i64 {
        i64::from(self.first) + at as i64
    }

    /// How many of the first ports are left to those who ask for them by number (KEP-3668).
    fn band(self) -> usize {
        let size = self.size();
        if size <= 16 { 0 } else { (size / 32).clamp(16, 128) }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.first, self.last)
    }
}

/// Why a service does not get a port.
#[derive(Debug, thiserror::Error)]
pub(super) enum PortError {
    #[error("range is full")]
    Full,
    #[error("provided port is already allocated")]
    Taken,
    #[error("provided port is not in the valid range. The range of valid ports is {0}")]
    OutOfRange(PortRange),
    #[error("cannot allocate resources of type servicenodeportallocations at this time")]
    NotReady,
    #[error("the provided range does not match the current range")]
    OtherRange,
    #[error("the allocations of ports changed too often meanwhile")]
    Contended,
    #[error("{0}")]
    Store(#[from] store_client::Error),
}

/// The ports that are taken, as one apiserver knows them; the store decides.
pub struct NodePorts {
    range: PortRange,
    store: Arc<dyn RangeStore>,
    random: Arc<dyn Random>,
    known: Mutex<Known>,
}

struct Known {
    /// The revision that wrote it; 0 where it was never read.
    revision: i64,
    taken: Bitmap,
}

/// What stood in the store before it was rebuilt.
pub(super) struct Stored {
    pub(super) range: PortRange,
    pub(super) taken: Bitmap,
}

impl NodePorts {
    /// The ports of a range, kept under a key of the store that the first repair writes.
    pub fn new(range: PortRange, store: Arc<dyn RangeStore>, random: Arc<dyn Random>) -> Self {
        let taken = Bitmap::new(range.size());
        let known = Mutex::new(Known { revision: 0, taken });
        Self {
            range,
            store,
            random,
            known,
        }
    }

    pub(super) const fn range(&self) -> PortRange {
        self.range
    }

    /// Takes a port that was asked for.
    pub(super) async fn take(&self, port: i64) -> Result<(), PortError> {
        let at = self.range.place(port).ok_or(PortError::OutOfRange(self.range))?;
        self.change(|taken| taken.take(at).then_some(()).ok_or(PortError::Taken))
            .await
    }

    /// Takes any port.
    pub(super) async fn take_any(&self) -> Result<i64, PortError> {
        let (band, random) = (self.range.band(), &*self.random);
        let at = self
            .change(|taken| taken.take_any(band, random).ok_or(PortError::Full))
            .await?;
        Ok(self.range.port(at))
    }

    /// Gives ports back. A failure is logged, and put right by the repairs.
    pub(super) async fn give_back(&self, ports: &[i64]) {
        let places: Vec<usize> = ports.iter().filter_map(|port| self.range.place(*port)).collect();
        if places.is_empty() {
            return;
        }
        let given = self.change(|taken| {
            for at in &places {
                taken.give_back(*at);
            }
            Ok(())
        });
        if let Err(error) = given.await {
            tracing::warn!(%error, ?ports, "Error releasing node ports");
        }
    }

    /// Whether a port is taken, as far as is known here.
    pub(super) async fn has(&self, port: i64) -> bool {
        let Some(at) = self.range.place(port) else {
            return false;
        };
        let mut known = self.known.lock().await;
        if known.revision == 0
            && let Ok(Some(current)) = self.store.read().await
        {
            // What cannot be read is told when a port is taken.
            let _ = self.restore(&mut known, &current);
        }
        known.taken.has(at)
    }

    /// How many ports are taken, as far as is known here, and how many there are.
    pub(super) async fn count(&self) -> (usize, usize) {
        (self.known.lock().await.taken.iter().count(), self.range.size())
    }

    /// Works on what is taken and writes it. What the work refuses by what is known here is asked anew of the store.
    async fn change<T>(&self, mut work: impl FnMut(&mut Bitmap) -> Result<T, PortError>) -> Result<T, PortError> {
        let mut known = self.known.lock().await;
        let mut fresh = false;
        for _ in 0..TRIES {
            if known.revision == 0 {
                self.load(&mut known).await?;
                fresh = true;
            }
            let mut taken = known.taken.clone();
            let value = match work(&mut taken) {
                Ok(value) => value,
                Err(error) if fresh => return Err(error),
                Err(_) => {
                    known.revision = 0;
                    continue;
                }
            };
            if taken == known.taken {
                return Ok(value);
            }
            match self.store.swap(known.revision, self.encode(&taken)).await? {
                Swap::Done { revision } => {
                    *known = Known { revision, taken };
                    return Ok(value);
                }
                Swap::Conflict { current, .. } => {
                    let current = current.ok_or(PortError::NotReady)?;
                    self.restore(&mut known, &current)?;
                    fresh = true;
                }
            }
        }
        Err(PortError::Contended)
    }

    async fn load(&self, known: &mut Known) -> Result<(), PortError> {
        let current = self.store.read().await?.ok_or(PortError::NotReady)?;
        self.restore(known, &current)
    }

    fn restore(&self, known: &mut Known, current: &KeyValue) -> Result<(), PortError> {
        let stored = decode(&current.value).filter(|stored| stored.range == self.range);
        known.taken = stored.ok_or(PortError::OtherRange)?.taken;
        known.revision = current.mod_revision;
        Ok(())
    }

    /// Writes what is taken anew, made of what stood there; says whether others were faster. What cannot be read counts as
    /// nothing.
    pub(super) async fn rebuild(&self, make: impl FnOnce(&Stored) -> Bitmap) -> Result<bool, PortError> {
        let mut known = self.known.lock().await;
        let current = self.store.read().await?;
        let revision = current.as_ref().map_or(0, |current| current.mod_revision);
        let stored = current.and_then(|current| {
            let stored = decode(&current.value);
            if stored.is_none() {
                tracing::error!("the port allocations in the store cannot be read and are made anew");
            }
            stored
        });
        let taken = make(&stored.unwrap_or_else(|| Stored {
            range: self.range,
            taken: Bitmap::new(self.range.size()),
        }));
        if known.revision == revision && known.taken == taken && revision != 0 {
            return Ok(true);
        }
        match self.store.swap(revision, self.encode(&taken)).await? {
            Swap::Done { revision } => {
                *known = Known { revision, taken };
                Ok(true)
            }
            Swap::Conflict { .. } => Ok(false),
        }
    }

    fn encode(&self, taken: &Bitmap) -> Vec<u8> {
        let mut allocation = object("v1", "RangeAllocation", "", "");
        allocation.set("metadata", map([]));
        allocation.set("range", self.range.to_string());
        allocation.set("data", STANDARD.encode(taken.to_bytes()));
        allocation.to_json()
    }
}

/// A `RangeAllocation` as it is stored.
fn decode(value: &[u8]) -> Option<Stored> {
    let allocation: Tree = tree::parse(value).ok()?.tree;
    let range = PortRange::parse(allocation.text("range"))?;
    let data = STANDARD.decode(allocation.text("data")).ok()?;
    let taken = Bitmap::from_bytes(range.size(), &data);
    Some(Stored { range, taken })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base::random::Seeded;

    use super::{Bitmap, NodePorts, PortError, PortRange};
    use crate::inside::testing::RangeKey;

    const RANGE: PortRange = PortRange {
        first: 30_000,
        last: 32_767,
    };

    async fn ports() -> (Arc<RangeKey>, NodePorts) {
        let key = Arc::new(RangeKey::default());
        let ports = NodePorts::new(RANGE, key.clone(), Arc::new(Seeded::new(1)));
        assert!(ports.rebuild(|stored| stored.taken.clone()).await.unwrap());
        (key, ports)
    }

    #[tokio::test]
    async fn ports_are_taken_once_and_by_all_apiservers() {
        let (key, ports) = ports().await;
        let other = NodePorts::new(RANGE, key.clone(), Arc::new(Seeded::new(2)));
        ports.take(30_000).await.unwrap();
        ports.take(30_008).await.unwrap();
        assert_eq!(
            key.value(),
            r#"{"apiVersion":"v1","data":"AQE=","kind":"RangeAllocation","metadata":{},"range":"30000-32767"}"#
        );
        assert!(other.has(30_008).await && !other.has(30_001).await);
        let told = other.take(30_000).await.unwrap_err().to_string();
        assert_eq!(told, "provided port is already allocated");
        // The other's view is old, and the store says so.
        other.take(30_001).await.unwrap();
        ports.take(30_002).await.unwrap();
        assert!(matches!(ports.take(30_001).await, Err(PortError::Taken)));
        other.give_back(&[30_000]).await;
        ports.take(30_000).await.unwrap();
    }

    #[tokio::test]
    async fn any_port_is_of_the_upper_band() {
        let (_, ports) = ports().await;
        let port = ports.take_any().await.unwrap();
        assert!((30_086..=32_767).contains(&port), "{port}");
        let told = ports.take(443).await.unwrap_err().to_string();
        assert_eq!(
            told,
            "provided port is not in the valid range. The range of valid ports is 30000-32767"
        );
    }

    #[tokio::test]
    async fn a_full_range_is_full() {
        let (key, ports) = ports().await;
        let full = Bitmap::from_bytes(RANGE.size(), &[0xff; 346]);
        key.write(ports.encode(&full));
        assert_eq!(ports.take_any().await.unwrap_err().to_string(), "range is full");
    }

    #[tokio::test]
    async fn nothing_is_given_before_the_first_repair_or_from_another_range() {
        let key = Arc::new(RangeKey::default());
        let ports = NodePorts::new(RANGE, key.clone(), Arc::new(Seeded::new(1)));
        assert!(matches!(ports.take(30_000).await, Err(PortError::NotReady)));
        key.write(r#"{"range":"20000-20010","data":""}"#);
        assert!(matches!(ports.take(30_000).await, Err(PortError::OtherRange)));
        *key.broken.lock() = true;
        assert!(matches!(ports.take(30_000).await, Err(PortError::Store(_))));
    }

    #[tokio::test]
    async fn a_rebuild_meets_what_stood_there_and_yields_to_others() {
        let (key, ports) = ports().await;
        key.write(r#"{"range":"29999-30001","data":"Bw=="}"#);
        let seen = ports.rebuild(|stored| {
            assert_eq!(stored.range.to_string(), "29999-30001");
            assert_eq!(stored.taken.iter().count(), 3);
            key.write("{}");
            Bitmap::new(RANGE.size())
        });
        assert!(!seen.await.unwrap());
        key.write([0x6b, 0x38, 0x73, 0]);
        let rebuilt = ports.rebuild(|stored| {
            assert_eq!(stored.taken.iter().count(), 0);
            Bitmap::new(RANGE.size())
        });
        assert!(rebuilt.await.unwrap());
    }
}
