//! Transactions that put several keys at once.

use async_trait::async_trait;
use clap::Args;
use proto::etcd::request_op::Request;
use proto::etcd::{PutRequest, RequestOp, TxnRequest};

use super::Workload;
use crate::bench::{Bench, Caller};
use crate::load::{Client, Done, Keys, Turn, Values, drive};
use crate::report::Outcome;
use crate::rpc::{Fault, Ignore, Method, Template};

/// Put keys in transactions
#[derive(Clone, Debug, Args)]
pub(crate) struct TxnPut {
    /// Puts in each transaction
    #[arg(long, default_value_t = 1)]
    pub(crate) operations: usize,
}

/// A client that puts several keys with each request.
pub(crate) struct TxnPutter {
    caller: Caller,
    keys: Keys,
    values: Values,
    operations: usize,
    template: Template,
}

impl TxnPutter {
    /// Puts `values` to `operations` keys at once.
    pub(crate) fn new(caller: Caller, keys: &Keys, values: &Values, operations: usize) -> Self {
        let (key, value) = (vec![b'k'; keys.size()], vec![b'v'; values.size]);
        let put = RequestOp {
            request: Some(Request::RequestPut(PutRequest {
                key: key.clone().into(),
                value: value.clone().into(),
                ..PutRequest::default()
            })),
        };
        let request = TxnRequest {
            success: vec![put; operations],
            ..TxnRequest::default()
        };
        let marks = std::iter::repeat_n([&key[..], &value[..]], operations);
        Self {
            caller,
            keys: keys.clone(),
            values: values.clone(),
            operations,
            template: Template::new(&request, &marks.flatten().collect::<Vec<_>>()),
        }
    }
}

impl Client for TxnPutter {
    async fn step(&mut self, turn: Turn) -> Result<Done, Fault> {
        // No key may stand twice in one transaction, so they are neighbours.
        let first = self.keys.pick(turn.number, &mut self.caller.random) * self.operations as u64;
        for place in 0..self.operations {
            let number = (first + place as u64) % self.keys.count;
            self.keys.write(number, self.template.place(2 * place));
            self.values
                .write(&mut self.caller.random, self.template.place(2 * place + 1));
        }
        let frame = self.template.frame();
        self.caller.call(Method::Txn, frame, &mut Ignore).await?;
        Ok(Done {
            bytes_put: (self.operations * (self.keys.size() + self.values.size)) as u64,
            items: self.operations as u64,
            ..Done::default()
        })
    }
}

#[async_trait]
impl Workload for TxnPut {
    async fn run(&self, bench: &mut Bench) -> anyhow::Result<Outcome> {
        anyhow::ensure!(
            self.operations as u64 <= bench.keys.count,
            "a transaction puts each key once: give --keys of at least --operations"
        );
        let client = |caller| TxnPutter::new(caller, &bench.keys, &bench.values, self.operations);
        let clients = bench.callers().map(client).collect();
        let loaded = drive(&bench.stage(), &bench.plan, 1, clients).await?;
        Ok(Outcome::of(loaded, &bench.plan, &["txn-put"]))
    }
}
