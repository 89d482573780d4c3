//! Writers that remember what was acknowledged, and the check that all of it is there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base::task::{Handle, Tasks};
use store_client::{Client, Get, Options, Put};

use crate::harness::{Cluster, until_async};

/// Every key is written once, under its own name.
const PREFIX: &str = "load/";

/// Running writers.
pub(crate) struct Load {
    tasks: Tasks,
    writers: Vec<Handle<BTreeMap<String, i64>>>,
    acknowledged: Arc<AtomicUsize>,
}

impl Load {
    /// Starts so many writers, each with a client of its own.
    pub(crate) fn start(cluster: &Cluster, writers: usize) -> Self {
        let tasks = Tasks::new();
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let writer = |n: usize| {
            let options = Options {
                retry_for: Duration::from_secs(1),
                ..Options::new(cluster.endpoints())
            };
            let client = Client::new(options, &tasks).unwrap();
            let (stop, acknowledged) = (tasks.token(), Arc::clone(&acknowledged));
            tasks.spawn_value("test-writer", async move {
                let mut written = BTreeMap::new();
                for count in 0.. {
                    let key = format!("{PREFIX}{n}/{count:06}");
                    let put = client.put(Put::new(key.clone(), key.clone()));
                    // A frozen member answers late: the write may be done or not, like any that fails.
                    let answer = tokio::select! {
                        () = stop.cancelled() => return written,
                        answer = tokio::time::timeout(Duration::from_secs(2), put) => answer,
                    };
                    if let Ok(Ok(put)) = answer {
                        written.insert(key, put.revision);
                        acknowledged.fetch_add(1, Ordering::Relaxed);
                    }
                }
                written
            })
        };
        let writers = (0..writers).map(writer).collect();
        Self {
            tasks,
            writers,
            acknowledged,
        }
    }

    /// Waits until so many more writes are acknowledged. Only a standstill fails: how many a disk takes in what time is
    /// not judged.
    pub(crate) async fn progress(&self, more: usize) {
        let target = self.acknowledged.load(Ordering::Relaxed) + more;
        let mut reached = 0;
        while reached < target {
            reached = until_async("writes go on", || async {
                let now = self.acknowledged.load(Ordering::Relaxed);
                (now > reached).then_some(now)
            })
            .await;
        }
    }

    /// Stops the writers and gives what was acknowledged: key to revision.
    pub(crate) async fn stop(self) -> BTreeMap<String, i64> {
        self.tasks.cancel();
        let mut all = BTreeMap::new();
        for writer in self.writers {
            all.extend(writer.await.expect("a writer ended"));
        }
        all
    }
}

/// Fails unless every acknowledged write is there as it was acknowledged.
pub(crate) async fn check_nothing_lost(client: &Client, acknowledged: &BTreeMap<String, i64>) {
    let page = client.range_stream(Get::prefix(PREFIX)).collect().await.unwrap();
    let there: BTreeMap<&[u8], _> = page.kvs.iter().map(|kv| (&kv.key[..], kv)).collect();
    let lost = |(key, revision): &(&String, &i64)| {
        let kept = there.get(key.as_bytes());
        kept.is_none_or(|kv| kv.mod_revision != **revision || kv.version != 1 || kv.value != kv.key)
    };
    let lost: Vec<_> = acknowledged.iter().filter(lost).collect();
    assert!(
        lost.is_empty(),
        "{} of {} acknowledged writes are lost: {lost:?}",
        lost.len(),
        acknowledged.len()
    );
    assert!(!acknowledged.is_empty());
}
