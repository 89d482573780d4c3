//! A file: what is read of it, what is on the disk, and the changes in between that no sync has asked for yet.

use rand::Rng;
use rand::rngs::StdRng;

use super::Loss;
use super::image::Image;

/// A disk writes whole sectors; a write that is interrupted ends between two.
const SECTOR: u64 = 512;
/// A file with more unsynced bytes, or more changes, than this is synced by itself: systems write back what has waited
/// for long, and logs that nobody syncs shall not fill the memory.
const PENDING_BYTES_MAX: u64 = 32 << 20;
const PENDING_CHANGES_MAX: usize = 50_000;

/// A change that a power cut may take.
#[derive(Clone, Debug)]
enum Change {
    Write { offset: u64, data: Vec<u8> },
    Resize(u64),
    Zero { from: u64, to: u64 },
}

impl Change {
    fn apply(&self, image: &mut Image) {
        match self {
            Self::Write { offset, data } => image.write(*offset, data),
            Self::Resize(bytes) => image.resize(*bytes),
            Self::Zero { from, to } => image.zero(*from, *to),
        }
    }
}

/// A regular file.
#[derive(Clone, Debug, Default)]
pub(super) struct File {
    live: Image,
    durable: Image,
    pending: Vec<Change>,
    pending_bytes: u64,
    /// Bytes from the start for which there is room, whether or not they were written.
    reserved: u64,
}

impl File {
    /// What is read.
    pub(super) const fn live(&self) -> &Image {
        &self.live
    }

    /// Room on the disk that it takes.
    pub(super) fn room(&self) -> u64 {
        self.live.room().max(self.reserved)
    }

    /// Room that it would take if these bytes were written.
    pub(super) fn room_with(&self, offset: u64, length: u64) -> u64 {
        (self.live.room() + self.live.room_for(offset, length)).max(self.reserved)
    }

    /// Writes bytes.
    pub(super) fn write(&mut self, offset: u64, data: &[u8]) {
        let data = data.to_vec();
        self.change(Change::Write { offset, data });
    }

    /// Cuts it off, or adds zeros.
    pub(super) fn resize(&mut self, bytes: u64) {
        self.reserved = self.reserved.min(bytes);
        self.change(Change::Resize(bytes));
    }

    /// Makes bytes zeros and gives their room back.
    pub(super) fn zero(&mut self, from: u64, to: u64) {
        self.change(Change::Zero { from, to });
    }

    /// Keeps room for so many bytes from the start, and makes it so long if it is asked for.
    pub(super) fn reserve(&mut self, end: u64, grow: bool) {
        self.reserved = self.reserved.max(end);
        if grow && end > self.live.bytes() {
            self.change(Change::Resize(end));
        }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.live);
        if let Change::Write { data, .. } = &change {
            self.pending_bytes += data.len() as u64;
        }
        self.pending.push(change);
        if self.pending_bytes > PENDING_BYTES_MAX || self.pending.len() > PENDING_CHANGES_MAX {
            self.sync();
        }
    }

    /// Puts on the disk what is read now. Whole pages are written, with all that is in them: also bytes that an earlier
    /// sync failed to write.
    pub(super) fn sync(&mut self) {
        self.durable.resize(self.live.bytes());
        for change in self.pending.drain(..) {
            let (from, to) = match change {
                Change::Write { offset, data } => (offset, offset + data.len() as u64),
                Change::Resize(bytes) => (bytes.saturating_sub(1), self.live.bytes()),
                Change::Zero { from, to } => (from, to),
            };
            self.durable.share(&self.live, from, to.min(self.live.bytes()));
        }
        self.pending_bytes = 0;
    }

    /// A sync fails as real ones do: what it should have written is still read, but counts as written and is not.
    pub(super) fn fail_sync(&mut self) {
        self.pending.clear();
        self.pending_bytes = 0;
    }

    /// The power fails: what is read now is what is on the disk. How many changes are lost, whole or in part.
    pub(super) fn power_loss(&mut self, loss: Loss, random: &mut StdRng) -> u64 {
        let pending = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        let mut lost = 0;
        match loss {
            Loss::Everything => lost = pending.len() as u64,
            Loss::Some => {
                for change in &pending {
                    if random.random_bool(0.5) {
                        change.apply(&mut self.durable);
                    } else {
                        lost += 1;
                    }
                }
            }
            Loss::Torn => {
                let whole = random.random_range(0..=pending.len());
                for change in &pending[..whole] {
                    change.apply(&mut self.durable);
                }
                if let Some(Change::Write { offset, data }) = pending.get(whole) {
                    self.durable.write(*offset, torn(*offset, data, random));
                }
                lost = (pending.len() - whole) as u64;
            }
        }
        self.live = self.durable.clone();
        self.reserved = self.reserved.min(self.live.bytes());
        lost
    }

    /// How many changes a power cut could take.
    #[cfg(test)]
    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }
}

