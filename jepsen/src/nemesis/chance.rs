//! What the choices of a storm are drawn from.

use rand::RngCore;
use rand::rngs::StdRng;

/// Random numbers, and whether somebody must be spared.
pub(super) struct Chance {
    random: StdRng,
    gentle: bool,
}

impl Chance {
    pub(super) const fn new(random: StdRng) -> Self {
        Self { random, gentle: false }
    }

    /// From now on a majority is to be left where a fault can choose, or need not be.
    pub(super) const fn set_gentle(&mut self, gentle: bool) {
        self.gentle = gentle;
    }

    /// Whether a majority is to be left.
    pub(super) const fn is_gentle(&self) -> bool {
        self.gentle
    }
}

impl RngCore for Chance {
    fn next_u32(&mut self) -> u32 {
        self.random.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.random.next_u64()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.random.fill_bytes(bytes);
    }
}
