//! The replicated log as a disk gives it back: names of files, segment headers, records, torn and rotten tails.
//!
//! An input: a byte of flags, then pieces, a name and the bytes of that file in turn. With the first flag the checksums
//! are made right, so that noise gets past them; the layout for that stands in `store/log/src/record.rs`.

use std::io;
use std::sync::Arc;
use std::sync::mpsc;

use bytes::Bytes;
use store_log::{Disk, Done, Executor, LIMIT, Log, LogOptions, MemoryDisk, Record, View};

use crate::support::must;
use crate::support::sample::{CLUSTER, ME};
use crate::{Verdict, pieces};

/// Checksums are made right.
const REPAIRED: u8 = 1;
/// More files than any recovery has to tell apart.
const FILES: usize = 5;
const HEADER: usize = 64;
const RECORD: usize = 32;

/// Looks at a log, opens it, goes on with it and opens it again.
///
/// # Panics
/// Where looking and opening do not agree, where what was opened cannot be read or written to, or where it is not the
/// same when it is opened again.
pub fn run(data: &[u8]) -> Verdict {
    let Some((flags, rest)) = data.split_first() else {
        return Verdict::Refused;
    };
    let mut files = Vec::new();
    let mut pieces = pieces::split(rest);
    while let (Some(name), Some(bytes)) = (pieces.next(), pieces.next())
        && files.len() < FILES
    {
        files.push((pieces::text(name), bytes.to_vec()));
    }
    if flags & REPAIRED != 0 {
        files.sort();
        let mut chain = 0;
        for (_, bytes) in &mut files {
            chain = repair(bytes, chain);
        }
    }
    let disk = MemoryDisk::new();
    for (name, bytes) in &files {
        // A name that comes twice is the first file's.
        if let Ok(file) = disk.create(name, bytes.len() as u64) {
            must("write to a disk in memory", file.write_at(0, bytes));
            must("sync a disk in memory", file.sync());
        }
    }
    must("sync a directory in memory", disk.sync_dir());

    let looked = View::open(&disk, CLUSTER, ME)
        .ok()
        .map(|view| all(view.first(), |range| view.read(range, u64::MAX)));
    let opened = open(&disk);
    assert_eq!(
        looked.is_some(),
        opened.is_ok(),
        "who looks and who opens see the same log"
    );
    let (Some(looked), Ok(log)) = (looked, opened) else {
        return Verdict::Refused;
    };
    assert_eq!(looked, entries(&log), "who looks and who opens see the same entries");
    let kept = go_on(&log);
    drop(log);
    let again = must("open a log again", open(&disk));
    assert_eq!(entries(&again), kept, "a log that was opened again holds what it held");
    Verdict::of(!looked.is_empty())
}

fn open(disk: &MemoryDisk) -> Result<Log, store_log::OpenError> {
    let options = LogOptions {
        segment_bytes: 2048,
        cache_bytes: 256,
        executor: Executor::Inline,
        on_fatal: Arc::new(|_| {}),
        ..LogOptions::new(CLUSTER, ME)
    };
    Log::open(Arc::new(disk.clone()), options)
}

fn all(first: Option<u64>, read: impl Fn(std::ops::Range<u64>) -> io::Result<Vec<Record>>) -> Vec<Record> {
    first.map_or_else(Vec::new, |first| {
        must("read a log that was opened", read(first..u64::MAX))
    })
}

fn entries(log: &Log) -> Vec<Record> {
    all(log.first(), |range| log.read(range, u64::MAX))
}

/// Writes one of everything; answers the entries that are held then.
fn go_on(log: &Log) -> Vec<Record> {
    let next = log.last().map_or(0, |last| last + 1);
    let entry = |index| Record {
        index,
        data: Bytes::from_static(b"one more"),
    };
    let two = vec![entry(next), entry(next + 1)];
    if next + 1 >= LIMIT {
        let before = entries(log);
        assert!(
            tried(|done| log.append(two, done)).is_err(),
            "there is no place for two"
        );
        assert_eq!(entries(log), before, "what is refused changes nothing");
        return before;
    }
    wait(|done| log.append(two, done));
    wait(|done| log.save_vote(Bytes::from_static(b"vote"), done));
    log.save_committed(Bytes::from_static(b"committed"));
    wait(|done| log.truncate_after(Some(next), done));
    let purged = log.state().purged.map(|(upto, _)| upto);
    if let Some(first) = log.first().filter(|first| purged < Some(*first) && *first < next) {
        wait(|done| log.purge(first, Bytes::from_static(b"purged"), done));
    }
    let held = entries(log);
    must("close a log", log.close());
    held
}

fn wait(call: impl FnOnce(Done)) {
    must("write to a log that was opened", tried(call));
}

fn tried(call: impl FnOnce(Done)) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel();
    call(Box::new(move |result| drop(sender.send(result))));
    must("be answered by a log that writes in the call", receiver.recv())
}

/// Makes the checksums of a segment right, and the link to the segment before it. Answers the last record's checksum.
fn repair(bytes: &mut [u8], before: u32) -> u32 {
    if bytes.len() < HEADER {
        return before;
    }
    if before != 0 {
        bytes[12..16].copy_from_slice(&before.to_le_bytes());
    }
    let seed = crc32c::crc32c(&bytes[..60]);
    bytes[60..HEADER].copy_from_slice(&seed.to_le_bytes());
    let (mut at, mut chain) = (HEADER, seed);
    while let Some(head) = bytes.get(at..at + RECORD) {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        // Behind the records are zeros.
        let (kind, end) = (head[24], at + RECORD + length);
        if kind == 0 || end > bytes.len() {
            break;
        }
        bytes[at + 8..at + 12].copy_from_slice(&chain.to_le_bytes());
        chain = crc32c::crc32c_append(seed, &bytes[at + 4..end]);
        bytes[at..at + 4].copy_from_slice(&chain.to_le_bytes());
        at += RECORD + length.next_multiple_of(8);
    }
    chain
}

/// Logs of one segment and of several, with every kind of record.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for count in [0, 3, 60] {
        let disk = MemoryDisk::new();
        let log = must("start a log", open(&disk));
        for index in 0..count {
            let entry = Record {
                index,
                data: Bytes::from(vec![index as u8; index as usize * 3]),
            };
            wait(|done| log.append(vec![entry], done));
        }
        if count > 0 {
            wait(|done| log.save_vote(Bytes::from_static(b"vote"), done));
            log.save_committed(Bytes::from_static(b"committed"));
            wait(|done| log.truncate_after(Some(count - 2), done));
        }
        if count > 3 {
            wait(|done| log.purge(count / 2, Bytes::from_static(b"purged"), done));
        }
        must("close a log", log.close());
        let mut pieces = Vec::new();
        for name in must("list a disk in memory", disk.list()) {
            let file = must("open a file in memory", disk.open(&name));
            let mut bytes = vec![0; must("measure a file in memory", file.bytes()) as usize];
            must("read a file in memory", file.read_at(0, &mut bytes));
            pieces.extend([name.into_bytes(), bytes]);
        }
        for flags in [0, REPAIRED] {
            let mut seed = vec![flags];
            seed.extend_from_slice(&pieces::join(&pieces));
            seeds.push(seed);
        }
    }
    seeds
}
