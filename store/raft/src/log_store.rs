//! openraft's log storage over `store_log`.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use openraft::storage::{IOFlushed, LogState, RaftLogReader, RaftLogStorage};
use openraft::{OptionalSend, RaftTypeConfig};
use parking_lot::Mutex;
use prost::Message;
use proto::peer;
use store_log::{Log, Record};
use store_planted::{Bug, planted};
use tokio::sync::oneshot;

use crate::convert::{Malformed, agrees, decode, entry_in, entry_out, log_id_in, log_id_out, vote_in, vote_out};
use crate::recent::Recent;
use crate::types::{Entry, LogId, Types, Vote};

/// Entries kept decoded. Bytes.
const RECENT_BYTES: u64 = 32 << 20;

/// The log as openraft writes and reads it. Clones share it.
#[derive(Clone)]
pub(crate) struct LogStore {
    log: Log,
    recent: Arc<Mutex<Recent>>,
    batch_bytes: u64,
}

/// The entries of records, each of which stands where it says, and none in an earlier term than the one before.
fn entries_of(records: Vec<Record>) -> io::Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::with_capacity(records.len());
    for record in records {
        let entry = entry_in(decode(record.data)?)?;
        let follows = entries.last().is_none_or(|before| before.log_id < entry.log_id);
        if entry.log_id.index != record.index || !follows {
            return Err(Malformed("an entry that cannot stand where it stands in the raft log").into());
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// What is purged.
fn purged_of(log: &Log) -> io::Result<Option<LogId>> {
    let Some((upto, meta)) = log.state().purged else {
        return Ok(None);
    };
    let purged = log_id_in(decode::<peer::LogId>(meta)?);
    if purged.index != upto {
        return Err(Malformed("a purge of the raft log that describes another entry").into());
    }
    Ok(Some(purged))
}

/// Refuses a log whose beginning was purged while the machine has not applied it: nobody can say any more what it did.
pub(crate) fn check_purged(log: &Log, applied: Option<LogId>) -> io::Result<()> {
    match purged_of(log)? {
        Some(purged) if applied < Some(purged) => {
            let applied = applied.map_or_else(|| "nothing".to_owned(), |id| format!("entries up to {id}"));
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "the raft log begins behind entry {purged}, and the database has applied {applied}: it is older \
                     than the log, or gone. Put it back, or remove the member from its cluster, move its data directory \
                     away and add it again"
                ),
            ))
        }
        _ => Ok(()),
    }
}

impl LogStore {
    pub(crate) fn new(log: Log, batch_bytes: u64) -> LogStore {
        LogStore {
            log,
            recent: Arc::new(Mutex::new(Recent::new(RECENT_BYTES))),
            batch_bytes,
        }
    }

    /// Entries from `start` to before `end` until `max_bytes`; empty if `start` is not held.
    fn read(&self, start: u64, end: u64, max_bytes: u64) -> io::Result<Vec<Entry>> {
        if let Some(entries) = self.recent.lock().read(start, end, max_bytes) {
            return Ok(entries);
        }
        let records = self.log.read(start..end, max_bytes)?;
        entries_of(records)
    }

    fn bounds(range: &impl RangeBounds<u64>) -> (u64, u64) {
        let start = match range.start_bound() {
            Bound::Included(start) => *start,
            Bound::Excluded(before) => before + 1,
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(end) => *end,
            Bound::Unbounded => u64::MAX,
        };
        (start, end)
    }
}

impl RaftLogReader<Types> for LogStore {
    async fn try_get_log_entries<RB>(&mut self, range: RB) -> Result<Vec<Entry>, io::Error>
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (start, end) = LogStore::bounds(&range);
        let mut at = start.max(self.log.first().unwrap_or(u64::MAX));
        let mut out = Vec::new();
        while at < end {
            let entries = self.read(at, end, u64::MAX)?;
            at += entries.len() as u64;
            if entries.is_empty() {
                break;
            }
            out.extend(entries);
        }
        Ok(out)
    }

    async fn read_vote(&mut self) -> Result<Option<Vote>, io::Error> {
        let bytes = self.log.state().vote;
        Ok(bytes
            .map(|bytes| vote_in(Some(decode::<peer::Vote>(bytes)?)))
            .transpose()?)
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> Result<Vec<Entry>, io::Error> {
        self.read(start, end, self.batch_bytes)
    }

    async fn entries_stream<RB>(&mut self, range: RB) -> impl Stream<Item = Result<Entry, io::Error>> + OptionalSend
    where
        RB: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        let (start, end) = LogStore::bounds(&range);
        let state = Some((self.clone(), start, VecDeque::new()));
        futures_util::stream::unfold(state, move |state| async move {
            let (store, mut at, mut ready) = state?;
            if ready.is_empty() && at < end {
                match store.read(at, end, store.batch_bytes) {
                    Ok(entries) => ready.extend(entries),
                    Err(error) => return Some((Err(error), None)),
                }
            }
            let entry: Entry = ready.pop_front()?;
            at += 1;
            Some((Ok(entry), Some((store, at, ready))))
        })
    }
}

impl RaftLogStorage<Types> for LogStore {
    type LogReader = LogStore;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, io::Error> {
        let state = self.log.state();
        let last_purged_log_id = purged_of(&self.log)?;
        let last_log_id = match self.log.first().and(state.last) {
            Some(last) => self.read(last, last + 1, 1)?.first().map(|entry| entry.log_id),
            None => None,
        };
        Ok(LogState {
            last_purged_log_id,
            last_log_id: last_log_id.or(last_purged_log_id),
        })
    }

