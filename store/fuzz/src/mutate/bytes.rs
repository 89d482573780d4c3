//! Changes of bytes that mean nothing to who makes them: flipped bits, cuts, splices, wrong lengths, long numbers.

use super::Dice;
use super::message;

/// Changes something, wherever it stands and whatever moves by it.
pub(super) fn any(dice: &mut Dice, data: &mut Vec<u8>, other: &[u8]) {
    match dice.below(9) {
        0..=2 => in_place(dice, data),
        3 => data.truncate(dice.below(data.len() + 1)),
        4 => {
            let span = dice.span(data);
            drop(data.drain(span));
        }
        5 => {
            let span = dice.span(data);
            let copied = data[span].to_vec();
            insert(dice, data, &copied);
        }
        6 => {
            let noise: Vec<u8> = (0..dice.below(9)).map(|_| dice.byte()).collect();
            insert(dice, data, &noise);
        }
        7 => splice(dice, data, other),
        _ if dice.below(2) == 0 => varint(dice, data),
        _ => digits(dice, data),
    }
}

/// Changes something and moves nothing. Bytes that are not zero are looked for: there is what means something.
pub(super) fn in_place(dice: &mut Dice, data: &mut [u8]) {
    if data.is_empty() {
        return;
    }
    let mut at = dice.below(data.len());
    for _ in 0..8 {
        if data[at] != 0 {
            break;
        }
        at = dice.below(data.len());
    }
    match dice.below(5) {
        0 => data[at] ^= 1 << dice.below(8),
        1 => data[at] = dice.byte(),
        2 => data[at] = dice.edge() as u8,
        3 => {
            let span = dice.span(data);
            let room = (data.len() - at).min(span.len());
            data.copy_within(span.start..span.start + room, at);
        }
        _ => number(dice, data, at),
    }
}

fn insert(dice: &mut Dice, data: &mut Vec<u8>, bytes: &[u8]) {
    let at = dice.below(data.len() + 1);
    drop(data.splice(at..at, bytes.iter().copied()));
}

fn splice(dice: &mut Dice, data: &mut Vec<u8>, other: &[u8]) {
    let span = dice.span(other);
    let taken = &other[span];
    if dice.below(2) == 0 {
        insert(dice, data, taken);
    } else {
        data.truncate(dice.below(data.len() + 1));
        data.extend_from_slice(taken);
    }
}

/// Takes the bytes at a place for a number, a length perhaps, and makes it a little wrong or wholly.
fn number(dice: &mut Dice, data: &mut [u8], at: usize) {
    let width = [1, 2, 4, 8][dice.below(4)];
    // The byte that was chosen is its first, or its last.
    let at = if dice.below(2) == 0 {
        at
    } else {
        (at + 1).saturating_sub(width)
    };
    let Some(place) = data.get_mut(at..at + width) else {
        return;
    };
    let big = dice.below(2) == 0;
    let mut bytes = [0; 8];
    bytes[..width].copy_from_slice(place);
    if big {
        bytes[..width].reverse();
    }
    bytes = dice.near(u64::from_le_bytes(bytes)).to_le_bytes();
    if big {
        bytes[..width].reverse();
    }
    place.copy_from_slice(&bytes[..width]);
}

/// Puts a varint in the place of a byte: a length of protobuf or of an engine's batch.
fn varint(dice: &mut Dice, data: &mut Vec<u8>) {
    let at = dice.below(data.len());
    if at >= data.len() {
        return;
    }
    let mut bytes = Vec::new();
    message::varint(&mut bytes, dice.edge());
    drop(data.splice(at..=at, bytes));
}

/// Puts another number in the place of one that is spelled out.
pub(super) fn digits(dice: &mut Dice, data: &mut Vec<u8>) {
    let from = dice.below(data.len());
    let Some(start) = data[from..].iter().position(u8::is_ascii_digit) else {
        return;
    };
    let start = from + start;
    let length = data[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    // Durations are counted in 128 bits on their way.
    let number = match dice.below(4) {
        0 => u128::MAX / [1, 2, 1_000, 1_000_000][dice.below(4)],
        1 => u128::from(dice.edge()) + 1,
        _ => u128::from(dice.edge()),
    };
    drop(data.splice(start..start + length, number.to_string().into_bytes()));
}
