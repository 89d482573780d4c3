//! The workloads: each says what its clients send, in a file of its own.
//!
//! Start reading at [`Workload`], then `put`, the simplest one.

mod compaction;
mod datascale;
mod fill;
mod kube;
mod large_range;
mod lease_keepalive;
mod mixed;
mod put;
mod range;
mod recovery;
mod txn_put;
mod watch;

use async_trait::async_trait;

pub(crate) use compaction::Compaction;
pub(crate) use datascale::Datascale;
pub(crate) use kube::Kube;
pub(crate) use large_range::{LargeRange, RangeStream};
pub(crate) use lease_keepalive::LeaseKeepalive;
pub(crate) use mixed::Mixed;
pub(crate) use put::Put;
pub(crate) use range::Range;
pub(crate) use recovery::Recovery;
pub(crate) use txn_put::TxnPut;
pub(crate) use watch::{WatchFanout, WatchLatency};

use crate::bench::Bench;
use crate::report::Outcome;

/// Something that servers are made to do, and that is measured.
#[async_trait]
pub(crate) trait Workload: Send + Sync {
    /// Runs it.
    ///
    /// # Errors
    /// The servers cannot be reached, or cannot do this; errors that single requests end with are counted instead.
    async fn run(&self, bench: &mut Bench) -> anyhow::Result<Outcome>;
}
