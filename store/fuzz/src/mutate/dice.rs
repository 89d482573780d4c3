//! A source of numbers that repeats itself (`SplitMix64`).

/// Numbers that follow from a seed alone.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The numbers of this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any of the 2^64 values.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, 0 where that is 0.
    pub const fn below(&mut self, bound: usize) -> usize {
        match bound {
            0 => 0,
            bound => (self.number() % bound as u64) as usize,
        }
    }

    pub(super) const fn byte(&mut self) -> u8 {
        self.number() as u8
    }

    /// A place in `data` and a length from there, short ones more often.
    pub(super) fn span(&mut self, data: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(data.len() + 1);
        let left = data.len() - start;
        let limit = if self.below(4) == 0 { left } else { left.min(16) };
        start..start + self.below(limit + 1)
    }

    /// A number at whose side mistakes lie.
    pub(super) const fn edge(&mut self) -> u64 {
        EDGES[self.below(EDGES.len())]
    }

    /// A number that is a little more or less than `old`, or far away.
    pub(super) const fn near(&mut self, old: u64) -> u64 {
        match self.below(4) {
            0 => old.wrapping_add(1 + self.below(16) as u64),
            1 => old.wrapping_sub(1 + self.below(16) as u64),
            2 => old ^ (1 << self.below(64)),
            _ => self.edge(),
        }
    }
}

const EDGES: [u64; 16] = [
    0,
    1,
    2,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7fff_ffff_ffff_fffe,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
];
