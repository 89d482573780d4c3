//! Keys and values: of fixed size, from a seed, written into place without formatting.

use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};

/// Values are cut out of so many random bytes, so that none can be compressed.
const POOL_BYTES: usize = 1 << 20;

/// In which order keys are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Any of them, each as likely as the others.
    Random,
    /// One after another, over all clients.
    Sequential,
}

/// A key space: a prefix and a number of fixed width.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    prefix: Vec<u8>,
    digits: usize,
    /// How many keys there are.
    pub(crate) count: u64,
    order: Order,
}

impl Keys {
    /// `count` keys of `size` bytes below `prefix`; longer if the number does not fit.
    pub(crate) fn new(prefix: &str, size: usize, count: u64, order: Order) -> Self {
        let needed = count.max(1).ilog10() as usize + 1;
        Self {
            prefix: prefix.as_bytes().to_vec(),
            digits: size.saturating_sub(prefix.len()).max(needed),
            count: count.max(1),
            order,
        }
    }

    /// The same keys taken in another order.
    #[must_use]
    pub(crate) fn ordered(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// Bytes of each key.
    pub(crate) fn size(&self) -> usize {
        self.prefix.len() + self.digits
    }

    /// What all keys begin with.
    pub(crate) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// The end of the range that holds all keys.
    pub(crate) fn end(&self) -> Vec<u8> {
        prefix_end(&self.prefix)
    }

    /// The key with this number.
    pub(crate) fn key(&self, number: u64) -> Vec<u8> {
        let mut key = vec![0; self.size()];
        self.write(number, &mut key);
        key
    }

    /// Writes the key with this number into its place.
    pub(crate) fn write(&self, mut number: u64, place: &mut [u8]) {
        let (prefix, digits) = place.split_at_mut(self.prefix.len());
        prefix.copy_from_slice(&self.prefix);
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
    }

    /// The number to take when `turn` requests were sent before.
    pub(crate) fn pick(&self, turn: u64, random: &mut StdRng) -> u64 {
        match self.order {
            Order::Random => random.random_range(0..self.count),
            Order::Sequential => turn % self.count,
        }
    }
}

/// The first key after all that begin with `prefix`.
pub(crate) fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return end;
        }
    }
    vec![0]
}

/// Values of one size. Clones share the bytes that values are cut from.
#[derive(Clone)]
pub(crate) struct Values {
    pool: Arc<[u8]>,
    /// Bytes of each value.
    pub(crate) size: usize,
}

impl Values {
    /// Values of `size` bytes.
    pub(crate) fn new(size: usize, seed: u64) -> Self {
        let mut pool = vec![0; POOL_BYTES.max(2 * size)];
        StdRng::seed_from_u64(seed).fill_bytes(&mut pool);
        Self {
            pool: pool.into(),
            size,
        }
    }

    /// Writes any value into its place.
    pub(crate) fn write(&self, random: &mut StdRng, place: &mut [u8]) {
        let from = random.random_range(0..=self.pool.len() - place.len());
        place.copy_from_slice(&self.pool[from..from + place.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_one_size_and_their_order() {
        let keys = Keys::new("bench/", 12, 1000, Order::Sequential);
        assert_eq!(keys.key(7), b"bench/000007");
        assert_eq!(keys.end(), b"bench0");
        assert_eq!(Keys::new("bench/", 4, 1000, Order::Random).key(999), b"bench/0999");
        let mut random = StdRng::seed_from_u64(1);
        assert_eq!(keys.pick(1005, &mut random), 5);
        let any = Keys::new("k", 4, 3, Order::Random);
        assert!((0..100).all(|turn| any.pick(turn, &mut random) < 3));
    }

    #[test]
    fn the_end_of_a_prefix_is_beyond_it() {
        assert_eq!(prefix_end(b"a"), b"b");
        assert_eq!(prefix_end(b"a\xff"), b"b");
        assert_eq!(prefix_end(b"\xff"), [0]);
    }

    #[test]
    fn values_differ_and_repeat_with_the_seed() {
        let values = Values::new(64, 5);
        let draw = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            let mut place = [0; 64];
            values.write(&mut random, &mut place);
            place
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
