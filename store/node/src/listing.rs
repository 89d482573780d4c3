//! The answer of a range: as a whole, or, if it is long, in pieces that are read while they are sent.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use prost::Message;
use proto::etcd::{RangeRequest, RangeResponse};
use store_mvcc::{Listing, View};

use crate::Member;
use crate::error::{Error, Result};
use crate::offload::{self, Begun};

/// Answers with fewer bytes of keys and values are read at once; longer ones in pieces of this.
const PIECE: usize = 1 << 20;

/// What [`Member::list`] answers.
pub enum RangeAnswer {
    /// All of it.
    Whole(RangeResponse),
    /// More than one wants to hold in memory.
    Pieces(RangePieces),
}

impl RangeAnswer {
    /// Reads the range, or gets ready to.
    pub(crate) fn read(view: &View, request: &RangeRequest) -> store_mvcc::Result<Read> {
        Ok(match view.listing(request, PIECE)? {
            Some(listing) => Read::Listing(Box::new(listing)),
            None => Read::Whole(view.range(request)?),
        })
    }

    /// The answer in one piece.
    ///
    /// # Errors
    /// When reading fails.
    pub async fn whole(self) -> Result<RangeResponse> {
        match self {
            Self::Whole(response) => Ok(response),
            Self::Pieces(mut pieces) => {
                let mut encoded = pieces.head().encode_to_vec();
                while let Some(piece) = pieces.next().await {
                    encoded.extend_from_slice(&piece?);
                }
                RangeResponse::decode(Bytes::from(encoded)).map_err(|error| Error::internal(error.to_string()))
            }
        }
    }

    /// How many keys and bytes it has.
    pub(crate) fn size(&self) -> (usize, usize) {
        match self {
            Self::Whole(response) => (response.kvs.len(), response.encoded_len()),
            Self::Pieces(pieces) => (pieces.keys, pieces.head.encoded_len() + pieces.bytes),
        }
    }
}

/// A range that was read, or is ready to be.
pub(crate) enum Read {
    Whole(RangeResponse),
    Listing(Box<Listing>),
}

impl Member {
    /// Adds to what was read what only the member knows.
    pub(crate) fn range_answer(&self, read: Read) -> RangeAnswer {
        match read {
            Read::Whole(mut response) => {
                response.header = self.complete(response.header);
                RangeAnswer::Whole(response)
            }
            Read::Listing(listing) => {
                let mut head = listing.response().clone();
                head.header = self.complete(head.header);
                RangeAnswer::Pieces(RangePieces {
                    member: self.clone(),
                    head,
                    keys: listing.keys(),
                    bytes: listing.bytes(),
                    listing: Arc::new(Mutex::new(*listing)),
                    ahead: None,
                })
            }
        }
    }
}

/// A long answer. One piece is read ahead, while the one before is sent.
pub struct RangePieces {
    member: Member,
    head: RangeResponse,
    keys: usize,
    bytes: usize,
    listing: Arc<Mutex<Listing>>,
    ahead: Option<Begun<store_mvcc::Result<Option<Bytes>>>>,
}

impl RangePieces {
    /// The answer but for its `kvs`.
    #[must_use]
    pub const fn head(&self) -> &RangeResponse {
        &self.head
    }

    /// Bytes of all pieces together.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// More of the field `kvs`, as it stands in the encoded answer; `None` after the last.
    pub async fn next(&mut self) -> Option<Result<Bytes>> {
        let ahead = self.ahead.take().unwrap_or_else(|| self.begin());
        let piece = match ahead.value().await {
            Ok(piece) => piece.map_err(Error::from).transpose(),
            Err(error) => Some(Err(error)),
        };
        if matches!(piece, Some(Ok(_))) {
            self.ahead = Some(self.begin());
        }
        piece
    }

    fn begin(&self) -> Begun<store_mvcc::Result<Option<Bytes>>> {
        let (listing, member) = (Arc::clone(&self.listing), &self.member);
        let read = move || listing.lock().next_piece(PIECE);
        offload::begin(&member.tasks, "range", read)
    }
}
