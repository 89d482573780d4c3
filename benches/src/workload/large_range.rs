//! The whole key space in one answer, or in one stream of answers.

use anyhow::{bail, ensure};
use async_trait::async_trait;
use clap::Args;
use proto::etcd::RangeRequest;

use super::Workload;
use super::fill::fill;
use super::range::Counted;
use crate::bench::{Bench, Caller};
use crate::load::{Client, Done, Turn, drive};
use crate::report::Outcome;
use crate::rpc::{Fault, Method, frame};

/// Read the whole key space in one answer
#[derive(Clone, Debug, Args)]
pub(crate) struct LargeRange {
    #[command(flatten)]
    ask: Ask,
}

/// Read the whole key space as a stream, where the server can do that (etcd can since 3.7)
#[derive(Clone, Debug, Args)]
pub(crate) struct RangeStream {
    #[command(flatten)]
    ask: Ask,
}

#[derive(Clone, Debug, Args)]
struct Ask {
    /// Read so many keys instead of all
    #[arg(long)]
    limit: Option<u64>,
    /// Read no values
    #[arg(long)]
    keys_only: bool,
    /// Let each member answer from what it has, without asking the others
    #[arg(long)]
    serializable: bool,
    /// The keys are there already; do not put them first
    #[arg(long)]
    filled: bool,
}

struct Lister {
    caller: Caller,
    method: Method,
    frame: bytes::Bytes,
    wanted: u64,
}

impl Client for Lister {
    async fn step(&mut self, _: Turn) -> Result<Done, Fault> {
        let mut counted = Counted::default();
        self.caller.call(self.method, self.frame.clone(), &mut counted).await?;
        if counted.keys != self.wanted {
            let (got, wanted) = (counted.keys, self.wanted);
            return Err(Fault::Broken(format!("{got} keys came where there are {wanted}")));
        }
        Ok(Done {
            items: counted.keys,
            ..Done::default()
        })
    }
}

impl Ask {
    async fn run(&self, bench: &Bench, method: Method) -> anyhow::Result<Outcome> {
        if method == Method::RangeStream {
            check_stream(bench).await?;
        }
        if !self.filled {
            fill(bench, &bench.keys, &bench.values).await?;
        }
        let request = RangeRequest {
            key: bench.keys.prefix().to_vec().into(),
            range_end: bench.keys.end().into(),
            limit: self.limit.unwrap_or(0) as i64,
            keys_only: self.keys_only,
            serializable: self.serializable,
            ..RangeRequest::default()
        };
        let clients = bench.callers().map(|caller| Lister {
            caller,
            method,
            frame: frame(&request),
            wanted: self.limit.unwrap_or(u64::MAX).min(bench.keys.count),
        });
        let loaded = drive(&bench.stage(), &bench.plan, 1, clients.collect()).await?;
        ensure!(
            loaded.classes[0].len() > loaded.unsent,
            "no answer came in time; give a longer --duration, or --total"
        );
        Ok(Outcome::of(loaded, &bench.plan, &["range"]))
    }
}

/// Asks for one key that need not be there.
async fn check_stream(bench: &Bench) -> anyhow::Result<()> {
    let request = RangeRequest {
        key: bench.keys.prefix().to_vec().into(),
        limit: 1,
        ..RangeRequest::default()
    };
    let answer = bench
        .caller(0)
        .call(Method::RangeStream, frame(&request), &mut Counted::default())
        .await;
    match answer {
        Err(fault) if fault.is_unimplemented() => {
            bail!("this server has no RangeStream, which etcd has since 3.7; it says: {fault}")
        }
        answer => Ok(answer?),
    }
}

#[async_trait]
impl Workload for LargeRange {
    async fn run(&self, bench: &mut Bench) -> anyhow::Result<Outcome> {
        self.ask.run(bench, Method::Range).await
    }
}

#[async_trait]
impl Workload for RangeStream {
    async fn run(&self, bench: &mut Bench) -> anyhow::Result<Outcome> {
        self.ask.run(bench, Method::RangeStream).await
    }
}