/// The part of a write that reached the disk: some of its sectors from the first on, never all.
fn torn<'a>(offset: u64, data: &'a [u8], random: &mut StdRng) -> &'a [u8] {
    let end = offset + data.len() as u64;
    // Sector borders within the write, its own start among them if it is one.
    let (first, last) = (offset.div_ceil(SECTOR), end.div_ceil(SECTOR));
    if first >= last {
        return &[];
    }
    let border = random.random_range(first..last) * SECTOR;
    &data[..(border - offset) as usize]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    const ALL: usize = 1 << 20;

    fn random(seed: u64) -> StdRng {
        StdRng::seed_from_u64(seed)
    }

    fn content(file: &File) -> Vec<u8> {
        file.live().read(0, ALL)
    }

    #[test]
    fn what_was_synced_stays_and_the_rest_is_lost() {
        let mut file = File::default();
        file.write(0, b"durable");
        file.sync();
        file.write(0, b"LOST");
        file.write(7, b" and longer");
        assert_eq!(content(&file), b"LOSTble and longer");
        assert_eq!(file.power_loss(Loss::Everything, &mut random(1)), 2);
        assert_eq!(content(&file), b"durable");
        assert_eq!(file.power_loss(Loss::Everything, &mut random(1)), 0);
    }

    #[test]
    fn a_failed_sync_is_not_made_good_by_the_next() {
        let mut file = File::default();
        file.write(0, &[1; 8192]);
        file.fail_sync();
        file.sync();
        assert_eq!(content(&file), [1; 8192], "it is still read");
        file.power_loss(Loss::Everything, &mut random(1));
        assert_eq!(
            content(&file),
            [0; 8192],
            "its length was journalled, its bytes were dropped"
        );
    }

    #[test]
    fn cutting_off_is_a_change_too() {
        let mut file = File::default();
        file.write(0, &[7; 5000]);
        file.sync();
        file.resize(100);
        file.write(200, b"x");
        let mut cut = file.clone();
        cut.sync();
        cut.power_loss(Loss::Everything, &mut random(1));
        assert_eq!(content(&cut), content(&file), "synced");
        file.power_loss(Loss::Everything, &mut random(1));
        assert_eq!(content(&file), [7; 5000], "not synced");
    }

    #[test]
    fn a_torn_write_ends_between_two_sectors() {
        let data = vec![1; 2000];
        for seed in 0..50 {
            let kept = torn(300, &data, &mut random(seed)).len() as u64;
            assert!((300 + kept).is_multiple_of(SECTOR) && kept < 2000, "{kept}");
        }
        assert!(torn(10, b"within a sector", &mut random(1)).is_empty());
        assert!(torn(512, b"", &mut random(1)).is_empty());
    }

    #[test]
    fn room_is_kept_for_what_was_reserved() {
        let mut file = File::default();
        file.reserve(1 << 20, true);
        assert_eq!((file.room(), file.live().bytes()), (1 << 20, 1 << 20));
        assert_eq!(file.room_with(4096, 4096), 1 << 20);
        assert_eq!(
            file.room_with(1 << 20, 1),
            1 << 20,
            "its pages take less than what is reserved"
        );
        file.resize(4096);
        assert_eq!(file.room(), 4096);
    }

    #[test]
    fn a_file_that_nobody_syncs_is_written_back_in_the_end() {
        let mut file = File::default();
        for n in 0..40 {
            file.write(n << 20, &vec![1; 1 << 20]);
        }
        assert!(file.pending() < 40);
    }

    proptest! {
        /// Each byte is one that was written there, or the durable one; and what was synced is not older than the sync.
        #[test]
        fn no_byte_comes_from_nowhere(
            synced in prop::collection::vec((0..3000_u64, 1..200_u8, 1..900_usize), 0..6),
            lost in prop::collection::vec((0..3000_u64, 1..200_u8, 1..900_usize), 0..6),
            seed in any::<u64>(),
            loss in prop::sample::select(vec![Loss::Everything, Loss::Some, Loss::Torn]),
        ) {
            let mut file = File::default();
            for (offset, byte, length) in &synced {
                file.write(*offset, &vec![*byte; *length]);
            }
            file.sync();
            let durable = content(&file);
            for (offset, byte, length) in &lost {
                file.write(*offset, &vec![*byte; *length]);
            }
            file.power_loss(loss, &mut random(seed));
            let after = content(&file);
            prop_assert!(after.len() >= durable.len());
            for (at, byte) in after.iter().enumerate() {
                let base = durable.get(at).copied().unwrap_or(0);
                let written = lost.iter().any(|(offset, new, length)| {
                    (*offset..*offset + *length as u64).contains(&(at as u64)) && new == byte
                });
                prop_assert!(*byte == base || (written && loss != Loss::Everything), "byte {} is {}", at, byte);
            }
            prop_assert_eq!(file.pending(), 0);
        }
    }
}
