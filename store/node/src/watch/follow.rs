//! The member's own watch of a few keys, for the services that wait for others to let go.

use std::sync::Arc;

use proto::fault::Fault;
use store_mvcc::watch::{Filter, GroupBatch, Poll, Watcher};
use store_mvcc::{KeyRange, PageLimits};

use super::token::{Ready, Token};
use crate::Member;
use crate::error::Result;

/// A place in the events of some keys.
pub(crate) struct Follow {
    member: Member,
    watcher: Watcher<Arc<Token>>,
    ready: Arc<Ready>,
}

impl Member {
    /// Follows keys from a revision on.
    pub(crate) fn follow(&self, range: KeyRange, from: i64) -> Follow {
        let ready: Arc<Ready> = Arc::default();
        let token = Token::new(0, Arc::clone(&ready));
        let watcher = self.sink.hub.watch(Filter::new(range), from, token);
        Follow {
            member: self.clone(),
            watcher,
            ready,
        }
    }
}

impl Follow {
    /// The next events, in whole revisions.
    pub(crate) async fn next(&mut self) -> Result<Vec<Arc<GroupBatch>>> {
        loop {
            match self.watcher.poll(self.member.config.max_request_bytes) {
                Poll::Ready(batches) => return Ok(batches),
                Poll::Idle(_) | Poll::Future => self.wait().await?,
                Poll::Compacted(_) => return Err(Fault::Compacted.into()),
                Poll::Behind(from) => {
                    let limits = PageLimits {
                        revisions: 1000,
                        bytes: self.member.config.max_request_bytes,
                    };
                    let page = self.member.mvcc.view().history(from, self.watcher.filter(), limits)?;
                    self.watcher.resume(page.next);
                    if !page.batches.is_empty() {
                        return Ok(page.batches);
                    }
                }
            }
        }
    }

    async fn wait(&self) -> Result<()> {
        // One watch only, so the list of the ready says nothing more than the wake-up.
        while self.ready.pop().is_some() {}
        tokio::select! {
            () = self.ready.notify.notified() => Ok(()),
            () = self.member.life.stopping() => Err(Fault::Stopped.into()),
        }
    }
}
