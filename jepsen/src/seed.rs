//! Randomness: everything that a run chooses follows from one number.

use rand::SeedableRng;
use rand::rngs::StdRng;

/// A number from which the choices of a run, or of one part of it, follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seed(u64);

impl Seed {
    /// The seed with this number.
    pub(crate) const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The seed of a part: parts that are named or numbered otherwise choose otherwise, whatever the others do.
    pub(crate) fn part(self, name: &str, number: u64) -> Self {
        let mut hash = mix(self.0);
        for byte in name.bytes() {
            hash = mix(hash ^ u64::from(byte));
        }
        Self(mix(hash ^ number))
    }

    /// Its choices, from the first on.
    pub(crate) fn rng(self) -> StdRng {
        StdRng::seed_from_u64(self.0)
    }

    /// Its number.
    pub(crate) const fn number(self) -> u64 {
        self.0
    }
}

/// One step of `SplitMix64`: near numbers become far ones.
const fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use rand::RngCore;

    use super::*;

    #[test]
    fn parts_differ_and_repeat_themselves() {
        let seed = Seed::new(7);
        let parts = [
            seed.part("client", 0),
            seed.part("client", 1),
            seed.part("nemesis", 0),
            Seed::new(8).part("client", 0),
        ];
        for (place, one) in parts.iter().enumerate() {
            assert!(parts[place + 1..].iter().all(|other| other != one), "{parts:?}");
        }
        assert_eq!(seed.part("client", 1), parts[1]);
        assert_eq!(parts[1].rng().next_u64(), parts[1].rng().next_u64());
    }
}
