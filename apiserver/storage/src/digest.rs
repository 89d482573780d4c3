//! A check now and then that the caches have what the store has, by keys and revisions.

use std::sync::Arc;
use std::time::Duration;

use store_client::{Error, Get, Span};

use crate::shelf::Shelf;
use crate::store::Store;

/// Upstream checks as often.
const EVERY: Duration = Duration::from_secs(300);
/// Keys that are asked for at once.
const PAGE: i64 = 10_000;

/// Checks until the task is ended.
pub(crate) async fn run(store: Arc<Store>) {
    loop {
        tokio::time::sleep(EVERY).await;
        for shelf in store.shelves() {
            let counts = &shelf.counts().cache;
            match differs(&store, shelf).await {
                Ok(None) => counts.check_passed.get().inc(),
                Ok(Some(key)) => {
                    counts.check_failed.get().inc();
                    tracing::error!(
                        resource = shelf.name(),
                        key,
                        "the cache does not have what the store has"
                    );
                }
                Err(error) => {
                    counts.check_broke.get().inc();
                    tracing::debug!(%error, resource = shelf.name(), "the cache was not checked");
                }
            }
        }
    }
}

/// The first key in which cache and store differ at one revision.
///
/// # Errors
/// The store does not answer.
pub(crate) async fn differs(store: &Store, shelf: &Shelf) -> Result<Option<String>, Error> {
    let snapshot = shelf.cache().snapshot();
    let mut cached = snapshot.from(shelf.folder(), None);
    let mut from = shelf.folder().as_bytes().to_vec();
    let to = crate::feed::end_of(shelf.folder().as_bytes());
    loop {
        let span = Span::range(from.clone(), to.clone());
        let get = Get::new(span).revision(snapshot.revision()).limit(PAGE).keys_only();
        let page = store.client.get(get).await?;
        for kv in &page.kvs {
            let same = cached
                .next()
                .is_some_and(|object| object.key.as_bytes() == kv.key && object.revision == kv.mod_revision);
            if !same {
                return Ok(Some(String::from_utf8_lossy(&kv.key).into_owned()));
            }
        }
        match page.kvs.last() {
            Some(last) if page.more => {
                from = last.key.to_vec();
                from.push(0);
            }
            _ => return Ok(cached.next().map(|object| object.key.to_string())),
        }
    }
}
