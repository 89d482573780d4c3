//! A machine with keys in it, as the micro-benchmarks and the count of instructions use it.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use proto::etcd::PutRequest;
use proto::store::Command;
use proto::store::command::Action;
use store_engine::Engine;
use store_machine::{Effect, Genesis, Limits, Machine, Stamp};

/// Bytes of each value.
pub(crate) const VALUE_BYTES: usize = 256;

/// What a benchmark cannot go on from.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// A state machine and the place in its log.
pub(crate) struct Store {
    /// The machine.
    pub(crate) machine: Machine,
    index: u64,
}

impl Store {
    /// A founded cluster's machine with `keys` keys.
    pub(crate) fn filled(engine: Arc<dyn Engine>, keys: u64) -> Result<Self, Failure> {
        let genesis = Genesis {
            cluster_id: 1,
            ..Genesis::default()
        };
        let machine = Machine::open(engine, Some(genesis), Limits::default())?;
        let mut store = Self { machine, index: 0 };
        let all: Vec<Bytes> = (0..keys).map(put).collect();
        for some in all.chunks(100) {
            store.apply(some)?;
        }
        Ok(store)
    }

    /// Applies entries of the log as one batch, and encodes their replies; what they changed.
    pub(crate) fn apply(&mut self, entries: &[Bytes]) -> Result<Vec<Effect>, Failure> {
        let mut run = self.machine.begin();
        for entry in entries {
            self.index += 1;
            let stamp = Stamp {
                index: self.index,
                term: 1,
                now_ms: 1,
            };
            let reply = run.apply(stamp, &Command::decode(&entry[..])?);
            std::hint::black_box(reply.encode_to_vec());
        }
        Ok(run.commit(&[])?)
    }
}

/// The key with this number.
pub(crate) fn key(number: u64) -> Bytes {
    format!("bench/{number:026}").into()
}

/// An entry of the log that puts this key.
pub(crate) fn put(number: u64) -> Bytes {
    let command = Command {
        now_ms: 1,
        action: Some(Action::Put(PutRequest {
            key: key(number),
            value: vec![number as u8; VALUE_BYTES].into(),
            ..PutRequest::default()
        })),
        ..Command::default()
    };
    command.encode_to_vec().into()
}
