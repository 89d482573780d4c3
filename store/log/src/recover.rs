//! Reads the log back at open: what is whole is taken, a torn tail is cut, anything else is refused.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use store_planted::{Bug, planted};

use crate::disk::{Disk, File};
use crate::error::OpenError;
use crate::held::Held;
use crate::log::LogOptions;
use crate::record::{self, Found, HEADER, Header, HeaderError, Item, Kind};
use crate::segment::Segment;
use crate::writer::{Active, Carried, Closed, Writer, create};

/// One segment file as read.
struct Loaded {
    header: Header,
    seed: u32,
    file: Arc<dyn File>,
    bytes: Vec<u8>,
}

/// Where reading a segment's records ended.
struct End {
    offset: usize,
    chain: u32,
    highest: Option<u64>,
    /// The furthest that a record says had been synced.
    synced: usize,
}

/// State built up while records are replayed.
struct Replay {
    held: Held,
    carried: Carried,
}

/// The segments that were replayed.
struct Replayed {
    closed: VecDeque<Closed>,
    last: Arc<Segment>,
    loaded: Loaded,
    end: End,
    /// Older files that a crash kept from being removed.
    stragglers: Vec<u64>,
}

/// Bytes at the end of the log that are no whole record: of a write that a crash cut short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// Name of the file within the log's directory.
    pub file: String,
    /// Where the last whole record ends.
    pub offset: u64,
    /// From there to the last byte that is not zero.
    pub bytes: u64,
}

/// Reads what is on the disk and changes nothing.
pub(crate) fn look(disk: &dyn Disk, options: &LogOptions) -> Result<(Held, Option<Torn>), OpenError> {
    let (_, sequences) = list(disk)?;
    let mut replay = Replay::new(options);
    if sequences.is_empty() {
        return Ok((replay.held, None));
    }
    let replayed = replay.all(disk, options, &sequences)?;
    let torn = torn(&replayed.last, &replayed.loaded, &replayed.end)?;
    Ok((replay.held, torn))
}

/// Names of all files, and the sequence numbers of the segments, oldest first.
fn list(disk: &dyn Disk) -> Result<(Vec<String>, Vec<u64>), OpenError> {
    let names = disk.list().map_err(OpenError::io("list", "the directory"))?;
    let mut sequences: Vec<u64> = names.iter().filter_map(|name| Segment::parse(name)).collect();
    sequences.sort_unstable();
    Ok((names, sequences))
}

/// Opens what is on the disk, or starts a new log.
pub(crate) fn recover(disk: Arc<dyn Disk>, options: &LogOptions) -> Result<(Held, Writer), OpenError> {
    let (names, sequences) = list(&*disk)?;
    let mut replay = Replay::new(options);
    // Only with everything verified may anything be changed.
    let (closed, active, stragglers) = if sequences.is_empty() {
        (VecDeque::new(), start(&*disk, &names, options)?, Vec::new())
    } else {
        let replayed = replay.all(&*disk, options, &sequences)?;
        let active = finish_tail(replayed.last, &replayed.loaded, &replayed.end, options)?;
        (replayed.closed, active, replayed.stragglers)
    };
    disk.sync_dir().map_err(OpenError::io("sync", "the directory"))?;
    for name in names
        .iter()
        .filter(|name| Segment::is_unfinished(name) && !sequences.is_empty())
    {
        disk.remove(name).map_err(OpenError::io("remove", name))?;
    }
    for sequence in stragglers {
        let name = Segment::name(sequence);
        disk.remove(&name).map_err(OpenError::io("remove", &name))?;
    }
    let writer = Writer {
        disk,
        cluster: options.cluster_id,
        member: options.member_id,
        segment_bytes: options.segment_bytes,
        sync: options.sync,
        closed,
        active,
        carried: replay.carried,
        buffer: Vec::new(),
        unmarked: true,
    };
    Ok((replay.held, writer))
}

fn start(disk: &dyn Disk, names: &[String], options: &LogOptions) -> Result<Active, OpenError> {
    for name in names.iter().filter(|name| Segment::is_unfinished(name)) {
        disk.remove(name).map_err(OpenError::io("remove", name))?;
    }
    let header = Header {
        cluster: options.cluster_id,
        member: options.member_id,
        sequence: 1,
        first: 0,
        chain: 0,
    };
    create(disk, header, &Carried::default(), options.segment_bytes).map_err(OpenError::io("create", &Segment::name(1)))
}

