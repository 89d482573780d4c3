//! Randomness as a value that is handed in: the system's, and one that repeats itself from a seed.

use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

/// The only source of randomness; shared as `Arc<dyn Random>`.
pub trait Random: Send + Sync + 'static {
    /// Any of the 2^64 values.
    fn u64(&self) -> u64;
    /// Fills `bytes` with random ones.
    fn fill(&self, bytes: &mut [u8]);
    /// A value below `bound`, or zero when `bound` is zero.
    fn below(&self, bound: u64) -> u64 {
        // The high half of the product has a bias below 2^-64 times the bound: nothing for timeouts and choices.
        ((u128::from(self.u64()) * u128::from(bound)) >> 64) as u64
    }
}

/// Cryptographically strong randomness seeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn u64(&self) -> u64 {
        rand::rng().next_u64()
    }

    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// The same values for the same seed; for tests and simulations, never for secrets.
#[derive(Debug)]
pub struct Seeded {
    state: Mutex<StdRng>,
}

impl Seeded {
    /// A source that repeats itself for each `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            state: Mutex::new(StdRng::seed_from_u64(seed)),
        }
    }
}

impl Random for Seeded {
    fn u64(&self) -> u64 {
        self.state.lock().next_u64()
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.state.lock().fill_bytes(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself() {
        let draw = |seed| {
            (0..8)
                .map(|_| 0)
                .scan(Seeded::new(seed), |r, _| Some(r.u64()))
                .collect::<Vec<u64>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn below_stays_below() {
        let random = Seeded::new(1);
        assert!((0..1000).all(|_| random.below(3) < 3));
        assert_eq!(random.below(0), 0);
        assert_eq!(random.below(1), 0);
    }

    #[test]
    fn the_system_fills_every_byte() {
        let mut bytes = [0u8; 64];
        SystemRandom.fill(&mut bytes);
        assert!(bytes.iter().any(|byte| *byte != 0));
        assert_ne!(SystemRandom.u64(), SystemRandom.u64());
    }
}
