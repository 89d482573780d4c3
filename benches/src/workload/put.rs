//! Puts of random values to keys of the key space.

use async_trait::async_trait;
use clap::Args;
use proto::etcd::PutRequest;

use super::Workload;
use crate::bench::{Bench, Caller};
use crate::load::{Client, Done, Keys, Values, drive};
use crate::report::Outcome;
use crate::rpc::{Fault, Ignore, Method, Template};

/// Put a value to a key
#[derive(Clone, Debug, Args)]
pub(crate) struct Put {}

/// A client that puts.
pub(crate) struct Putter {
    caller: Caller,
    keys: Keys,
    values: Values,
    template: Template,
}

impl Putter {
    /// Puts `values` to `keys`.
    pub(crate) fn new(caller: Caller, keys: &Keys, values: &Values) -> Self {
        let (key, value) = (vec![b'k'; keys.size()], vec![b'v'; values.size]);
        let request = PutRequest {
            key: key.clone().into(),
            value: value.clone().into(),
            ..PutRequest::default()
        };
        Self {
            caller,
            keys: keys.clone(),
            values: values.clone(),
            template: Template::new(&request, &[&key, &value]),
        }
    }
}

impl Client for Putter {
    async fn step(&mut self, turn: u64) -> Result<Done, Fault> {
        let number = self.keys.pick(turn, &mut self.caller.random);
        self.keys.write(number, self.template.place(0));
        self.values.write(&mut self.caller.random, self.template.place(1));
        let frame = self.template.frame();
        self.caller.call(Method::Put, frame, &mut Ignore).await?;
        Ok(Done {
            bytes_put: (self.keys.size() + self.values.size) as u64,
            ..Done::default()
        })
    }
}

#[async_trait]
impl Workload for Put {
    async fn run(&self, bench: &mut Bench) -> anyhow::Result<Outcome> {
        let clients = bench
            .callers()
            .map(|caller| Putter::new(caller, &bench.keys, &bench.values));
        let loaded = drive(bench, &bench.plan, 1, clients.collect()).await?;
        Ok(Outcome::of(loaded, &bench.plan, &["put"]))
    }
}
