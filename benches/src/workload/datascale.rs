//! Many keys: how fast they go in, and what they cost in memory and on disk.

use std::time::Duration;

use anyhow::ensure;
use async_trait::async_trait;
use clap::Args;

use super::Workload;
use super::txn_put::TxnPutter;
use crate::bench::Bench;
use crate::load::{Order, Plan, drive};
use crate::options::duration;
use crate::report::{Outcome, figure};

/// Put every key of the key space once, and see what they cost
#[derive(Clone, Debug, Args)]
pub(crate) struct Datascale {
    /// Keys put in one transaction; --keys should be a multiple of it
    #[arg(long, default_value_t = 1)]
    operations: usize,
    /// How long the servers are left alone before their memory is read
    #[arg(long, default_value = "5s", value_parser = duration)]
    settle: Duration,
}

#[async_trait]
impl Workload for Datascale {
    async fn run(&self, bench: &mut Bench) -> anyhow::Result<Outcome> {
        let keys = bench.keys.clone().ordered(Order::Sequential);
        ensure!(
            self.operations as u64 <= keys.count,
            "a transaction puts each key once: give --keys of at least --operations"
        );
        let plan = Plan {
            total: Some(keys.count.div_ceil(self.operations as u64)),
            duration: None,
            warmup: Duration::ZERO,
            rate: bench.plan.rate,
        };
        let client = |caller| TxnPutter::new(caller, &keys, &bench.values, self.operations);
        let clients = bench.callers().map(client).collect();
        let meter = bench.meter.begin();
        let loaded = drive(&bench.stage(), &plan, 1, clients).await?;
        let bytes_put = loaded.bytes_put;
        let mut outcome = Outcome::of(loaded, &plan, &["put"]);
        tokio::time::sleep(self.settle).await;
        outcome.used = meter.end();
        outcome.set_memory_figures();
        if !outcome.used.servers.is_empty() {
            // What was written after the last put belongs to the puts as well.
            let written = outcome.used.written_bytes() as f64;
            outcome.set(figure::WRITTEN_PER_BYTE, written / bytes_put as f64);
        }
        Ok(outcome)
    }
}
