//! A steady load of puts while many revisions are compacted.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use async_trait::async_trait;
use clap::Args;
use proto::etcd::{CompactionRequest, RangeRequest};

use super::Workload;
use super::fill::fill;
use super::put::Putter;
use crate::bench::Bench;
use crate::load::{Loaded, Plan, drive};
use crate::report::{Latency, Outcome};
use crate::rpc::{Fields, Ignore, Method, Visit, frame};

/// Put at a steady rate (1,000 a second without --rate) before and while revisions are compacted
#[derive(Clone, Debug, Args)]
pub(crate) struct Compaction {
    /// How many revisions are compacted
    #[arg(long, default_value_t = 1_000_000)]
    revisions: u64,
    /// How many clients write those revisions before anything is measured
    #[arg(long, default_value_t = 256)]
    writers: usize,
}

const STEADY_RATE: f64 = 1000.0;
/// The load runs for so long before the compaction is asked for.
const LEAD: Duration = Duration::from_millis(500);

/// The revision in the header of an answer.
#[derive(Default)]
struct Header {
    revision: i64,
}

impl Visit for Header {
    fn bytes(&mut self, field: u32, _: u64, head: &[u8]) {
        if field == 1 {
            self.revision = Fields::of(head).number(3) as i64;
        }
    }
}

#[async_trait]
impl Workload for Compaction {
    async fn run(&self, bench: &mut Bench) -> anyhow::Result<Outcome> {
        let bench = &*bench;
        fill(bench, &bench.keys, &bench.values).await?;
        self.write_revisions(bench).await?;
        let plan = Plan {
            rate: bench.plan.rate.or(Some(STEADY_RATE)),
            ..bench.plan.clone()
        };
        let quiet = put(bench, &plan).await?;
        let (during, compaction) = tokio::join!(put(bench, &plan), compact(bench, plan.warmup + LEAD));
        let (during, compaction) = (during?, compaction.context("compacting")?);
        let (quiet, busy) = (Latency::of(&quiet.classes[0]), Latency::of(&during.classes[0]));
        let mut outcome = Outcome::of(during, &plan, &["during"]);
        outcome.set("compaction_seconds", compaction.as_secs_f64());
        outcome.set("p99_during_over_quiet", busy.p99 / quiet.p99);
        outcome.set_latency("quiet", quiet);
        outcome.set_latency("during", busy);
        Ok(outcome)
    }
}

impl Compaction {
    /// Each put is a revision.
    async fn write_revisions(&self, bench: &Bench) -> anyhow::Result<()> {
        let plan = Plan {
            total: Some(self.revisions),
            duration: None,
            warmup: Duration::ZERO,
            rate: None,
        };
        let writers = (0..self.writers.max(1)).map(|number| {
            let caller = bench.caller(number);
            Putter::new(caller, &bench.keys, &bench.values)
        });
        let loaded = drive(&bench.stage(), &plan, 1, writers.collect()).await?;
        ensure!(
            loaded.errors.is_empty(),
            "writing revisions failed: {:?}",
            loaded.errors
        );
        Ok(())
    }
}

async fn put(bench: &Bench, plan: &Plan) -> anyhow::Result<Loaded> {
    let putters = bench
        .callers()
        .map(|caller| Putter::new(caller, &bench.keys, &bench.values));
    drive(&bench.stage(), plan, 1, putters.collect()).await
}

/// Compacts everything after a while, and waits until it is gone from the disk, as far as the server says so; how long
/// that took.
async fn compact(bench: &Bench, after: Duration) -> anyhow::Result<Duration> {
    tokio::time::sleep(after).await;
    let mut caller = bench.caller(0);
    let range = RangeRequest {
        key: bench.keys.prefix().to_vec().into(),
        ..RangeRequest::default()
    };
    let mut header = Header::default();
    caller.call(Method::Range, frame(&range), &mut header).await?;
    let request = CompactionRequest {
        revision: header.revision,
        physical: true,
    };
    let began = Instant::now();
    caller.call(Method::Compact, frame(&request), &mut Ignore).await?;
    Ok(began.elapsed())
}
