//! Puts of random values to keys of the key space.

use std::time::Instant;

use async_trait::async_trait;
use clap::Args;
use proto::etcd::PutRequest;

use super::Workload;
use crate::bench::{Bench, Caller};
use crate::load::{Client, Done, Keys, Turn, Values, drive};
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
    /// Values begin with the time since this moment at which the put was due.
    stamp_from: Option<Instant>,
}

/// Bytes of a stamp, at the beginning of a value.
pub(crate) const STAMP_BYTES: usize = 8;

/// Writes when something was due into the beginning of a value.
pub(crate) fn stamp(value: &mut [u8], from: Instant, due: Instant) {
    let time = due.saturating_duration_since(from).as_nanos() as u64;
    value[..STAMP_BYTES].copy_from_slice(&time.to_be_bytes());
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
            stamp_from: None,
        }
    }

    /// The same with values that tell when they were due; they must have room for a stamp.
    pub(crate) fn stamped(self, from: Instant) -> Self {
        Self {
            stamp_from: Some(from),
            ..self
        }
    }
}

impl Client for Putter {
    async fn step(&mut self, turn: Turn) -> Result<Done, Fault> {
        let number = self.keys.pick(turn.number, &mut self.caller.random);
        self.keys.write(number, self.template.place(0));
        self.values.write(&mut self.caller.random, self.template.place(1));
        if let Some(from) = self.stamp_from {
            stamp(self.template.place(1), from, turn.due);
        }
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
        let loaded = drive(&bench.stage(), &bench.plan, 1, clients.collect()).await?;
        Ok(Outcome::of(loaded, &bench.plan, &["put"]))
    }
}