impl Replay {
    fn new(options: &LogOptions) -> Self {
        Self {
            held: Held::new(options.cache_bytes),
            carried: Carried::default(),
        }
    }

    /// Replays the newest segments that follow one another.
    fn all(&mut self, disk: &dyn Disk, options: &LogOptions, sequences: &[u64]) -> Result<Replayed, OpenError> {
        let gap = sequences
            .windows(2)
            .rposition(|pair| pair[0] + 1 != pair[1])
            .map_or(0, |at| at + 1);
        let (stragglers, chosen) = sequences.split_at(gap);
        let mut closed = VecDeque::new();
        let mut before: Option<(Closed, End)> = None;
        for sequence in chosen {
            let loaded = load(disk, *sequence, options)?;
            match before.take() {
                None => {
                    self.held.set_base(loaded.header.first);
                    self.carried.next = loaded.header.first;
                }
                Some((segment, end)) if end.chain == loaded.header.chain => closed.push_back(segment),
                Some((segment, end)) => {
                    let what = "a record that the next segment follows is not there";
                    return Err(damaged(segment.segment.sequence, end.offset, what));
                }
            }
            let segment = Arc::new(Segment::new(*sequence, loaded.seed, loaded.file.clone()));
            let end = self.segment(&segment, &loaded)?;
            if Some(sequence) == chosen.last() {
                self.check_whole(chosen[0])?;
                return Ok(Replayed {
                    closed,
                    last: segment,
                    loaded,
                    end,
                    stragglers: stragglers.to_vec(),
                });
            }
            before = Some((
                Closed {
                    segment,
                    highest: end.highest,
                },
                end,
            ));
        }
        Err(OpenError::Missing { from: 0, to: 0 })
    }

    fn segment(&mut self, segment: &Arc<Segment>, loaded: &Loaded) -> Result<End, OpenError> {
        let mut end = End {
            offset: HEADER,
            chain: loaded.seed,
            highest: None,
            synced: 0,
        };
        while let Some(found) = record::decode(&loaded.bytes[end.offset..], loaded.seed)
            && found.chain == end.chain
        {
            self.record(segment, &found, end.offset)?;
            if found.kind == Kind::Entry {
                end.highest = end.highest.max(Some(found.index));
            }
            end.synced = end.synced.max(found.synced as usize);
            end.chain = found.checksum;
            end.offset += record::size(found.payload.len());
            if end.offset >= loaded.bytes.len() {
                break;
            }
        }
        Ok(end)
    }

    fn record(&mut self, segment: &Arc<Segment>, found: &Found<'_>, offset: usize) -> Result<(), OpenError> {
        if found.index >= record::LIMIT {
            let what = format!("a record has the impossible index {}", found.index);
            return Err(damaged(segment.sequence, offset, what));
        }
        let data = if found.kind == Kind::Entry {
            Bytes::new()
        } else {
            Bytes::copy_from_slice(found.payload)
        };
        match found.kind {
            Kind::Entry if self.held.accepts(found.index) => {
                self.held
                    .found(found.index, segment, offset as u32, found.payload.len() as u32);
            }
            Kind::Entry => {
                let what = format!("entry {} stands where {} should", found.index, self.held.next());
                return Err(damaged(segment.sequence, offset, what));
            }
            Kind::Vote => self.held.vote = Some(data.clone()),
            Kind::Committed => self.held.committed = Some(data.clone()),
            Kind::Truncate if self.held.purged.as_ref().is_some_and(|(upto, _)| found.index <= *upto) => {
                let what = format!("entry {}, which was purged, is truncated", found.index);
                return Err(damaged(segment.sequence, offset, what));
            }
            Kind::Truncate => self.held.truncate(found.index),
            Kind::Purge => self.held.purge(found.index, data.clone()),
            Kind::Mark => {}
        }
        self.carried.note(&Item {
            kind: found.kind,
            index: found.index,
            data,
            ticket: 0,
        });
        self.carried.next = self.held.next();
        Ok(())
    }

    /// No entry between what was purged and the oldest one held may be missing.
    fn check_whole(&mut self, oldest: u64) -> Result<(), OpenError> {
        let base = self.held.first().unwrap_or(self.held.next());
        match self.held.purged.clone() {
            Some((upto, _)) if base > upto + 1 => Err(OpenError::Missing {
                from: upto + 1,
                to: base - 1,
            }),
            Some((upto, meta)) => {
                self.held.purge(upto, meta);
                Ok(())
            }
            None if oldest > 1 => Err(OpenError::Missing {
                from: 0,
                to: base.saturating_sub(1),
            }),
            None => Ok(()),
        }
    }
}

