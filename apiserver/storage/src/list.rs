//! Lists: which revision is shown, where it comes from, and pages.

use std::sync::Arc;

use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::Text;

use crate::cache::Snapshot;
use crate::error::Error;
use crate::metrics::lists;
use crate::object::Object;
use crate::select::Select;
use crate::shelf::Shelf;
use crate::store::Store;
use crate::token::Token;

/// Which state is to be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Since {
    /// What the store has now.
    Newest,
    /// Whatever is at hand.
    Any,
    /// What is at least as new as a revision.
    NotOlderThan(i64),
    /// What was there at a revision.
    Exact(i64),
    /// What a list that was cut off goes on with.
    Continue(Token),
}

/// What is to be listed.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Which objects.
    pub select: Select,
    /// At which revision.
    pub since: Since,
    /// How many at most; 0 for all.
    pub limit: usize,
}

/// A page of a list.
#[derive(Debug)]
pub struct Page {
    /// The revision that it shows.
    pub revision: i64,
    /// The objects.
    pub objects: Vec<Arc<Object>>,
    /// How to go on, where something is left.
    pub next: Option<Token>,
    /// How many are left, where that is known.
    pub remaining: Option<i64>,
}

const LIST_TOO_OLD: &str = "The resourceVersion for the provided list is too old.";
const PAGE_TOO_OLD: &str = "The provided continue parameter is too old to display a consistent list result. You can start a \
     new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the \
     results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or \
     deleted between the time the first chunk was returned and now may show up in the list.";

/// Where a walk over objects begins, and what it may find.
struct Walk<'a> {
    ask: &'a Ask,
    /// What the keys begin with.
    prefix: &'a str,
    /// The first key that is looked at, if not the first of all.
    from: Option<String>,
    /// The one key that is looked at, where only that can be found: nothing is left after it.
    single: Option<Text>,
    shelf: &'a Shelf,
    counts: &'a lists::Counts,
}

impl Shelf {
    /// Lists objects.
    ///
    /// # Errors
    /// 410 where the revision is forgotten, 504 where it is not there yet, or what kept the store from answering.
    pub async fn list(&self, store: &Store, ask: &Ask) -> Result<Page, Status> {
        let prefix = self.keys(&ask.select.namespace);
        let mut walk = Walk {
            ask,
            prefix: &prefix,
            from: None,
            single: self.single(&ask.select),
            shelf: self,
            counts: &self.counts().lists,
        };
        let exact = match &ask.since {
            Since::Newest => return self.newest(store, &walk).await,
            Since::Any => {
                store.reaches(1).await?;
                return Ok(walk.page(&self.cache().snapshot()));
            }
            Since::NotOlderThan(revision) => {
                self.reaches(store, *revision).await?;
                return Ok(walk.page(&self.cache().snapshot()));
            }
            Since::Exact(revision) => *revision,
            Since::Continue(token) => {
                walk.from = Some(format!("{prefix}{}", token.start));
                walk.single = None;
                if token.revision < 0 {
                    return self.newest(store, &walk).await;
                }
                token.revision
            }
        };
        self.reaches(store, exact).await?;
        // Of what is compacted the store tells how to go on, whatever is still known here.
        let known = store.remembers(exact).then(|| self.cache().snapshot_at(exact));
        match known.flatten() {
            Some(snapshot) => Ok(walk.page(&snapshot)),
            None => self.long_ago(store, &walk, exact).await,
        }
    }

    async fn newest(&self, store: &Store, walk: &Walk<'_>) -> Result<Page, Status> {
        let fresh = self.is_fresh(store).await;
        let counts = &self.counts().cache;
        let counted = if fresh.is_ok() {
            &counts.consistent
        } else {
            &counts.inconsistent
        };
        counted.get().inc();
        fresh?;
        Ok(walk.page(&self.cache().snapshot()))
    }

