//! The one task that keeps all caches: it reads everything, then follows one watch on everything.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use store_client::{Client, Error, Event, EventType, Get, KeyValue, Watch, Watcher};

use crate::cache::News;
use crate::object::{Object, Unreadable};
use crate::shelf::Shelf;
use crate::store::Store;

/// How objects are read.
type Read = fn(&Shelf, &KeyValue) -> Result<Arc<Object>, Unreadable>;

/// After a failure the store is left alone for so long.
const PAUSE: Duration = Duration::from_millis(500);
/// Keys that are asked for at once.
const PAGE: i64 = 1000;

/// Keeps the caches until the task is ended.
pub(crate) async fn run(store: Arc<Store>) {
    loop {
        match begin(&store).await {
            Ok(watcher) => {
                // What happened since is lost with the store's history, or is another one's: begin anew.
                if let Some(error) = follow(&store, watcher).await {
                    tracing::warn!(%error, "the watch of the store ended; everything is read again");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the store cannot be read; trying again");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Fills all caches with what the store has at one revision, and watches from there.
async fn begin(store: &Store) -> Result<Watcher, Error> {
    let revision = store
        .client
        .get(Get::new(store.prefix.as_bytes().to_vec()))
        .await?
        .revision;
    store.compare(revision, store.clock.now());
    let read: Read = if store.is_stale() {
        Shelf::read_anew
    } else {
        Shelf::read
    };
    for shelf in store.shelves() {
        let objects = read_all(&store.client, shelf, revision, read).await?;
        shelf.cache().replace(revision, objects);
        shelf.met(revision);
        shelf.counts().cache.initializations.get().inc();
    }
    let watch = Watch::prefix(store.prefix.as_bytes().to_vec()).from_revision(revision + 1);
    let watcher = store.client.watch(watch.progress_notify().fragment()).await?;
    store.renewed();
    store.clock.set(revision);
    tracing::debug!(revision, "the caches are filled");
    Ok(watcher)
}

/// All objects of a shelf at a revision, page by page, so that no more than a page is held twice.
async fn read_all(client: &Client, shelf: &Shelf, revision: i64, read: Read) -> Result<Vec<Arc<Object>>, Error> {
    let mut objects = Vec::new();
    let mut from = shelf.folder().as_bytes().to_vec();
    let to = end_of(shelf.folder().as_bytes());
    loop {
        let span = store_client::Span::range(from.clone(), to.clone());
        let asked = client.get(Get::new(span).revision(revision).limit(PAGE));
        let page = shelf.counts().requests.list.count(asked).await?;
        objects.extend(page.kvs.iter().filter_map(|kv| told(read(shelf, kv))));
        match page.kvs.last() {
            Some(last) if page.more => {
                from = last.key.to_vec();
                from.push(0);
            }
            _ => return Ok(objects),
        }
    }
}

/// The first key after all that begin with a folder, which ends with a slash.
pub(crate) fn end_of(folder: &[u8]) -> Vec<u8> {
    let mut end = folder.to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

/// Follows the watch until it ends, which it says why, or until the store has gone back. A watch from a revision that a store
/// does not have yet only waits, so others notice that.
async fn follow(store: &Store, mut watcher: Watcher) -> Option<Error> {
    loop {
        tokio::select! {
            update = watcher.next() => match update {
                // What comes of another past is not told as if it came after what is cached.
                Ok(_) if store.is_stale() => return None,
                Ok(update) => {
                    if update.is_progress() {
                        note_progress(store);
                    }
                    take_in(store, update.events);
                    store.clock.set(update.revision);
                }
                Err(error) => return Some(error),
            },
            () = store.wanted.notified() => watcher.request_progress().await,
            // It may have been noticed while all was read anew anyway.
            () = store.behind.notified() => if store.is_stale() { return None },
        }
    }
}

/// Counts that the store said how far it is.
fn note_progress(store: &Store) {
    for shelf in store.shelves() {
        shelf.counts().cache.bookmarks.get().inc();
    }
}

/// Tells each cache what happened to its objects.
fn take_in(store: &Store, events: Vec<Event>) {
    let mut news: HashMap<&str, (&Arc<Shelf>, Vec<News>)> = HashMap::new();
    for event in events {
        let is_put = event.r#type() == EventType::Put;
        let Some(kv) = event.kv else { continue };
        let Ok(key) = std::str::from_utf8(&kv.key) else {
            continue;
        };
        let Some(shelf) = store.shelf_of(key) else { continue };
        let one = News {
            key: key.into(),
            object: if is_put { told(shelf.read(&kv)) } else { None },
            revision: kv.mod_revision,
        };
        news.entry(shelf.folder())
            .or_insert_with(|| (shelf, Vec::new()))
            .1
            .push(one);
    }
    for (shelf, news) in news.into_values() {
        shelf.counts().cache.happened(news.len());
        let last = news.iter().map(|one| one.revision).max().unwrap_or_default();
        shelf.cache().apply(news);
        shelf.met(last);
    }
}

/// An object as it was read. One that cannot be read is not there for those who list and watch; who gets it is told.
fn told(read: Result<Arc<Object>, Unreadable>) -> Option<Arc<Object>> {
    match read {
        Ok(object) => Some(object),
        Err(error) => {
            tracing::error!(%error, "what is stored cannot be read, and is left out of lists and watches");
            None
        }
    }
}
