//! What the log promises, one promise a test.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::disk::Disk;
use crate::recover::look;
use crate::{Done, Executor, Log, LogOptions, MemoryDisk, OpenError, RealDisk, Record, View, exists};

fn options(executor: Executor) -> LogOptions {
    LogOptions {
        segment_bytes: 4096,
        cache_bytes: 256,
        executor,
        ..LogOptions::new(7, 1)
    }
}

fn open(disk: &MemoryDisk, executor: Executor) -> Log {
    Log::open(Arc::new(disk.clone()), options(executor)).unwrap()
}

fn records(range: std::ops::Range<u64>) -> Vec<Record> {
    range
        .map(|index| Record {
            index,
            data: Bytes::from(format!("entry-{index}-{}", "x".repeat(40))),
        })
        .collect()
}

fn waiter() -> (Done, mpsc::Receiver<io::Result<()>>) {
    let (sender, receiver) = mpsc::channel();
    (Box::new(move |result| drop(sender.send(result))), receiver)
}

fn wait(call: impl FnOnce(Done)) -> io::Result<()> {
    let (done, receiver) = waiter();
    call(done);
    receiver.recv().unwrap()
}

fn append(log: &Log, range: std::ops::Range<u64>) -> io::Result<()> {
    wait(|done| log.append(records(range), done))
}

fn open_error(disk: &MemoryDisk) -> OpenError {
    match Log::open(Arc::new(disk.clone()), options(Executor::Inline)) {
        Ok(_) => panic!("opened"),
        Err(error) => error,
    }
}

#[test]
fn entries_come_back_after_a_restart_with_and_without_the_thread() {
    for executor in [Executor::Thread, Executor::Inline] {
        let disk = MemoryDisk::new();
        assert!(!exists(&disk).unwrap());
        let log = open(&disk, executor);
        append(&log, 1..200).unwrap();
        wait(|done| log.save_vote(Bytes::from_static(b"vote"), done)).unwrap();
        log.save_committed(Bytes::from_static(b"committed"));
        append(&log, 200..210).unwrap();
        log.close().unwrap();
        assert!(append(&log, 210..211).is_err());
        assert!(exists(&disk).unwrap());
        disk.lose_pending();

        let log = open(&disk, executor);
        let state = log.state();
        assert_eq!((state.last, state.purged), (Some(209), None));
        assert_eq!(state.vote, Some(Bytes::from_static(b"vote")));
        assert_eq!(state.committed, Some(Bytes::from_static(b"committed")));
        assert_eq!(log.read(1..300, u64::MAX).unwrap(), records(1..210));
        assert_eq!(log.read(50..300, 1).unwrap(), records(50..51));
        append(&log, 210..211).unwrap();
    }
}

#[test]
fn what_nobody_waits_for_is_written_in_a_lull() {
    let disk = MemoryDisk::new();
    let log = open(&disk, Executor::Thread);
    let written = || look(&disk, &options(Executor::Manual)).unwrap().0.committed;
    append(&log, 1..3).unwrap();
    // After the first the thread sleeps until it is called.
    for mark in [&b"first"[..], b"second", b"third"] {
        log.save_committed(Bytes::from_static(mark));
        let began = Instant::now();
        while written().as_deref() != Some(mark) {
            assert!(began.elapsed() < Duration::from_secs(30), "never written");
            std::thread::yield_now();
        }
    }
}

#[test]
fn entries_can_be_read_before_they_are_on_disk() {
    let disk = MemoryDisk::new();
    let log = open(&disk, Executor::Manual);
    let (done, receiver) = waiter();
    log.append(records(1..100), done);
    assert_eq!(log.read(1..100, u64::MAX).unwrap(), records(1..100));
    assert!(receiver.try_recv().is_err());
    log.pump();
    receiver.recv().unwrap().unwrap();
    assert_eq!(log.read(1..100, u64::MAX).unwrap(), records(1..100));
}

