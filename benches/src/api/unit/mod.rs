//! The work that servers are made to do, each in a file of its own.
//!
//! Start reading at [`Unit`], then `verbs`, the simplest one.

mod bulk;
mod leases;
mod lists;
mod start;
mod verbs;
mod watches;
mod worker;

use std::time::Duration;

use async_trait::async_trait;

pub(crate) use bulk::clean;
pub(crate) use leases::Renewals;
pub(crate) use lists::{Form, Lists};
pub(crate) use start::Start;
pub(crate) use verbs::Verbs;
pub(crate) use watches::Watches;

use super::report::Group;
use super::server::Side;
use crate::load::Plan;
use crate::report::Outcome;

/// Something that a server is made to do at one go, of which one or several phases are measured.
#[async_trait]
pub(crate) trait Unit: Send + Sync {
    /// What it is called while it runs, and where its failure is told.
    fn name(&self) -> String;

    /// Which table its phases belong to.
    fn group(&self) -> Group;

    /// Does it, with what must be there before and without what must not be left behind.
    ///
    /// # Errors
    /// It could not be done; `phases` has what was measured until then.
    async fn run(&self, side: &mut Side, phases: &mut Vec<Phase>) -> anyhow::Result<()>;
}

/// What was measured of one phase.
#[derive(Clone, Debug)]
pub(crate) struct Phase {
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
}

/// So many clients, in words.
fn clients(count: usize) -> String {
    format!("{count} {}", if count == 1 { "client" } else { "clients" })
}

/// Requests as fast as they are answered, for so long.
fn closed(duration: Duration) -> Plan {
    Plan {
        total: None,
        duration: Some(duration),
        warmup: Duration::ZERO,
        rate: None,
    }
}

/// So many requests, as fast as they are answered.
fn count(total: u64) -> Plan {
    Plan {
        total: Some(total),
        duration: None,
        warmup: Duration::ZERO,
        rate: None,
    }
}