    /// A page of a state that the cache does not know any more.
    async fn long_ago(&self, store: &Store, walk: &Walk<'_>, revision: i64) -> Result<Page, Status> {
        let limit = if walk.ask.limit == 0 {
            usize::MAX
        } else {
            walk.ask.limit
        };
        let (mut from, end) = if let Some(key) = &walk.single {
            (key.to_string(), format!("{key}\0").into_bytes())
        } else {
            let from = walk.from.as_deref().unwrap_or(walk.prefix);
            (from.to_owned(), crate::feed::end_of(walk.prefix.as_bytes()))
        };
        let mut total = None;
        let mut objects: Vec<Arc<Object>> = Vec::new();
        let (mut read, mut evaluated) = (0, 0);
        loop {
            let past = self.past(store, &from, end.clone(), revision, limit.min(1000)).await;
            let (found, more, count) = past.map_err(|error| walk.forgotten(error))?;
            let total = *total.get_or_insert(count);
            read += found.len();
            let Some(last) = found.last().map(|object| object.key.clone()) else {
                walk.counts.stored(read, evaluated, objects.len());
                return Ok(Page::whole(revision, objects));
            };
            for object in found {
                evaluated += 1;
                if walk.ask.select.matches(&object.index) {
                    let is_last = object.key == last && !more;
                    objects.push(object.clone());
                    if objects.len() == limit && !is_last {
                        walk.counts.stored(read, evaluated, objects.len());
                        return Ok(walk.cut(revision, objects, &object.key, total as usize));
                    }
                }
            }
            if !more {
                walk.counts.stored(read, evaluated, objects.len());
                return Ok(Page::whole(revision, objects));
            }
            from = format!("{last}\0");
        }
    }
}

impl Page {
    const fn whole(revision: i64, objects: Vec<Arc<Object>>) -> Self {
        Self {
            revision,
            objects,
            next: None,
            remaining: None,
        }
    }
}

