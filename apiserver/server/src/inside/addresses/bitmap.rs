//! Which parts of a range are taken, a bit for each; written as upstream writes it: one big number, its highest byte first.

use base::random::Random;

/// A range with so many parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bitmap {
    /// Lowest first; bits at and beyond `size` are zero.
    bytes: Vec<u8>,
    size: usize,
}

impl Bitmap {
    /// A range of which nothing is taken.
    pub(super) fn new(size: usize) -> Self {
        Self {
            bytes: vec![0; size.div_ceil(8)],
            size,
        }
    }

    /// A range as it was written. What lies beyond it is dropped.
    pub(super) fn from_bytes(size: usize, written: &[u8]) -> Self {
        let mut bitmap = Self::new(size);
        for (byte, value) in bitmap.bytes.iter_mut().zip(written.iter().rev()) {
            *byte = *value;
        }
        if let Some(last) = bitmap.bytes.last_mut().filter(|_| !size.is_multiple_of(8)) {
            *last &= (1 << (size % 8)) - 1;
        }
        bitmap
    }

    /// As it is written: without zeroes in front.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let zeroes = self.bytes.iter().rev().take_while(|byte| **byte == 0).count();
        let used = self.bytes.len() - zeroes;
        self.bytes[..used].iter().rev().copied().collect()
    }

    /// Whether a part is taken; one beyond the range never is.
    pub(super) fn has(&self, at: usize) -> bool {
        self.bytes.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
    }

    /// Takes a part of the range; says whether it was free.
    pub(super) fn take(&mut self, at: usize) -> bool {
        let free = at < self.size && !self.has(at);
        if free {
            self.bytes[at / 8] |= 1 << (at % 8);
        }
        free
    }

    /// Gives a part back.
    pub(super) fn give_back(&mut self, at: usize) {
        if let Some(byte) = self.bytes.get_mut(at / 8) {
            *byte &= !(1 << (at % 8));
        }
    }

    /// The parts that are taken.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        (0..self.size).filter(|at| self.has(*at))
    }

    /// Takes any part by chance: one of the first `band` only where no other is free.
    pub(super) fn take_any(&mut self, band: usize, random: &dyn Random) -> Option<usize> {
        let found = self
            .free_between(band, self.size, random)
            .or_else(|| self.free_between(0, band.min(self.size), random))?;
        self.take(found).then_some(found)
    }

    fn free_between(&self, from: usize, to: usize, random: &dyn Random) -> Option<usize> {
        let size = to.saturating_sub(from);
        let start = random.below(size as u64) as usize;
        let mut all = (start..size).chain(0..start).map(|at| from + at);
        all.find(|at| !self.has(*at))
    }
}

#[cfg(test)]
mod tests {
    use base::random::Seeded;

    use super::Bitmap;

    #[test]
    fn it_is_written_as_one_big_number() {
        let mut bitmap = Bitmap::new(20);
        assert_eq!(bitmap.to_bytes(), [0_u8; 0]);
        assert!(bitmap.take(0) && bitmap.take(9) && !bitmap.take(9));
        assert_eq!(bitmap.to_bytes(), [0b10, 0b1]);
        assert_eq!(Bitmap::from_bytes(20, &[0b10, 0b1]), bitmap);
        assert_eq!(bitmap.iter().collect::<Vec<_>>(), [0, 9]);
        bitmap.give_back(9);
        bitmap.give_back(1000);
        assert_eq!(bitmap.to_bytes(), [1]);
    }

    #[test]
    fn what_lies_beyond_the_range_is_dropped() {
        let bitmap = Bitmap::from_bytes(10, &[0xff; 4]);
        assert_eq!(bitmap.iter().count(), 10);
        let mut bitmap = bitmap;
        assert!(!bitmap.take(10) && !bitmap.has(10));
        assert_eq!(bitmap.take_any(3, &Seeded::new(1)), None);
    }

    #[test]
    fn the_lower_band_comes_last() {
        let (mut bitmap, random) = (Bitmap::new(24), Seeded::new(3));
        let taken: Vec<usize> = std::iter::from_fn(|| bitmap.take_any(8, &random)).collect();
        assert_eq!(taken.len(), 24);
        assert!(taken[..16].iter().all(|at| *at >= 8) && taken[16..].iter().all(|at| *at < 8));
    }
}
