//! A log that is only looked at: nothing on the disk changes, not even what a start of its owner would mend.

use std::io;
use std::ops::Range;

use crate::disk::Disk;
use crate::error::OpenError;
use crate::held::Held;
use crate::log::{LogOptions, Record, records};
use crate::recover::{Torn, look};

/// What a log held when it was opened. Whoever writes the log must be kept out meanwhile.
pub struct View {
    held: Held,
    torn: Option<Torn>,
}

impl View {
    /// Reads the log of this cluster and member; an empty disk is a log without entries.
    ///
    /// # Errors
    /// [`OpenError`], as [`crate::Log::open`] would answer.
    pub fn open(disk: &dyn Disk, cluster_id: u64, member_id: u64) -> Result<Self, OpenError> {
        let (held, torn) = look(disk, &LogOptions::new(cluster_id, member_id))?;
        Ok(Self { held, torn })
    }

    /// What a start of the log's owner would cut off.
    pub fn torn(&self) -> Option<&Torn> {
        self.torn.as_ref()
    }

    /// Index of the oldest entry held.
    pub fn first(&self) -> Option<u64> {
        self.held.first()
    }

    /// The last index, of an entry or purged.
    pub fn last(&self) -> Option<u64> {
        self.held.last()
    }

    /// As [`crate::Log::read`].
    ///
    /// # Errors
    /// As [`crate::Log::read`].
    pub fn read(&self, range: Range<u64>, max_bytes: u64) -> io::Result<Vec<Record>> {
        let start = range.start;
        records(start, self.held.collect(range, max_bytes))
    }
}
