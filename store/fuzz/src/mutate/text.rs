//! Changes of words in a text: runs of letters and digits, and every other character.

use super::{Dice, bytes};

/// Words that mean something somewhere.
const WORDS: [&str; 12] = [
    "", " ", "\n", "0", "-1", "null", "true", "{}", "[]", "\"\"", "\\u0000", "\u{e9}",
];

/// Changes one word, or which words there are.
pub(super) fn change(dice: &mut Dice, data: &mut Vec<u8>, other: &[u8]) {
    let mut words = split(data);
    let (at, to) = (dice.below(words.len()), dice.below(words.len()));
    match dice.below(10) {
        _ if words.is_empty() => bytes::any(dice, data, other),
        0 => {
            words.remove(at);
            *data = words.concat();
        }
        1 => {
            words.insert(to, words[at]);
            *data = words.concat();
        }
        2 => {
            words.swap(at, to);
            *data = words.concat();
        }
        3..=4 => {
            words[at] = WORDS[dice.below(WORDS.len())].as_bytes();
            *data = words.concat();
        }
        5..=6 => {
            let from = split(other);
            words[at] = from.get(dice.below(from.len())).copied().unwrap_or_default();
            *data = words.concat();
        }
        7..=8 => bytes::digits(dice, data),
        _ => bytes::any(dice, data, other),
    }
}

fn split(data: &[u8]) -> Vec<&[u8]> {
    let joined = |one: &u8, next: &u8| one.is_ascii_alphanumeric() && next.is_ascii_alphanumeric();
    data.chunk_by(joined).collect()
}
