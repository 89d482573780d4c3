//! The order in which keys are written.

use std::cmp::Ordering;

/// Sorts keys as Go's package does, numbers in them by value. Its order has circles (`1a`, `5`, `12`), which the standard
/// library's sorts may refuse, so this merges by hand: whatever the order, nothing is lost.
pub(super) fn sort<T: Copy>(entries: &mut [(&str, T)]) {
    let half = entries.len() / 2;
    if half == 0 {
        return;
    }
    let (left, right) = entries.split_at_mut(half);
    sort(left);
    sort(right);
    if compare(left[half - 1].0, right[0].0).is_le() {
        return;
    }
    let (left, right) = (left.to_vec(), right.to_vec());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    for entry in entries {
        let from_right = match (left.peek(), right.peek()) {
            (Some(left), Some(right)) => compare(left.0, right.0).is_gt(),
            (left, _) => left.is_none(),
        };
        let next = if from_right { right.next() } else { left.next() };
        if let Some(next) = next {
            *entry = next;
        }
    }
}

fn compare(a: &str, b: &str) -> Ordering {
    let common = a.chars().zip(b.chars()).take_while(|(a, b)| a == b);
    let at: usize = common.map(|(letter, _)| letter.len_utf8()).sum();
    let (rest_a, rest_b) = (&a[at..], &b[at..]);
    let (Some(first_a), Some(first_b)) = (rest_a.chars().next(), rest_b.chars().next()) else {
        return a.len().cmp(&b.len());
    };
    match (first_a.is_alphabetic(), first_b.is_alphabetic()) {
        (true, true) => return first_a.cmp(&first_b),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // Zeros count where a digit stands before them, however they began.
    let before = a[..at].bytes().rev().take_while(u8::is_ascii_digit);
    let start = i64::from((first_a == '0' || first_b == '0') && before.into_iter().any(|digit| digit != b'0'));
    let number = |rest: &str| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit);
        digits.fold((start, 0), |(value, count): (i64, usize), digit| {
            (
                value.saturating_mul(10).saturating_add(i64::from(digit - b'0')),
                count + 1,
            )
        })
    };
    number(rest_a).cmp(&number(rest_b)).then(first_a.cmp(&first_b))
}
