//! Changes of one field of a protobuf message, at any depth, with all lengths around it made right.

use super::{Dice, bytes};

/// Messages in messages that are looked into.
const DEPTH: usize = 12;
/// Bytes before a message that are looked at: a letter, a number, a key with its length.
const BEFORE: usize = 48;

enum Value {
    Number(u64),
    Fixed(Vec<u8>),
    Bytes(Vec<u8>),
}

struct Field {
    number: u64,
    value: Value,
}

/// Changes the message that `data` is, or ends with. Answers whether there was one.
pub(super) fn change(dice: &mut Dice, data: &mut Vec<u8>) -> bool {
    // Mostly all of it is the message; what looks like one further on may be one, too.
    let first = if dice.below(4) == 0 { dice.below(BEFORE) } else { 0 };
    for start in first..data.len().min(BEFORE) {
        if let Some(fields) = read(&data[start..]) {
            let mut rest = Vec::new();
            write(&mut rest, &changed(dice, fields, DEPTH));
            data.truncate(start);
            data.append(&mut rest);
            return true;
        }
    }
    false
}

fn changed(dice: &mut Dice, mut fields: Vec<Field>, depth: usize) -> Vec<Field> {
    let at = dice.below(fields.len());
    match dice.below(12) {
        0 => drop(fields.remove(at)),
        1 => {
            let to = dice.below(fields.len());
            fields.swap(at, to);
        }
        // A field that the message does not know, one that comes twice, or one that says what is said by saying nothing.
        2 => fields.insert(at, added(dice)),
        _ => {
            let field = &mut fields[at];
            match &mut field.value {
                Value::Number(number) => *number = dice.near(*number),
                Value::Fixed(fixed) => bytes::in_place(dice, fixed),
                Value::Bytes(content) => inside(dice, content, depth),
            }
        }
    }
    fields
}

fn inside(dice: &mut Dice, content: &mut Vec<u8>, depth: usize) {
    if depth > 0
        && dice.below(8) != 0
        && let Some(fields) = read(content)
    {
        content.clear();
        write(content, &changed(dice, fields, depth - 1));
        return;
    }
    match dice.below(6) {
        0 => content.clear(),
        1..=2 => bytes::in_place(dice, content),
        _ => bytes::any(dice, content, b"\0b\xffroot"),
    }
}

fn added(dice: &mut Dice) -> Field {
    let value = match dice.below(3) {
        0 => Value::Bytes(Vec::new()),
        1 => Value::Number(0),
        _ => Value::Number(dice.edge()),
    };
    Field {
        number: 1 + dice.below(20) as u64,
        value,
    }
}

/// The fields of a message that has some; none where the bytes are no message.
fn read(mut data: &[u8]) -> Option<Vec<Field>> {
    let mut fields = Vec::new();
    while !data.is_empty() {
        let key = take_varint(&mut data)?;
        let value = match key & 7 {
            0 => Value::Number(take_varint(&mut data)?),
            1 => Value::Fixed(take(&mut data, 8)?),
            2 => {
                let length = usize::try_from(take_varint(&mut data)?).ok()?;
                Value::Bytes(take(&mut data, length)?)
            }
            5 => Value::Fixed(take(&mut data, 4)?),
            _ => return None,
        };
        let number = key >> 3;
        if !(1..=1_000).contains(&number) {
            return None;
        }
        fields.push(Field { number, value });
    }
    (!fields.is_empty()).then_some(fields)
}

fn take(data: &mut &[u8], length: usize) -> Option<Vec<u8>> {
    let (taken, rest) = data.split_at_checked(length)?;
    *data = rest;
    Some(taken.to_vec())
}

fn take_varint(data: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = data.split_first()?;
        *data = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn write(out: &mut Vec<u8>, fields: &[Field]) {
    for field in fields {
        let key = field.number << 3;
        match &field.value {
            Value::Number(number) => {
                varint(out, key);
                varint(out, *number);
            }
            Value::Fixed(fixed) => {
                varint(out, key | if fixed.len() == 8 { 1 } else { 5 });
                out.extend_from_slice(fixed);
            }
            Value::Bytes(content) => {
                varint(out, key | 2);
                varint(out, content.len() as u64);
                out.extend_from_slice(content);
            }
        }
    }
}

/// Writes a number as protobuf does.
pub(super) fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use proto::etcd::TxnRequest;

    use super::*;
    use crate::support::sample;

    #[test]
    fn a_message_is_written_as_it_was_read() {
        for encoded in sample::encoded() {
            let mut again = Vec::new();
            write(&mut again, &read(&encoded).unwrap());
            assert_eq!(again, encoded);
        }
        assert!(read(b"").is_none() && read(b"\x07").is_none() && read(b"\x0a\x05abc").is_none());
    }

    #[test]
    fn most_messages_can_still_be_read() {
        let mut dice = Dice::new(5);
        let encoded = sample::txn().encode_to_vec();
        let (mut good, mut same) = (0, 0);
        for _ in 0..1_000 {
            let mut data = encoded.clone();
            assert!(change(&mut dice, &mut data));
            same += usize::from(data == encoded);
            good += usize::from(TxnRequest::decode(data.as_slice()).is_ok());
        }
        assert!(
            good > 800 && same < 200,
            "{good} can be read, {same} are what they were"
        );
    }
}
