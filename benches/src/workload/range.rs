//! Reads of single keys.

use async_trait::async_trait;
use clap::Args;
use proto::etcd::RangeRequest;

use super::Workload;
use super::fill::fill;
use crate::bench::{Bench, Caller};
use crate::load::{Client, Done, Keys, Turn, drive};
use crate::report::Outcome;
use crate::rpc::{Fault, Method, Template, Visit};

/// Read one key
#[derive(Clone, Debug, Args)]
pub(crate) struct Range {
    /// Let each member answer from what it has, without asking the others
    #[arg(long)]
    serializable: bool,
    /// Read always the same key
    #[arg(long)]
    single_key: bool,
    /// The keys are there already; do not put them first
    #[arg(long)]
    filled: bool,
}

/// A client that reads one key at a time; the key must be there.
pub(crate) struct Reader {
    caller: Caller,
    keys: Keys,
    template: Template,
}

/// How many keys came back.
#[derive(Default)]
pub(crate) struct Counted {
    pub(crate) keys: u64,
    pub(crate) bytes: u64,
}

impl Visit for Counted {
    fn bytes(&mut self, field: u32, length: u64, _: &[u8]) {
        if field == 2 {
            self.keys += 1;
            self.bytes += length;
        }
    }
}

impl Reader {
    /// Reads `keys`.
    pub(crate) fn new(caller: Caller, keys: &Keys, serializable: bool) -> Self {
        let key = vec![b'k'; keys.size()];
        let request = RangeRequest {
            key: key.clone().into(),
            serializable,
            ..RangeRequest::default()
        };
        Self {
            caller,
            keys: keys.clone(),
            template: Template::new(&request, &[&key]),
        }
    }
}

impl Client for Reader {
    async fn step(&mut self, turn: Turn) -> Result<Done, Fault> {
        let number = self.keys.pick(turn.number, &mut self.caller.random);
        self.keys.write(number, self.template.place(0));
        let frame = self.template.frame();
        let mut counted = Counted::default();
        self.caller.call(Method::Range, frame, &mut counted).await?;
        if counted.keys != 1 {
            return Err(Fault::Broken(format!("{} keys where one was asked for", counted.keys)));
        }
        Ok(Done {
            items: 1,
            ..Done::default()
        })
    }
}

#[async_trait]
impl Workload for Range {
    async fn run(&self, bench: &mut Bench) -> anyhow::Result<Outcome> {
        if !self.filled {
            fill(bench, &bench.keys, &bench.values).await?;
        }
        let mut keys = bench.keys.clone();
        if self.single_key {
            keys.count = 1;
        }
        let clients = bench
            .callers()
            .map(|caller| Reader::new(caller, &keys, self.serializable));
        let loaded = drive(&bench.stage(), &bench.plan, 1, clients.collect()).await?;
        Ok(Outcome::of(loaded, &bench.plan, &["range"]))
    }
}