#[test]
fn an_index_that_does_not_follow_is_refused_and_harms_nothing() {
    let log = open(&MemoryDisk::new(), Executor::Inline);
    append(&log, 5..8).unwrap();
    assert_eq!(append(&log, 9..10).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    append(&log, 8..10).unwrap();
}

#[test]
fn truncated_entries_are_replaced() {
    let disk = MemoryDisk::new();
    let log = open(&disk, Executor::Inline);
    append(&log, 0..100).unwrap();
    wait(|done| log.truncate_after(Some(20), done)).unwrap();
    assert_eq!(log.last(), Some(20));
    let other = vec![Record {
        index: 21,
        data: Bytes::from_static(b"other"),
    }];
    wait(|done| log.append(other.clone(), done)).unwrap();
    drop(log);
    let log = open(&disk, Executor::Inline);
    assert_eq!(log.read(20..30, u64::MAX).unwrap()[1..], other);
    wait(|done| log.truncate_after(None, done)).unwrap();
    assert_eq!(log.last(), None);
    append(&log, 0..3).unwrap();
}

#[test]
fn purge_removes_whole_segments_and_keeps_vote_and_mark() {
    let disk = MemoryDisk::new();
    let log = open(&disk, Executor::Inline);
    wait(|done| log.save_vote(Bytes::from_static(b"vote"), done)).unwrap();
    append(&log, 0..500).unwrap();
    let before = disk.list().unwrap().len();
    let bytes = log.bytes();
    wait(|done| log.purge(400, Bytes::from_static(b"meta"), done)).unwrap();
    assert!(disk.list().unwrap().len() < before);
    assert!(log.bytes() < bytes / 4);
    drop(log);
    let log = open(&disk, Executor::Inline);
    let state = log.state();
    assert_eq!(state.purged, Some((400, Bytes::from_static(b"meta"))));
    assert_eq!(state.vote, Some(Bytes::from_static(b"vote")));
    assert_eq!(log.first(), Some(401));
    assert!(log.read(400..402, u64::MAX).unwrap().is_empty());
    assert_eq!(log.read(401..600, u64::MAX).unwrap(), records(401..500));
}

#[test]
fn purge_beyond_the_end_starts_anew_behind_it() {
    let disk = MemoryDisk::new();
    let log = open(&disk, Executor::Inline);
    append(&log, 0..10).unwrap();
    wait(|done| log.purge(1000, Bytes::new(), done)).unwrap();
    assert_eq!((log.first(), log.last()), (None, Some(1000)));
    append(&log, 1001..1003).unwrap();
    drop(log);
    let log = open(&disk, Executor::Inline);
    assert_eq!((log.first(), log.last()), (Some(1001), Some(1002)));
}

#[test]
fn what_is_queued_during_a_sync_shares_the_next_one() {
    struct Counting(MemoryDisk, Arc<AtomicUsize>);
    struct CountingFile(Arc<dyn crate::File>, Arc<AtomicUsize>);
    impl Disk for Counting {
        fn list(&self) -> io::Result<Vec<String>> {
            self.0.list()
        }
        fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn crate::File>> {
            Ok(Arc::new(CountingFile(self.0.create(name, bytes)?, self.1.clone())))
        }
        fn open(&self, name: &str) -> io::Result<Arc<dyn crate::File>> {
            self.0.open(name)
        }
        fn rename(&self, from: &str, to: &str) -> io::Result<()> {
            self.0.rename(from, to)
        }
        fn remove(&self, name: &str) -> io::Result<()> {
            self.0.remove(name)
        }
        fn sync_dir(&self) -> io::Result<()> {
            self.0.sync_dir()
        }
    }
    impl crate::File for CountingFile {
        fn bytes(&self) -> io::Result<u64> {
            self.0.bytes()
        }
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read_at(offset, buffer)
        }
        fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.0.write_at(offset, data)
        }
        fn sync(&self) -> io::Result<()> {
            self.1.fetch_add(1, Ordering::SeqCst);
            self.0.sync()
        }
        fn truncate(&self, bytes: u64) -> io::Result<()> {
            self.0.truncate(bytes)
        }
        fn allocate(&self, bytes: u64) -> io::Result<()> {
            self.0.allocate(bytes)
        }
    }
    let syncs = Arc::new(AtomicUsize::new(0));
    let disk = Counting(MemoryDisk::new(), syncs.clone());
    let log = Log::open(Arc::new(disk), options(Executor::Manual)).unwrap();
    let before = syncs.load(Ordering::SeqCst);
    let order = Arc::new(Mutex::new(Vec::new()));
    for index in 0..30 {
        let order = order.clone();
        log.append(
            records(index..index + 1),
            Box::new(move |result| order.lock().push((index, result.is_ok()))),
        );
    }
    log.pump();
    assert_eq!(syncs.load(Ordering::SeqCst), before + 1);
    assert_eq!(*order.lock(), (0..30).map(|index| (index, true)).collect::<Vec<_>>());
}

