//! Files that no writer of this crate leaves behind, under checksums that are right.

use std::sync::Arc;

use bytes::Bytes;

use crate::record::{self, Header, Kind};
use crate::segment::Segment;
use crate::{Disk, Done, Executor, Log, LogOptions, MemoryDisk, OpenError, Record, View};

fn open(disk: &MemoryDisk) -> Result<Log, OpenError> {
    let options = LogOptions {
        segment_bytes: 4096,
        executor: Executor::Inline,
        ..LogOptions::new(7, 1)
    };
    Log::open(Arc::new(disk.clone()), options)
}

fn header(sequence: u64, first: u64) -> Header {
    Header {
        cluster: 7,
        member: 1,
        sequence,
        first,
        chain: 0,
    }
}

/// A segment of one record and its padding.
fn segment(header: Header, kind: Kind, index: u64, data: &[u8]) -> Vec<u8> {
    segment_of(header, &[(kind, index, data)])
}

/// A segment of these records.
fn segment_of(header: Header, records: &[(Kind, u64, &[u8])]) -> Vec<u8> {
    let mut bytes = header.encode().to_vec();
    let mut seed = [0; 4];
    seed.copy_from_slice(&bytes[60..]);
    let seed = u32::from_le_bytes(seed);
    let mut chain = seed;
    for (kind, index, data) in records {
        chain = record::encode(&mut bytes, seed, chain, 0, *kind, *index, data);
    }
    bytes
}

fn put(disk: &MemoryDisk, name: &str, bytes: &[u8]) {
    let file = disk.create(name, bytes.len() as u64).unwrap();
    file.write_at(0, bytes).unwrap();
    file.sync().unwrap();
    disk.sync_dir().unwrap();
}

fn answer(call: impl FnOnce(Done)) -> std::io::Result<()> {
    let (sender, receiver) = std::sync::mpsc::channel();
    call(Box::new(move |result| drop(sender.send(result))));
    receiver.recv().unwrap()
}

fn record(index: u64) -> Record {
    Record {
        index,
        data: Bytes::from_static(b"one"),
    }
}

#[test]
fn a_file_that_ends_inside_the_padding_of_its_last_record_is_whole() {
    for cut in 1..=5 {
        let disk = MemoryDisk::new();
        let mut bytes = segment(header(1, 0), Kind::Entry, 0, b"one");
        bytes.truncate(bytes.len() - cut);
        put(&disk, &Segment::name(1), &bytes);
        assert_eq!(View::open(&disk, 7, 1).unwrap().torn(), None);
        let log = open(&disk).unwrap();
        answer(|done| log.append(vec![record(1)], done)).unwrap();
        drop(log);
        let log = open(&disk).unwrap();
        assert_eq!(log.read(0..9, u64::MAX).unwrap(), [record(0), record(1)], "{cut}");
    }
}

#[test]
fn numbers_behind_which_nothing_fits_are_damage() {
    let far = u64::MAX;
    for bytes in [
        segment(header(1, 0), Kind::Entry, far, b"one"),
        segment(header(1, far), Kind::Entry, far, b"one"),
        segment(header(1, 0), Kind::Purge, far, b"meta"),
        segment(header(1, 0), Kind::Truncate, far, b""),
        segment(header(1, far), Kind::Mark, 0, b""),
    ] {
        let disk = MemoryDisk::new();
        put(&disk, &Segment::name(1), &bytes);
        assert!(matches!(open(&disk), Err(OpenError::Damaged { .. })));
        assert!(matches!(View::open(&disk, 7, 1), Err(OpenError::Damaged { .. })));
    }
}

#[test]
fn a_truncation_of_what_was_purged_is_damage() {
    for (purged, next, opens) in [(5, 6, true), (5, 5, false), (5, 0, false)] {
        let disk = MemoryDisk::new();
        let records: [(Kind, u64, &[u8]); 2] = [(Kind::Purge, purged, b"meta"), (Kind::Truncate, next, b"")];
        put(&disk, &Segment::name(1), &segment_of(header(1, 0), &records));
        match open(&disk) {
            Ok(log) => {
                answer(|done| log.append(vec![record(purged + 1)], done)).unwrap();
                drop(log);
                assert!(opens && open(&disk).is_ok(), "{purged} {next}");
            }
            Err(OpenError::Damaged { .. }) => assert!(!opens, "{purged} {next}"),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn what_would_be_damage_at_the_next_open_is_not_written() {
    let disk = MemoryDisk::new();
    let log = open(&disk).unwrap();
    for index in [record::LIMIT, u64::MAX] {
        let error = answer(|done| log.append(vec![record(index)], done)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
        let error = answer(|done| log.purge(index, Bytes::new(), done)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    }
    answer(|done| log.append(vec![record(0), record(1)], done)).unwrap();
    answer(|done| log.truncate_after(Some(u64::MAX), done)).unwrap();
    // The last that there may be, and a segment of its own behind it.
    answer(|done| log.purge(record::LIMIT - 2, Bytes::new(), done)).unwrap();
    let huge = Record {
        data: Bytes::from(vec![7; 5000]),
        ..record(record::LIMIT - 1)
    };
    answer(|done| log.append(vec![huge, record(record::LIMIT)], done)).unwrap_err();
    answer(|done| log.append(vec![record(record::LIMIT - 1)], done)).unwrap();
    for _ in 0..3 {
        answer(|done| log.save_vote(Bytes::from(vec![7; 3000]), done)).unwrap();
    }
    drop(log);
    let log = open(&disk).unwrap();
    assert_eq!(log.last(), Some(record::LIMIT - 1));
    assert_eq!(
        log.read(record::LIMIT - 1..u64::MAX, u64::MAX).unwrap(),
        [record(record::LIMIT - 1)]
    );
}

#[test]
fn names_that_no_writer_gives_are_no_segments() {
    for name in ["18446744073709551615.log", "7.log", "+0000000000000000001.log", "0.log"] {
        assert_eq!(Segment::parse(name), None, "{name}");
        let disk = MemoryDisk::new();
        put(&disk, name, &segment(header(u64::MAX, 0), Kind::Mark, 0, b""));
        for bytes in [b"one", b"two"] {
            let log = open(&disk).unwrap();
            let next = log.last().map_or(0, |last| last + 1);
            let data = Bytes::from_static(bytes);
            answer(|done| log.append(vec![Record { index: next, data }], done)).unwrap();
        }
        assert_eq!(open(&disk).unwrap().last(), Some(1), "{name}");
    }
    assert_eq!(Segment::parse(&Segment::name(7)), Some(7));
}
