//! Reading: the present from the index, the past from the index and what has changed since.

mod listing;
mod pages;
mod past;
mod range;
mod snapshot;
#[cfg(test)]
pub(crate) mod tests;
mod versions;
mod walk;

pub use listing::Listing;
pub use pages::RangePages;
pub(crate) use past::Past;
pub(crate) use range::{Sorting, has_filters};
pub(crate) use snapshot::{Row, Snapshot};

use proto::etcd::ResponseHeader;

/// A header of which only the revision is known here.
#[expect(clippy::unnecessary_wraps, reason = "every response holds its header as an option")]
pub(crate) fn header(revision: i64) -> Option<ResponseHeader> {
    Some(ResponseHeader {
        revision,
        ..ResponseHeader::default()
    })
}
