//! The one place that writes: turns batches into records, one write and one sync each, and starts new segments.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use store_planted::{Bug, planted};

use crate::disk::Disk;
use crate::record::{self, Header, Item, Kind, RECORD};
use crate::segment::Segment;

/// A segment that gets no more records, and the highest entry index in it.
pub(crate) struct Closed {
    pub(crate) segment: Arc<Segment>,
    pub(crate) highest: Option<u64>,
}

/// The segment that is written to.
pub(crate) struct Active {
    pub(crate) segment: Arc<Segment>,
    pub(crate) highest: Option<u64>,
    /// Where the first record of this segment's own goes.
    pub(crate) body: u64,
    /// Where the next record goes.
    pub(crate) offset: u64,
    /// Below this everything is on disk.
    pub(crate) synced: u64,
    /// Space taken for the file.
    pub(crate) allocated: u64,
    /// The last record's checksum.
    pub(crate) chain: u32,
}

/// What each new segment repeats at its start, so that older ones can go.
#[derive(Clone, Default)]
pub(crate) struct Carried {
    pub(crate) vote: Option<Bytes>,
    pub(crate) committed: Option<Bytes>,
    pub(crate) purged: Option<(u64, Bytes)>,
    pub(crate) next: u64,
}

/// Where an entry went.
pub(crate) struct Placed {
    pub(crate) index: u64,
    pub(crate) ticket: u64,
    pub(crate) segment: Arc<Segment>,
    pub(crate) offset: u32,
}

pub(crate) struct Writer {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) cluster: u64,
    pub(crate) member: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) sync: bool,
    pub(crate) closed: VecDeque<Closed>,
    pub(crate) active: Active,
    pub(crate) carried: Carried,
    pub(crate) buffer: Vec<u8>,
    /// A record that says how far everything is on disk would tell something new.
    pub(crate) unmarked: bool,
}

impl Writer {
    /// Writes the items in order; on return they are on disk if `sync`. After an error nothing more may be written.
    pub(crate) fn write(&mut self, items: &[Item], sync: bool) -> io::Result<Vec<Placed>> {
        let mut placed = Vec::with_capacity(items.len());
        for item in items {
            let size = record::size(item.data.len()) as u64;
            if self.position() + size > self.segment_bytes && self.position() > self.active.body {
                self.roll()?;
            }
            let offset = self.position();
            if item.kind == Kind::Entry {
                let segment = self.active.segment.clone();
                placed.push(Placed {
                    index: item.index,
                    ticket: item.ticket,
                    segment,
                    offset: offset as u32,
                });
                self.active.highest = self.active.highest.max(Some(item.index));
            }
            self.encode(item.kind, item.index, &item.data);
            self.carried.note(item);
        }
        self.write_out()?;
        if sync {
            self.sync_active()?;
        }
        Ok(placed)
    }

    fn position(&self) -> u64 {
        self.active.offset + self.buffer.len() as u64
    }

    fn encode(&mut self, kind: Kind, index: u64, data: &[u8]) {
        let active = &mut self.active;
        let synced = active.synced as u32;
        active.chain = record::encode(
            &mut self.buffer,
            active.segment.seed,
            active.chain,
            synced,
            kind,
            index,
            data,
        );
    }

    fn write_out(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let end = self.position();
        if end > self.active.allocated {
            self.active.segment.grow(end)?;
            self.active.allocated = end;
        }
        self.active.segment.write(self.active.offset, &self.buffer)?;
        self.active.offset = end;
        self.buffer.clear();
        // One huge batch must not keep its memory for ever.
        self.buffer.shrink_to(4 << 20);
        Ok(())
    }

    fn sync_active(&mut self) -> io::Result<()> {
        if self.sync && !planted(Bug::AckBeforeSync) {
            self.active.segment.sync()?;
        }
        self.active.synced = self.active.offset;
        self.unmarked = true;
        Ok(())
    }

    /// Closes the active segment and starts the next one.
    fn roll(&mut self) -> io::Result<()> {
        self.write_out()?;
        self.sync_active()?;
        let header = Header {
            cluster: self.cluster,
            member: self.member,
            sequence: self.active.segment.sequence + 1,
            first: self.carried.next,
            chain: self.active.chain,
        };
        let next = create(&*self.disk, header, &self.carried, self.segment_bytes)?;
        let before = std::mem::replace(&mut self.active, next);
        self.closed.push_back(Closed {
            segment: before.segment,
            highest: before.highest,
        });
        Ok(())
    }

    /// Notes that everything is on disk. Nobody waits for it: where the note itself survives, damage to the last batch
    /// is told from a torn write.
    pub(crate) fn mark(&mut self) -> io::Result<()> {
        let fits = self.position() + RECORD as u64 <= self.active.allocated;
        if std::mem::take(&mut self.unmarked) && fits {
            self.encode(Kind::Mark, 0, &[]);
            self.write_out()?;
        }
        Ok(())
    }

    /// Syncs a last mark.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.sync_active()?;
        self.mark()?;
        self.sync_active()
    }

    /// Removes the oldest segments whose entries were all purged. The purge must be on disk.
    pub(crate) fn remove_purged(&mut self) -> io::Result<()> {
        let Some((upto, _)) = self.carried.purged else {
            return Ok(());
        };
        while let Some(oldest) = self.closed.front()
            && oldest.highest.is_none_or(|highest| highest <= upto)
        {
            self.disk.remove(&Segment::name(oldest.segment.sequence))?;
            self.closed.pop_front();
        }
        Ok(())
    }

    /// Space that all segments take.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.closed.len() as u64 * self.segment_bytes + self.active.allocated
    }
}

impl Carried {
    /// Follows one item.
    pub(crate) fn note(&mut self, item: &Item) {
        match item.kind {
            Kind::Entry => self.next = item.index + 1,
            Kind::Vote => self.vote = Some(item.data.clone()),
            Kind::Committed => self.committed = Some(item.data.clone()),
            Kind::Truncate => self.next = item.index,
            Kind::Purge => {
                self.next = self.next.max(item.index + 1);
                self.purged = Some((item.index, item.data.clone()));
            }
            Kind::Mark => {}
        }
    }
}

/// Makes a segment that starts with what its predecessors knew.
pub(crate) fn create(disk: &dyn Disk, header: Header, carried: &Carried, bytes: u64) -> io::Result<Active> {
    let chain = std::cell::Cell::new(0);
    let body = |seed: u32| {
        let mut out = Vec::new();
        let mut last = seed;
        let mut add = |kind, index, data: &[u8]| last = record::encode(&mut out, seed, last, 0, kind, index, data);
        if let Some((upto, meta)) = &carried.purged {
            add(Kind::Purge, *upto, meta);
        }
        if let Some(vote) = &carried.vote {
            add(Kind::Vote, 0, vote);
        }
        if let Some(committed) = &carried.committed {
            add(Kind::Committed, 0, committed);
        }
        chain.set(last);
        out
    };
    let (segment, offset) = Segment::create(disk, header, &body, bytes)?;
    Ok(Active {
        segment: Arc::new(segment),
        highest: None,
        body: offset,
        offset,
        synced: offset,
        allocated: bytes.max(offset),
        chain: chain.get(),
    })
}
