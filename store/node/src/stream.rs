//! The streaming range: one range in bounded pieces, at one revision.

use std::sync::Arc;

use proto::etcd::{RangeRequest, RangeResponse, RangeStreamResponse};
use store_machine::Ask;
use store_mvcc::{RangePages, validate};

use crate::Member;
use crate::admit::{Admitted, Learner};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::offload;

/// A range under way. Each [`next`](Self::next) reads one page; nothing is read ahead.
pub struct RangeStream {
    member: Member,
    admitted: Admitted,
    pages: Arc<parking_lot::Mutex<RangePages>>,
    done: bool,
}

impl Member {
    /// Starts a range whose answer comes in pieces; put together they are what [`range`](Self::range) answers.
    ///
    /// # Errors
    /// As `range`; unimplemented for sorted and filtered ranges, as upstream.
    pub async fn range_stream(&self, caller: &Caller, request: RangeRequest) -> Result<RangeStream> {
        let learner = if request.serializable {
            Learner::Serves
        } else {
            Learner::Refuses
        };
        let admitted = self.admit(caller, learner).await?;
        validate::range(&request)?;
        if !validate::streamable(&request) {
            return Err(Error::unimplemented(
                "etcdserver: RangeStream does not support sorting or filtering by revision",
            ));
        }
        self.intact()?;
        if !request.serializable {
            self.barrier().await?;
        }
        self.allowed(&admitted.who, Ask::Range(&request))?;
        self.metrics.mvcc.ranges.inc();
        let pages = self.mvcc.range_pages(request, self.config.max_request_bytes)?;
        Ok(RangeStream {
            member: self.clone(),
            admitted,
            pages: Arc::new(parking_lot::Mutex::new(pages)),
            done: false,
        })
    }
}

impl RangeStream {
    /// The next piece; `None` after the last. A call that is dropped loses nothing but time, unless a page was read by
    /// then: the transport drops the stream as a whole.
    pub async fn next(&mut self) -> Option<Result<RangeStreamResponse>> {
        if self.done {
            return None;
        }
        match self.page().await {
            Ok(Some(response)) => Some(Ok(RangeStreamResponse {
                range_response: Some(response),
            })),
            Ok(None) => {
                self.done = true;
                None
            }
            Err(error) => {
                self.done = true;
                Some(Err(error))
            }
        }
    }

    async fn page(&mut self) -> Result<Option<RangeResponse>> {
        let pages = Arc::clone(&self.pages);
        let member = &self.member;
        let page = offload::run(&member.tasks, "range-stream", move || pages.lock().next_page()).await??;
        member.still_current(&self.admitted.who)?;
        Ok(page.map(|mut response| {
            if response.header.is_some() {
                response.header = member.complete(response.header);
            }
            response
        }))
    }
}
