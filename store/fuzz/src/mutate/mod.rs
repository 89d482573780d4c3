//! A small mutator that always makes the same of the same seed, and that knows how inputs are put together.
//!
//! Noise over whole inputs seldom gets past the first length. So most changes are made inside: in one piece of several,
//! in one field of a message, at one place of a file, with all lengths around it made right again. The others are made
//! blindly, for what a decoder does with lengths that are wrong.

mod bytes;
mod dice;
mod message;
mod text;

pub use dice::Dice;

use crate::{LONGEST, pieces};

/// How the inputs of a target are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Text.
    Text,
    /// Everything stands at its place, as in a file of pages: what grows in the middle breaks all behind it.
    Places,
    /// So many bytes, then one message of protobuf.
    Message(usize),
    /// So many bytes, then pieces, see [`pieces`].
    Pieces(usize),
    /// So many bytes, then pieces, in each of which everything stands at its place.
    Files(usize),
}

/// Changes `input` in one to four ways; `other` is what a splice takes from.
#[must_use]
pub fn mutate(dice: &mut Dice, shape: Shape, input: &[u8], other: &[u8]) -> Vec<u8> {
    let mut data = input.to_vec();
    let blind = dice.below(8) == 0;
    for _ in 0..=dice.below(4) {
        match shape {
            _ if blind => bytes::any(dice, &mut data, other),
            Shape::Text => text::change(dice, &mut data, other),
            Shape::Places => bytes::in_place(dice, &mut data),
            Shape::Message(head) => behind(dice, head, &mut data, |dice, rest| one(dice, rest, other)),
            Shape::Pieces(head) | Shape::Files(head) => behind(dice, head, &mut data, |dice, rest| {
                let from = other.get(head..).unwrap_or_default();
                several(dice, rest, from, matches!(shape, Shape::Files(_)));
            }),
        }
        data.truncate(LONGEST);
    }
    data
}

/// Changes what stands behind the head, or now and then the head.
fn behind(dice: &mut Dice, head: usize, data: &mut Vec<u8>, change: impl FnOnce(&mut Dice, &mut Vec<u8>)) {
    let mut rest = data.split_off(head.min(data.len()));
    if dice.below(16) == 0 {
        bytes::in_place(dice, data);
    } else {
        change(dice, &mut rest);
    }
    data.append(&mut rest);
}

/// Changes one thing in any way.
fn one(dice: &mut Dice, data: &mut Vec<u8>, other: &[u8]) {
    match dice.below(8) {
        0 => bytes::any(dice, data, other),
        1 => bytes::in_place(dice, data),
        2 => text::change(dice, data, other),
        _ => {
            if !message::change(dice, data) {
                bytes::any(dice, data, other);
            }
        }
    }
}

/// Changes one piece, or which pieces there are.
fn several(dice: &mut Dice, data: &mut Vec<u8>, other: &[u8], places: bool) {
    let mut parts: Vec<Vec<u8>> = pieces::split(data).map(<[u8]>::to_vec).collect();
    let (at, to) = (dice.below(parts.len()), dice.below(parts.len()));
    let from: Vec<&[u8]> = pieces::split(other).collect();
    let taken = from.get(dice.below(from.len())).copied().unwrap_or_default();
    match dice.below(16) {
        _ if parts.is_empty() => parts.push(taken.to_vec()),
        0 => drop(parts.remove(at)),
        1 => parts.insert(to, parts[at].clone()),
        2 => parts.swap(at, to),
        3 => parts.insert(to, taken.to_vec()),
        _ if places => {
            // A name is short, and seldom what matters.
            let at = if parts[to].len() > parts[at].len() { to } else { at };
            bytes::in_place(dice, &mut parts[at]);
        }
        _ => one(dice, &mut parts[at], taken),
    }
    *data = pieces::join(parts);
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [Shape; 5] = [
        Shape::Text,
        Shape::Places,
        Shape::Message(1),
        Shape::Pieces(1),
        Shape::Files(1),
    ];

    #[test]
    fn the_same_seed_makes_the_same() {
        for shape in SHAPES {
            let made = |seed| {
                let mut dice = Dice::new(seed);
                let mut one = || mutate(&mut dice, shape, b"a seed of some length 17", b"another");
                (0..500).map(|_| one()).collect::<Vec<_>>()
            };
            assert_eq!(made(7), made(7));
            assert_ne!(made(7), made(8));
            assert!(made(7).iter().any(|one| one.len() < 24) && made(7).iter().any(|one| one.len() > 24));
        }
    }

    #[test]
    fn nothing_is_too_short_or_too_long() {
        let mut dice = Dice::new(1);
        let long = vec![0; LONGEST];
        for shape in SHAPES {
            for _ in 0..2_000 {
                drop(mutate(&mut dice, shape, b"", b""));
                drop(mutate(&mut dice, shape, b"x", b""));
            }
            assert!((0..20).all(|_| mutate(&mut dice, shape, &long, &long).len() <= LONGEST));
        }
    }

    #[test]
    fn pieces_beside_the_changed_one_stay_whole() {
        let mut dice = Dice::new(3);
        let whole = pieces::join([&b"the first piece"[..], b"the second", b"the third piece of all"]);
        let input = [&[0][..], &whole].concat();
        let kept = (0..1_000).filter(|_| {
            let made = mutate(&mut dice, Shape::Pieces(1), &input, &input);
            pieces::split(made.get(1..).unwrap_or_default()).any(|piece| piece == b"the third piece of all")
        });
        assert!(kept.count() > 500);
    }
}