#[test]
fn a_failed_sync_poisons_the_log_for_ever() {
    let disk = MemoryDisk::new();
    let fatal = Arc::new(AtomicUsize::new(0));
    let count = fatal.clone();
    let on_fatal = Arc::new(move |_: &io::Error| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let log = Log::open(
        Arc::new(disk.clone()),
        LogOptions {
            on_fatal,
            ..options(Executor::Thread)
        },
    )
    .unwrap();
    append(&log, 0..5).unwrap();
    disk.fail_sync(0);
    assert!(append(&log, 5..6).is_err());
    assert!(append(&log, 6..7).is_err());
    assert!(wait(|done| log.save_vote(Bytes::new(), done)).is_err());
    assert!(log.failed().unwrap().contains("restart"));
    assert_eq!(fatal.load(Ordering::SeqCst), 1);
    drop(log);
    disk.lose_pending();
    assert_eq!(open(&disk, Executor::Inline).last(), Some(4));
}

#[test]
fn a_full_disk_is_named_as_such() {
    let disk = MemoryDisk::new();
    let log = open(&disk, Executor::Inline);
    disk.set_capacity(6000);
    let error = append(&log, 0..100).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(error.to_string().contains("no space left"), "{error}");
}

#[test]
fn damage_to_what_was_synced_is_refused_wherever_it_is() {
    let good = MemoryDisk::new();
    let log = open(&good, Executor::Inline);
    for index in 0..100 {
        append(&log, index..index + 1).unwrap();
    }
    drop(log);
    let names = good.list().unwrap();
    for name in &names {
        let length = good.open(name).unwrap().bytes().unwrap();
        let mut bytes = vec![0; length as usize];
        good.open(name).unwrap().read_at(0, &mut bytes).unwrap();
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64;
        for offset in (0..end.saturating_sub(32)).step_by(13) {
            let before = bytes[offset as usize];
            assert!(good.corrupt(name, offset));
            match Log::open(Arc::new(good.clone()), options(Executor::Inline)) {
                Err(OpenError::Damaged { file, .. }) => assert_eq!(&file, name),
                Err(OpenError::Format { .. }) => assert!((8..12).contains(&offset)),
                Err(error) => panic!("{error}"),
                // Padding behind a payload says nothing.
                Ok(log) => assert!(before == 0 && log.last() == Some(99), "{name} {offset}"),
            }
            assert!(good.corrupt(name, offset));
        }
    }
    good.remove(&names[0]).unwrap();
    assert!(matches!(open_error(&good), OpenError::Missing { from: 0, .. }));
}

#[test]
fn a_torn_last_write_is_cut() {
    let disk = MemoryDisk::new();
    let log = open(&disk, Executor::Manual);
    log.append(records(0..10), Box::new(|result| result.unwrap()));
    log.pump();
    disk.stop_after(1);
    log.append(records(10..50), Box::new(|result| assert!(result.is_err())));
    log.pump();
    drop(log);
    let mut sector = 0;
    disk.crash(&mut |bound| {
        sector += 1;
        if bound == 3 { 2 } else { sector % 2 }
    });
    let log = open(&disk, Executor::Inline);
    let last = log.last().unwrap();
    assert!((9..49).contains(&last), "{last}");
    assert_eq!(log.read(0..last + 1, u64::MAX).unwrap(), records(0..last + 1));
}

#[test]
fn a_look_tells_the_torn_tail_and_leaves_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = Log::open(Arc::new(RealDisk::open(&path).unwrap()), options(Executor::Thread)).unwrap();
    append(&log, 0..200).unwrap();
    assert!(RealDisk::open_read_only(&path).is_err(), "it is in use");
    log.close().unwrap();
    drop(log);
    let mut files: Vec<_> = std::fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "log"))
        .collect();
    files.sort();
    let last = files.last().unwrap();
    let mut bytes = std::fs::read(last).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let end = end.next_multiple_of(8);
    bytes[end..end + 20].fill(7);
    std::fs::write(last, &bytes).unwrap();
    let whole = |names: &[std::path::PathBuf]| -> Vec<Vec<u8>> {
        names.iter().map(|name| std::fs::read(name).unwrap()).collect()
    };
    let before = whole(&files);

    let disk = RealDisk::open_read_only(&path).unwrap();
    let view = View::open(&disk, 7, 1).unwrap();
    assert_eq!((view.first(), view.last()), (Some(0), Some(199)));
    assert_eq!(view.read(5..8, u64::MAX).unwrap(), records(5..8));
    let torn = view.torn().unwrap();
    assert_eq!((torn.offset, torn.bytes), (end as u64, 20));
    assert_eq!(last.file_name().unwrap().to_str(), Some(&*torn.file));
    assert!(disk.create("x", 1).is_err() && disk.remove(&torn.file).is_err());
    drop(disk);
    assert!(whole(&files) == before, "a look changed a file");

    let log = Log::open(Arc::new(RealDisk::open(&path).unwrap()), options(Executor::Inline)).unwrap();
    assert_eq!(log.read(0..200, u64::MAX).unwrap(), records(0..200));
    drop(log);
    let disk = RealDisk::open_read_only(&path).unwrap();
    assert_eq!(View::open(&disk, 7, 1).unwrap().torn(), None);
    assert_eq!(View::open(&MemoryDisk::new(), 7, 1).unwrap().last(), None);
}

