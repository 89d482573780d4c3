//! The workloads: each says what its clients send, in a file of its own.
//!
//! Start reading at [`Workload`], then `put`, the simplest one.

mod fill;
mod put;
mod range;
mod txn_put;

use async_trait::async_trait;

pub(crate) use put::Put;
pub(crate) use range::Range;
pub(crate) use txn_put::TxnPut;

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