fn load(disk: &dyn Disk, sequence: u64, options: &LogOptions) -> Result<Loaded, OpenError> {
    let name = Segment::name(sequence);
    let file = disk.open(&name).map_err(OpenError::io("open", &name))?;
    let length = file.bytes().map_err(OpenError::io("read the length of", &name))?;
    let mut bytes = vec![0; length as usize];
    let got = file.read_at(0, &mut bytes).map_err(OpenError::io("read", &name))?;
    bytes.truncate(got);
    let (header, seed) = match Header::decode(&bytes) {
        Ok(read) => read,
        Err(HeaderError::Damaged(what)) => return Err(damaged(sequence, 0, what)),
        Err(HeaderError::Format(found)) => {
            return Err(OpenError::Format {
                file: name,
                found,
                known: record::FORMAT,
            });
        }
    };
    if header.sequence != sequence {
        return Err(damaged(
            sequence,
            0,
            format!("the header names segment {}: the file was renamed", header.sequence),
        ));
    }
    if (header.cluster, header.member) != (options.cluster_id, options.member_id) {
        return Err(OpenError::Stranger {
            file: name,
            member: header.member,
            cluster: header.cluster,
        });
    }
    Ok(Loaded {
        header,
        seed,
        file,
        bytes,
    })
}

/// Decides about the bytes behind the last good record.
fn torn(segment: &Segment, loaded: &Loaded, end: &End) -> Result<Option<Torn>, OpenError> {
    let tail = &loaded.bytes[end.offset.min(loaded.bytes.len())..];
    let Some(last) = tail.iter().rposition(|byte| *byte != 0) else {
        return Ok(None);
    };
    refuse_rotten(segment, tail, end.offset)?;
    Ok(Some(Torn {
        file: Segment::name(segment.sequence),
        offset: end.offset as u64,
        bytes: last as u64 + 1,
    }))
}

/// Cuts a torn tail off and makes the segment ready to be written to.
fn finish_tail(segment: Arc<Segment>, loaded: &Loaded, end: &End, options: &LogOptions) -> Result<Active, OpenError> {
    let name = Segment::name(segment.sequence);
    if let Some(torn) = torn(&segment, loaded, end)? {
        let Torn { offset, bytes, .. } = torn;
        tracing::warn!(file = name, offset, bytes, "cutting a torn tail off the raft log");
        loaded
            .file
            .truncate(end.offset as u64)
            .map_err(OpenError::io("truncate", &name))?;
    }
    let allocated = options.segment_bytes.max(end.offset as u64);
    loaded
        .file
        .allocate(allocated)
        .map_err(OpenError::io("allocate", &name))?;
    // What was read may be in the page cache alone, and after a failed sync the kernel counts such pages as clean. From
    // here on it counts as safe, so it is written again and synced.
    // The file may end inside the padding of the last record.
    let whole = end.offset.min(loaded.bytes.len());
    let doubtful = end.synced.min(whole);
    let rewrite = loaded.file.write_at(doubtful as u64, &loaded.bytes[doubtful..whole]);
    rewrite.map_err(OpenError::io("write", &name))?;
    loaded.file.sync().map_err(OpenError::io("sync", &name))?;
    let offset = end.offset as u64;
    Ok(Active {
        segment,
        highest: end.highest,
        body: HEADER as u64,
        offset,
        synced: offset,
        allocated,
        chain: end.chain,
    })
}

/// A good record behind the bad one that was written after the bad one had been synced proves damage.
fn refuse_rotten(segment: &Segment, tail: &[u8], offset: usize) -> Result<(), OpenError> {
    if planted(Bug::ShortLog) {
        return Ok(());
    }
    for at in (0..tail.len()).step_by(8) {
        if let Some(found) = record::decode(&tail[at..], segment.seed)
            && found.synced as usize > offset
        {
            let what = format!(
                "a record that was synced is not readable, while a later one at {} is",
                offset + at
            );
            return Err(damaged(segment.sequence, offset, what));
        }
    }
    Ok(())
}

fn damaged(sequence: u64, offset: usize, what: impl Into<String>) -> OpenError {
    OpenError::Damaged {
        file: Segment::name(sequence),
        offset: offset as u64,
        what: what.into(),
    }
}