impl Walk<'_> {
    /// A page of a snapshot.
    fn page(&self, snapshot: &Snapshot) -> Page {
        let revision = snapshot.revision();
        if let Some(key) = &self.single {
            let found = snapshot.get(key);
            let matching = found.filter(|object| self.ask.select.matches(&object.index));
            self.counts.cached(found.iter().len(), matching.iter().len());
            return Page::whole(revision, matching.into_iter().cloned().collect());
        }
        let limit = if self.ask.limit == 0 {
            usize::MAX
        } else {
            self.ask.limit
        };
        let mut objects = Vec::new();
        let mut looked_at = 0;
        let mut walk = snapshot.from(self.prefix, self.from.as_deref());
        while let Some(object) = walk.next() {
            looked_at += 1;
            if !self.ask.select.matches(&object.index) {
                continue;
            }
            objects.push(object.clone());
            if objects.len() == limit && walk.next().is_some() {
                self.counts.cached(looked_at, objects.len());
                // What is left is counted only where it is told.
                let all = if self.ask.select.is_all() {
                    self.known(snapshot).unwrap_or_else(|| limit + 1 + walk.count())
                } else {
                    0
                };
                return self.cut(revision, objects, &object.key, all);
            }
        }
        self.counts.cached(looked_at, objects.len());
        Page::whole(revision, objects)
    }

    /// How many objects there are from where the walk begins, if that is known without counting.
    fn known(&self, snapshot: &Snapshot) -> Option<usize> {
        match &self.from {
            Some(from) => self.shelf.remaining().get(snapshot.revision(), self.prefix, from),
            None => (self.prefix == self.shelf.folder()).then(|| snapshot.len()),
        }
    }

    /// A page after which something is left, of so many in all.
    fn cut(&self, revision: i64, objects: Vec<Arc<Object>>, last: &str, all: usize) -> Page {
        let start = format!("{}\0", last.strip_prefix(self.prefix).unwrap_or(last));
        let left = self.ask.select.is_all().then(|| all - objects.len());
        if let Some(left) = left {
            let from = format!("{}{start}", self.prefix);
            self.shelf.remaining().keep(revision, self.prefix, from, left);
        }
        Page {
            revision,
            next: Some(Token { revision, start }),
            remaining: left.map(|left| left as i64),
            objects,
        }
    }

    /// What is told of a revision that the store forgot: how to go on all the same.
    fn forgotten(&self, error: Error) -> Status {
        match (error, &self.ask.since) {
            (Error::Store(fault), Since::Continue(token)) if fault.is_compacted() => {
                let mut status = Status::new(410, Reason::Expired, PAGE_TOO_OLD);
                let token = Token {
                    revision: -1,
                    start: token.start.clone(),
                };
                status.resume = Some(token.encode());
                status
            }
            (Error::Store(fault), _) if fault.is_compacted() => Status::new(410, Reason::Expired, LIST_TOO_OLD),
            (error, _) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base::task::Tasks;
    use store_client::Error as Fault;

    use super::{Ask, LIST_TOO_OLD, PAGE_TOO_OLD, Since, Walk};
    use crate::error::Error;
    use crate::select::{Field, Select, Term};
    use crate::testing;
    use crate::token::Token;

    #[tokio::test(start_paused = true)]
    async fn a_page_that_is_compacted_says_how_to_go_on() {
        let tasks = Tasks::new();
        let (_, shelf) = testing::store(Duration::ZERO, &tasks);
        let token = Token {
            revision: 5,
            start: "b\0".to_owned(),
        };
        let told = |since| {
            let ask = Ask {
                select: Select::namespace(""),
                since,
                limit: 2,
            };
            let walk = Walk {
                ask: &ask,
                prefix: shelf.folder(),
                from: None,
                single: None,
                shelf: &shelf,
                counts: &shelf.counts().lists,
            };
            walk.forgotten(Error::Store(Fault::Compacted { revision: 6 }))
        };
        let page = told(Since::Continue(token.clone()));
        let rest = Token { revision: -1, ..token };
        assert_eq!(page.resume, Some(rest.encode()));
        assert_eq!((page.code, page.message.as_str()), (410, PAGE_TOO_OLD));
        let list = told(Since::Exact(5));
        assert_eq!(
            (list.code, list.message.as_str(), list.resume),
            (410, LIST_TOO_OLD, None)
        );
        tasks.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_left_after_the_one_object_that_is_named() {
        let tasks = Tasks::new();
        let (store, shelf) = testing::store(Duration::ZERO, &tasks);
        shelf
            .cache()
            .replace(5, ["a", "b", "c"].map(|name| testing::object(name, 3)));
        store.clock().set(5);
        let list = async |name: &str, since| {
            let mut select = Select::namespace("");
            select.fields.push(Term {
                field: Field::Name,
                value: name.into(),
                equal: true,
            });
            let ask = Ask {
                select,
                since,
                limit: 1,
            };
            let page = shelf.list(&store, &ask).await.unwrap();
            (page.objects.len(), page.next.is_some())
        };
        assert_eq!(list("b", Since::Any).await, (1, false));
        assert_eq!(list("b", Since::Exact(5)).await, (1, false));
        assert_eq!(list("x", Since::Any).await, (0, false));
        // A list that goes on is walked, whatever it selects.
        let start = "a\0".to_owned();
        let token = Token { revision: 5, start };
        assert_eq!(list("b", Since::Continue(token)).await, (1, true));
        tasks.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_compacted_is_not_listed_from_memory() {
        let tasks = Tasks::new();
        let (store, shelf) = testing::store(Duration::ZERO, &tasks);
        shelf.cache().replace(5, [testing::object("a", 3)]);
        shelf.cache().apply([testing::put("b", 7)]);
        store.clock().set(7);
        let list = async |revision| {
            let ask = Ask {
                select: Select::namespace(""),
                since: Since::Exact(revision),
                limit: 0,
            };
            let page = shelf.list(&store, &ask).await;
            page.map(|page| page.objects.len()).map_err(|status| status.code)
        };
        assert_eq!(list(5).await, Ok(1));
        store.forget(6);
        // The store is asked, and there is none.
        assert_eq!(list(5).await, Err(503));
        assert_eq!((list(6).await, list(7).await), (Ok(1), Ok(2)));
        // It never comes back.
        store.forget(4);
        assert_eq!(list(5).await, Err(503));
        tasks.shutdown().await;
    }
}
