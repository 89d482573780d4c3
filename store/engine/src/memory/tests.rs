//! Tests of the memory engine beyond the suite: crashes and injected faults.

use std::sync::Arc;

use super::*;
use crate::suite::{self, Opener};

const S: Space = Space(1);

fn put(key: &[u8], value: &[u8]) -> Batch {
    let mut batch = Batch::new();
    batch.put(S, key, value);
    batch
}

#[test]
fn passes_the_suite() {
    suite::run(&|| -> Opener {
        let memory = Memory::new();
        Box::new(move || {
            memory.crash();
            Arc::new(memory.clone())
        })
    });
}

#[test]
fn a_crash_returns_to_the_last_flush() {
    let memory = Memory::new();
    memory.write(&put(b"a", b"1")).unwrap();
    memory.flush().unwrap();
    memory.write(&put(b"a", b"2")).unwrap();
    assert!(memory.stats().unwrap().unflushed_bytes > 0);
    memory.crash();
    assert_eq!(memory.get(S, b"a").unwrap().unwrap(), "1");
    assert_eq!(memory.stats().unwrap().unflushed_bytes, 0);
}

#[test]
fn injected_faults_have_no_effect_on_contents() {
    let memory = Memory::new();
    memory.fail(Call::Write, Fault::NoSpace, 1);
    assert!(matches!(memory.write(&put(b"a", b"1")), Err(Error::NoSpace)));
    assert_eq!(memory.get(S, b"a").unwrap(), None);
    memory.write(&put(b"a", b"1")).unwrap();
    memory.fail(Call::Flush, Fault::Io, u64::MAX);
    assert!(matches!(memory.flush(), Err(Error::Io { .. })));
    assert!(memory.checkpoint().is_err());
    memory.heal();
    memory.flush().unwrap();
}
