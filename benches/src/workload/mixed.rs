//! Reads and puts of single keys, side by side.

use async_trait::async_trait;
use clap::Args;
use rand::Rng;
use rand::rngs::StdRng;

use super::Workload;
use super::fill::fill;
use super::put::Putter;
use super::range::Reader;
use crate::bench::Bench;
use crate::load::{Client, Done, Turn, drive};
use crate::report::Outcome;
use crate::rpc::Fault;

/// Read and put keys
#[derive(Clone, Debug, Args)]
pub(crate) struct Mixed {
    /// How many of 100 requests read
    #[arg(long, default_value_t = 80, value_parser = clap::value_parser!(u8).range(0..=100))]
    reads: u8,
    /// Let each member answer reads from what it has, without asking the others
    #[arg(long)]
    serializable: bool,
    /// The keys are there already; do not put them first
    #[arg(long)]
    filled: bool,
}

const CLASSES: &[&str] = &["range", "put"];

struct Both {
    reader: Reader,
    putter: Putter,
    random: StdRng,
    reads: u8,
}

impl Client for Both {
    async fn step(&mut self, turn: Turn) -> Result<Done, Fault> {
        if self.random.random_range(0..100) < self.reads {
            self.reader.step(turn).await
        } else {
            let done = self.putter.step(turn).await?;
            Ok(Done { class: 1, ..done })
        }
    }
}

#[async_trait]
impl Workload for Mixed {
    async fn run(&self, bench: &mut Bench) -> anyhow::Result<Outcome> {
        if !self.filled {
            fill(bench, &bench.keys, &bench.values).await?;
        }
        let client = |number| Both {
            reader: Reader::new(bench.caller(number), &bench.keys, self.serializable),
            putter: Putter::new(bench.caller(number), &bench.keys, &bench.values),
            random: bench.caller(number).random,
            reads: self.reads,
        };
        let clients = (0..bench.options.clients.max(1)).map(client).collect();
        let loaded = drive(&bench.stage(), &bench.plan, CLASSES.len(), clients).await?;
        Ok(Outcome::of(loaded, &bench.plan, CLASSES))
    }
}
