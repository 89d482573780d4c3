//! A range that is read piece by piece: streamed where the store can, paged where it cannot.

use bytes::Bytes;
use proto::etcd::range_request::SortOrder;
use proto::etcd::{RangeRequest, RangeStreamResponse};
use tonic::{Code, Streaming};

use crate::kv::{Page, page};
use crate::op::Get;
use crate::retry::Repeat;
use crate::{Client, Error, Result};

/// Keys of one page when the store cannot stream.
const PAGE_KEYS: i64 = 1000;

/// The pieces of a long range. `count`, `more` and `revision` are set in the last piece only.
pub struct Pages {
    client: Client,
    request: RangeRequest,
    state: State,
}

enum State {
    Start,
    Streaming {
        first: Option<RangeStreamResponse>,
        rest: Box<Streaming<RangeStreamResponse>>,
    },
    Paging(Paging),
    Done,
}

/// How far paging has come.
#[derive(Default)]
struct Paging {
    /// The revision that all pages are of.
    pinned: i64,
    /// The store's revision when the first page was read.
    header: i64,
    /// All keys in the range at that revision.
    count: i64,
    read: i64,
    next_key: Option<Bytes>,
}

impl Pages {
    pub(crate) fn new(client: Client, get: Get) -> Self {
        Self {
            client,
            request: get.0,
            state: State::Start,
        }
    }

    /// The next piece; `None` after the last.
    ///
    /// # Errors
    /// Any refusal of the store. A stream that breaks is not resumed: read again from the start, or from the last
    /// key at the same revision.
    pub async fn next(&mut self) -> Result<Option<Page>> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Start => self.state = self.start().await?,
                State::Streaming { first, mut rest } => {
                    let piece = if first.is_some() { first } else { rest.message().await? };
                    let Some(piece) = piece else { return Ok(None) };
                    self.state = State::Streaming { first: None, rest };
                    return page(piece.range_response.unwrap_or_default(), 0).map(Some);
                }
                State::Paging(paging) => return self.next_page(paging).await.map(Some),
                State::Done => return Ok(None),
            }
        }
    }

    /// All pieces put together: what the plain range would have answered.
    ///
    /// # Errors
    /// As [`Pages::next`].
    pub async fn collect(mut self) -> Result<Page> {
        let mut all = Page::default();
        while let Some(piece) = self.next().await? {
            all.kvs.extend(piece.kvs);
            all = Page { kvs: all.kvs, ..piece };
        }
        Ok(all)
    }

    async fn start(&self) -> Result<State> {
        let rpc = |link: crate::channel::Link, request| async move { link.kv().range_stream(request).await };
        let refused = match self.client.core().call(Repeat::Safe, self.request.clone(), rpc).await {
            Ok(mut stream) => match stream.message().await {
                // The first message tells whether the store streams this request at all.
                Ok(first) => {
                    return Ok(State::Streaming {
                        first,
                        rest: Box::new(stream),
                    });
                }
                Err(status) => Error::from(status),
            },
            Err(error) => error,
        };
        match refused {
            Error::Status {
                code: Code::Unimplemented,
                ..
            } => Ok(State::Paging(Paging::default())),
            error => Err(error),
        }
    }

    async fn next_page(&mut self, mut paging: Paging) -> Result<Page> {
        if self.is_whole() {
            return self.client.get(Get(self.request.clone())).await;
        }
        let mut request = self.request.clone();
        let left = if request.limit > 0 {
            request.limit - paging.read
        } else {
            i64::MAX
        };
        request.limit = left.min(PAGE_KEYS);
        if let Some(key) = paging.next_key.take() {
            request.key = key;
            request.revision = paging.pinned;
        }
        let mut piece = self.client.get(Get(request)).await?;
        if paging.pinned == 0 {
            paging.header = piece.revision;
            paging.count = piece.count;
            paging.pinned = if self.request.revision > 0 {
                self.request.revision
            } else {
                piece.revision
            };
        }
        paging.read += piece.kvs.len() as i64;
        let last = piece.kvs.last().map(|kv| kv.key.clone());
        match last {
            Some(key) if piece.more && (self.request.limit <= 0 || paging.read < self.request.limit) => {
                paging.next_key = Some(key_after(&key));
                (piece.revision, piece.count, piece.more) = (0, 0, false);
                self.state = State::Paging(paging);
            }
            _ => (piece.revision, piece.count) = (paging.header, paging.count),
        }
        Ok(piece)
    }

    /// Whether only one answer makes sense: one key, a count, or an order that needs to see all keys first.
    fn is_whole(&self) -> bool {
        let request = &self.request;
        let by_key = request.sort_target == 0 && request.sort_order != SortOrder::Descend as i32;
        let filtered = request.min_mod_revision != 0
            || request.max_mod_revision != 0
            || request.min_create_revision != 0
            || request.max_create_revision != 0;
        request.range_end.is_empty() || request.count_only || !by_key || filtered
    }
}

/// The first key that sorts after this one.
fn key_after(key: &[u8]) -> Bytes {
    let mut next = key.to_vec();
    next.push(0);
    next.into()
}
