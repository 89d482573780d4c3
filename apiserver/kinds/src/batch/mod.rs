//! The group `batch`.

mod cron_job;
mod job;
mod schedule;
mod time_zones;

use crate::kind::Kind;

/// Its name.
const GROUP: &str = "batch";

/// Its kinds, by plural.
pub(crate) const KINDS: &[Kind] = &[cron_job::CRON_JOB, job::JOB];