#[test]
fn the_log_of_another_member_is_refused() {
    let disk = MemoryDisk::new();
    drop(open(&disk, Executor::Inline));
    let other = LogOptions {
        member_id: 2,
        ..options(Executor::Inline)
    };
    let error = Log::open(Arc::new(disk), other).err().unwrap();
    assert!(matches!(
        error,
        OpenError::Stranger {
            member: 1,
            cluster: 7,
            ..
        }
    ));
}

#[test]
fn a_real_directory_works_and_is_locked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(&path).unwrap());
    assert!(RealDisk::open(&path).is_err());
    let log = Log::open(disk.clone(), options(Executor::Thread)).unwrap();
    append(&log, 0..300).unwrap();
    wait(|done| log.purge(250, Bytes::new(), done)).unwrap();
    drop(log);
    let log = Log::open(disk, options(Executor::Thread)).unwrap();
    assert_eq!(log.read(251..300, u64::MAX).unwrap(), records(251..300));
    let huge = vec![Record {
        index: 300,
        data: Bytes::from(vec![9; 100_000]),
    }];
    wait(|done| log.append(huge.clone(), done)).unwrap();
    append(&log, 301..302).unwrap();
    log.close().unwrap();
    drop(log);
    let log = Log::open(Arc::new(RealDisk::open(&path).unwrap()), options(Executor::Thread)).unwrap();
    assert_eq!(log.read(300..301, 1).unwrap(), huge);
}

#[test]
fn a_done_may_call_back_into_the_log() {
    let log = open(&MemoryDisk::new(), Executor::Inline);
    let again = log.clone();
    log.append(
        records(0..1),
        Box::new(move |_| again.append(records(1..2), Box::new(|result| result.unwrap()))),
    );
    assert_eq!(log.last(), Some(1));
    append(&log, 2..3).unwrap();
}

#[test]
fn what_survives_is_what_was_synced() {
    let disk = MemoryDisk::new();
    let file = disk.create("f", 0).unwrap();
    disk.sync_dir().unwrap();
    file.write_at(0, b"synced").unwrap();
    file.sync().unwrap();
    file.write_at(6, b" and not").unwrap();
    disk.create("unsynced", 0).unwrap();
    let after = disk.surviving();
    assert_eq!(after.list().unwrap(), ["f"]);
    assert_eq!(after.open("f").unwrap().bytes().unwrap(), 6);
    // The disk itself goes on.
    assert_eq!(disk.open("f").unwrap().bytes().unwrap(), 14);
}
