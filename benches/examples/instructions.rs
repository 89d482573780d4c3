//! Does one thing so many times, so that its instructions can be counted: `instructions put|get COUNT`.
//!
//! Everything between the wire and the disk, on an engine in memory: reading the request, doing it, encoding the answer.

#[path = "../benches/common/mod.rs"]
mod common;

use std::hint::black_box;
use std::sync::Arc;

use prost::Message;
use proto::etcd::RangeRequest;
use store_engine::Memory;

use common::{Failure, Store, VALUE_BYTES, key, put};

const KEYS: u64 = 500;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let count: u64 = arguments.next().unwrap_or_default().parse()?;
    let mut store = Store::filled(Arc::new(Memory::new()), KEYS)?;
    for turn in 0..count {
        let number = turn * 7919 % KEYS;
        match what.as_str() {
            "put" => {
                black_box(store.apply(&[put(number)])?);
            }
            "get" => {
                let request = RangeRequest {
                    key: key(number),
                    ..RangeRequest::default()
                };
                let request = RangeRequest::decode(&request.encode_to_vec()[..])?;
                let answer = store.machine.reader().mvcc().view().range(&request)?;
                if black_box(answer.encode_to_vec()).len() < VALUE_BYTES {
                    return Err("a key is missing".into());
                }
            }
            other => return Err(format!("{other:?} is neither put nor get").into()),
        }
    }
    Ok(())
}