    async fn get_log_reader(&mut self) -> LogStore {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), io::Error> {
        if planted(Bug::ForgottenVote) {
            return Ok(());
        }
        let (sender, receiver) = oneshot::channel();
        let bytes = Bytes::from(vote_out(vote).encode_to_vec());
        self.log
            .save_vote(bytes, Box::new(move |result| drop(sender.send(result))));
        receiver.await.map_err(|_| io::Error::other("the raft log is closed"))?
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), io::Error> {
        if let Some(committed) = committed {
            self.log
                .save_committed(Bytes::from(log_id_out(&committed).encode_to_vec()));
        }
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, io::Error> {
        let (mark, last) = (self.log.state().committed, self.get_log_state().await?.last_log_id);
        let Some((mark, last)) = mark.zip(last) else {
            return Ok(None);
        };
        let mark = log_id_in(decode::<peer::LogId>(mark)?);
        let held = self.read(mark.index, mark.index.saturating_add(1), 1)?;
        if !agrees(&mark, &last) || held.iter().any(|entry| entry.log_id != mark) {
            return Err(Malformed("a commit of another entry than the raft log has").into());
        }
        // The mark may be newer than entries that a crash took; what is left of the log is all that can be applied.
        Ok(Some(mark.min(last)))
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<Types>) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = <Types as RaftTypeConfig>::Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut records = Vec::new();
        let mut recent = self.recent.lock();
        for entry in entries {
            let data = Bytes::from(entry_out(&entry).encode_to_vec());
            records.push(Record {
                index: entry.log_id.index,
                data,
            });
            recent.push(entry);
        }
        // Under the lock, so that what is in `recent` is in the log too.
        self.log
            .append(records, Box::new(move |result| callback.io_completed(result)));
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> Result<(), io::Error> {
        let last = last.map(|id| id.index);
        self.recent.lock().truncate(last);
        self.log.truncate_after(last, Box::new(unwaited));
        Ok(())
    }

    async fn purge(&mut self, upto: LogId) -> Result<(), io::Error> {
        self.recent.lock().purge(upto.index);
        self.log.purge(
            upto.index,
            Bytes::from(log_id_out(&upto).encode_to_vec()),
            Box::new(unwaited),
        );
        Ok(())
    }
}

/// Nobody waits for truncating and purging: the log keeps the order, and its failure is told with the next append.
fn unwaited(result: io::Result<()>) {
    if let Err(error) = result {
        tracing::error!(%error, "the raft log refused a change");
    }
}

#[cfg(test)]
mod tests {
    use store_log::{Executor, LogOptions, MemoryDisk};

    use super::*;

    fn at(term: u64, index: u64) -> peer::LogId {
        peer::LogId { term, node: 1, index }
    }

    /// A log of these entries.
    fn log(ids: &[peer::LogId]) -> Log {
        let options = LogOptions {
            executor: Executor::Inline,
            on_fatal: Arc::new(|_| {}),
            ..LogOptions::new(1, 1)
        };
        let log = Log::open(Arc::new(MemoryDisk::new()), options).unwrap();
        let entry = |id: &peer::LogId| peer::Entry {
            id: Some(*id),
            payload: None,
        };
        let records = (0..).zip(ids).map(|(index, id)| Record {
            index,
            data: entry(id).encode_to_vec().into(),
        });
        log.append(records.collect(), Box::new(|result| result.unwrap()));
        log
    }

    #[test]
    fn entries_stand_where_they_can() {
        for (good, last) in [(true, at(2, 2)), (true, at(3, 2)), (false, at(2, 1)), (false, at(1, 2))] {
            let store = LogStore::new(log(&[at(1, 0), at(2, 1), last]), 1 << 20);
            let read = store.read(0, 3, u64::MAX).map(|entries| entries.len());
            assert_eq!(read.map_err(|error| error.kind()).ok(), good.then_some(3), "{last:?}");
        }
    }

    #[tokio::test]
    async fn what_is_committed_stands_in_the_log() {
        for (expected, mark) in [
            (Some(at(2, 1)), at(2, 1)),
            (Some(at(2, 2)), at(2, 9)),
            (Some(at(2, 2)), at(5, 9)),
            (None, at(3, 1)),
            (None, at(1, 1)),
            (None, at(1, 9)),
        ] {
            let log = log(&[at(1, 0), at(2, 1), at(2, 2)]);
            log.save_committed(mark.encode_to_vec().into());
            let read = LogStore::new(log, 1 << 20).read_committed().await;
            assert_eq!(read.ok().flatten(), expected.map(log_id_in), "{mark:?}");
        }
    }

    #[test]
    fn a_database_that_is_older_than_what_is_left_of_the_log_is_refused() {
        let log = log(&[at(1, 0), at(2, 1), at(2, 2)]);
        let applied = |index| Some(log_id_in(at(2, index)));
        assert!(check_purged(&log, None).is_ok());
        log.purge(1, at(2, 1).encode_to_vec().into(), Box::new(|result| result.unwrap()));
        let error = check_purged(&log, None).unwrap_err().to_string();
        assert!(error.contains("applied nothing"), "{error}");
        assert!(check_purged(&log, Some(log_id_in(at(1, 0)))).is_err());
        assert!(check_purged(&log, applied(1)).is_ok() && check_purged(&log, applied(2)).is_ok());
        log.purge(2, at(2, 1).encode_to_vec().into(), Box::new(|result| result.unwrap()));
        assert!(check_purged(&log, applied(2)).is_err(), "it describes another entry");
    }
}
