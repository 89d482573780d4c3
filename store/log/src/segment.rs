//! One segment file, shared by the writer and by readers that may outlive its removal.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::disk::{Disk, File};
use crate::record::{self, Header, Kind, LIMIT};

/// Suffix of finished segment files.
const SUFFIX: &str = ".log";
/// Suffix of a segment that is being made; removed at open.
const UNFINISHED: &str = ".new";

/// A segment on disk.
pub(crate) struct Segment {
    pub(crate) sequence: u64,
    pub(crate) seed: u32,
    file: Arc<dyn File>,
}

/// An entry's place on disk.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) segment: Arc<Segment>,
    pub(crate) offset: u32,
    pub(crate) length: u32,
    pub(crate) index: u64,
}

impl Segment {
    pub(crate) fn new(sequence: u64, seed: u32, file: Arc<dyn File>) -> Segment {
        Segment { sequence, seed, file }
    }

    pub(crate) fn name(sequence: u64) -> String {
        format!("{sequence:020}{SUFFIX}")
    }

    /// The sequence number in a finished segment's name; None for names that [`Segment::name`] does not make.
    pub(crate) fn parse(name: &str) -> Option<u64> {
        let sequence = name.strip_suffix(SUFFIX)?.parse().ok()?;
        (sequence < LIMIT && Segment::name(sequence) == name).then_some(sequence)
    }

    pub(crate) fn is_unfinished(name: &str) -> bool {
        name.ends_with(UNFINISHED)
    }

    /// Makes a segment that already holds `body` behind its header. It gets its name only once that is on disk, so a
    /// finished segment always has a whole header.
    pub(crate) fn create(
        disk: &dyn Disk,
        header: Header,
        body: &dyn Fn(u32) -> Vec<u8>,
        bytes: u64,
    ) -> io::Result<(Segment, u64)> {
        let name = Segment::name(header.sequence);
        let unfinished = format!("{name}{UNFINISHED}");
        let head = header.encode();
        let mut seed = [0; 4];
        seed.copy_from_slice(&head[60..]);
        let seed = u32::from_le_bytes(seed);
        let mut start = head.to_vec();
        start.extend_from_slice(&body(seed));
        let file = disk.create(&unfinished, bytes.max(start.len() as u64))?;
        file.write_at(0, &start)?;
        file.sync()?;
        disk.rename(&unfinished, &name)?;
        disk.sync_dir()?;
        Ok((Segment::new(header.sequence, seed, file), start.len() as u64))
    }

    pub(crate) fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, data)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    pub(crate) fn grow(&self, bytes: u64) -> io::Result<()> {
        self.file.allocate(bytes)
    }

    /// Reads entries that lie one behind the other in this segment.
    pub(crate) fn read(&self, places: &[Place]) -> io::Result<Vec<Bytes>> {
        let (Some(first), Some(last)) = (places.first(), places.last()) else {
            return Ok(Vec::new());
        };
        let start = u64::from(first.offset);
        let end = u64::from(last.offset) + record::size(last.length as usize) as u64;
        let mut buffer = vec![0; (end - start) as usize];
        let got = self.file.read_at(start, &mut buffer)?;
        buffer.truncate(got);
        let buffer = Bytes::from(buffer);
        let mut out = Vec::with_capacity(places.len());
        for place in places {
            let at = (u64::from(place.offset) - start) as usize;
            let found = buffer.get(at..).and_then(|bytes| record::decode(bytes, self.seed));
            match found {
                Some(found) if found.kind == Kind::Entry && found.index == place.index => {
                    out.push(buffer.slice_ref(found.payload));
                }
                _ => return Err(self.rotten(place)),
            }
        }
        Ok(out)
    }

    fn rotten(&self, place: &Place) -> io::Error {
        let file = Segment::name(self.sequence);
        let text = format!(
            "raft log file {file} is damaged at byte {}: entry {} is not there",
            place.offset, place.index
        );
        io::Error::new(io::ErrorKind::InvalidData, text)
    }
}
