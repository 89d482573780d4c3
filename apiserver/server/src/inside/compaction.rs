//! Old revisions are compacted out of the store, by one of the apiservers at a time (upstream's `etcd3/compact.go`).
//!
//! A key that all apiservers know counts the turns: its version is the turn, its value the revision that was compacted in it.
//! Who writes it as it was when it looked last has the turn, and compacts what was the store's revision then; all others learn
//! from it. So history is as long as one to two intervals, whichever apiserver lives.
//!
//! All of them follow that key too, and list nothing from memory that it says is compacted, so that lists of the past expire
//! with the store's history. What others compact does not show in that key; upstream does not notice it either.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use apiserver_storage::store::Store;
use async_trait::async_trait;
use store_client::{Client, Compare, Get, Is, KeyValue, Put, Result, Span, Txn, Watch};

/// Shared with upstream's apiservers, and below no prefix.
const KEY: &str = "compact_rev_key";
/// After a failure the key is left alone for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// How an attempt to have the turn ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Turn {
    /// Whether it was had.
    had: bool,
    /// Which turn it is now.
    number: i64,
    /// The store's revision.
    revision: i64,
}

/// A store, as far as this needs one.
#[async_trait]
trait History: Send + Sync {
    /// Takes the turn after this one, if it still is this one, and says which revision is to be compacted in it.
    async fn take(&self, number: i64, revision: i64) -> Result<Turn>;

    /// Forgets what was before a revision.
    async fn forget(&self, revision: i64) -> Result<()>;
}

#[async_trait]
impl History for Client {
    async fn take(&self, number: i64, revision: i64) -> Result<Turn> {
        let is_same = Compare::version(Span::key(KEY), Is::Equal, number);
        let txn = Txn::new()
            .when(is_same)
            .then(Put::new(KEY, revision.to_string()))
            .or_else(Get::new(KEY));
        let answer = self.txn(txn).await?;
        if answer.succeeded {
            return Ok(Turn {
                had: true,
                number: number + 1,
                revision: answer.revision,
            });
        }
        let page = answer.page(0)?;
        Ok(Turn {
            had: false,
            // Somebody may have deleted it.
            number: page.kvs.first().map_or(0, |kv| kv.version),
            revision: answer.revision,
        })
    }

    async fn forget(&self, revision: i64) -> Result<()> {
        self.compact(revision, false).await
    }
}

/// Compacts a store each time that the interval is over, until it is dropped.
pub(crate) async fn run(client: Client, interval: Duration) {
    compact(&client, interval).await;
}

/// Tells a store what its apiservers have compacted, until it is dropped.
pub(crate) async fn follow(store: Arc<Store>) {
    loop {
        let Err(error) = tell(&store).await;
        tracing::debug!(%error, "it is not known what is compacted; trying again");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn tell(store: &Store) -> Result<Infallible> {
    let page = store.client().get(KEY).await?;
    page.kvs.iter().filter_map(compacted).for_each(|at| store.forget(at));
    let watch = Watch::new(KEY).from_revision(page.revision + 1);
    let mut watcher = store.client().watch(watch).await?;
    loop {
        let events = watcher.next().await?.events;
        let last = events.iter().rev().find_map(|event| compacted(event.kv.as_ref()?));
        if let Some(at) = last {
            store.forget(at);
        }
    }
}

/// The revision that the key says is compacted; none where it was deleted, or nobody of ours wrote it.
fn compacted(kv: &KeyValue) -> Option<i64> {
    std::str::from_utf8(&kv.value).ok()?.parse().ok()
}

async fn compact(history: &dyn History, interval: Duration) {
    let (mut number, mut revision) = (0, 0);
    loop {
        tokio::time::sleep(interval).await;
        match turn(history, number, revision).await {
            Ok(turn) => (number, revision) = (turn.number, turn.revision),
            Err(error) => tracing::error!(%error, "the store was not compacted"),
        }
    }
}

/// Tries to have the turn, and compacts where it is had; not in the first, when nothing is known of the time before.
async fn turn(history: &dyn History, number: i64, revision: i64) -> Result<Turn> {
    let turn = history.take(number, revision).await?;
    if turn.had && revision > 0 {
        if let Err(error) = history.forget(revision).await {
            // The turn was had all the same.
            tracing::error!(%error, revision, "the store was not compacted");
        } else {
            tracing::debug!(revision, "compacted the store");
        }
    }
    Ok(turn)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;
    use parking_lot::Mutex;
    use store_client::Result;

    use super::{History, Turn, compact};

    /// A store that is written to once a turn.
    #[derive(Default)]
    struct Fake {
        state: Mutex<State>,
    }

    #[derive(Default)]
    struct State {
        number: i64,
        revision: i64,
        said: Vec<i64>,
        forgotten: Vec<i64>,
    }

    #[async_trait]
    impl History for Fake {
        async fn take(&self, number: i64, revision: i64) -> Result<Turn> {
            let mut state = self.state.lock();
            state.revision += 10;
            let had = state.number == number;
            if had {
                state.number += 1;
                state.said.push(revision);
            }
            Ok(Turn {
                had,
                number: state.number,
                revision: state.revision,
            })
        }

        async fn forget(&self, revision: i64) -> Result<()> {
            self.state.lock().forgotten.push(revision);
            Ok(())
        }
    }

    const INTERVAL: Duration = Duration::from_secs(300);

    #[tokio::test(start_paused = true)]
    async fn what_was_an_interval_ago_is_forgotten_and_nothing_in_the_first_turn() {
        let store = Fake::default();
        let four = tokio::time::timeout(INTERVAL * 4 + INTERVAL / 2, compact(&store, INTERVAL));
        assert!(four.await.is_err());
        let state = store.state.lock();
        assert_eq!(state.said, [0, 10, 20, 30]);
        assert_eq!(state.forgotten, [10, 20, 30]);
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_apiservers_one_compacts() {
        let store = Fake::default();
        let late = async {
            tokio::time::sleep(INTERVAL / 2).await;
            compact(&store, INTERVAL).await;
        };
        let both = async { tokio::join!(compact(&store, INTERVAL), late) };
        let six = tokio::time::timeout(INTERVAL * 6 + INTERVAL / 4, both);
        assert!(six.await.is_err());
        let state = store.state.lock();
        // The second comes in between, learns the turn, and finds it over when it comes again.
        assert_eq!(state.number, 6);
        assert!(
            state.forgotten.is_sorted() && state.forgotten.len() == 5,
            "{:?}",
            state.forgotten
        );
    }
}
