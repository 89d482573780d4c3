//! Leases that are kept alive, each over a stream of its own.

use async_trait::async_trait;
use clap::Args;
use proto::etcd::{LeaseGrantRequest, LeaseKeepAliveRequest};

use super::Workload;
use crate::bench::{Bench, Caller};
use crate::load::{Client, Done, Turn, drive};
use crate::report::Outcome;
use crate::rpc::{Fault, Incoming, Method, Outgoing, Visit, frame};

/// Keep leases alive, one for each client
#[derive(Clone, Debug, Args)]
pub(crate) struct LeaseKeepalive {
    /// Seconds that each lease lives without being kept alive
    #[arg(long, default_value_t = 600)]
    ttl: i64,
}

struct Keeper {
    outgoing: Outgoing,
    incoming: Incoming,
    frame: bytes::Bytes,
}

/// The id and TTL of a grant, or of an answer to a keepalive; both have the same numbers.
#[derive(Default)]
struct Answer {
    id: i64,
    ttl: u64,
    came: bool,
}

impl Visit for Answer {
    fn number(&mut self, field: u32, value: u64) {
        match field {
            2 => self.id = value as i64,
            3 => self.ttl = value,
            _ => {}
        }
    }

    fn end(&mut self) {
        self.came = true;
    }
}

impl Keeper {
    async fn new(mut caller: Caller, ttl: i64) -> Result<Self, Fault> {
        let grant = LeaseGrantRequest {
            ttl,
            ..LeaseGrantRequest::default()
        };
        let mut answer = Answer::default();
        caller.call(Method::Grant, frame(&grant), &mut answer).await?;
        let (outgoing, incoming) = caller.link().open(Method::KeepAlive).await?;
        Ok(Self {
            outgoing,
            incoming,
            frame: frame(&LeaseKeepAliveRequest { id: answer.id }),
        })
    }
}

impl Client for Keeper {
    async fn step(&mut self, _: Turn) -> Result<Done, Fault> {
        self.outgoing.send(self.frame.clone())?;
        let mut answer = Answer::default();
        while !answer.came {
            if !self.incoming.receive(&mut answer).await? {
                return Err(Fault::Broken("the stream of keepalives ended".to_owned()));
            }
        }
        if answer.ttl == 0 {
            return Err(Fault::Broken("the lease is gone".to_owned()));
        }
        Ok(Done::default())
    }
}

#[async_trait]
impl Workload for LeaseKeepalive {
    async fn run(&self, bench: &mut Bench) -> anyhow::Result<Outcome> {
        let mut clients = Vec::new();
        for caller in bench.callers() {
            clients.push(Keeper::new(caller, self.ttl).await?);
        }
        let loaded = drive(&bench.stage(), &bench.plan, 1, clients).await?;
        Ok(Outcome::of(loaded, &bench.plan, &["keepalive"]))
    }
}
