//! Base64 as Go reads it (`RawURLEncoding`): line ends count for nothing, and neither do the last bits that make no byte.

/// The bytes that letters stand for.
///
/// # Errors
/// Where the first stands that makes no sense.
pub(super) fn decode(text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut bits, mut letters) = (0_u32, 0_usize);
    for (at, letter) in text.iter().enumerate() {
        if matches!(letter, b'\r' | b'\n') {
            continue;
        }
        bits = bits << 6 | value(*letter).ok_or(at)?;
        letters += 1;
        if letters.is_multiple_of(4) {
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
        }
    }
    match letters % 4 {
        1 => return Err(text.len() - 1),
        2 => out.push((bits >> 4) as u8),
        3 => out.extend_from_slice(&((bits >> 2) as u16).to_be_bytes()),
        _ => {}
    }
    Ok(out)
}

/// What a letter stands for.
fn value(letter: u8) -> Option<u32> {
    let value = match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    };
    Some(value.into())
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn letters_are_read_as_go_reads_them() {
        let read = |text: &str| decode(text.as_bytes());
        assert_eq!(read(""), Ok(Vec::new()));
        assert_eq!(read("e30"), Ok(b"{}".to_vec()));
        assert_eq!(read("_-_-"), Ok(vec![0xff, 0xef, 0xfe]));
        // Bits that are left over, and line ends.
        assert_eq!((read("e31"), read("YR")), (Ok(b"{}".to_vec()), Ok(b"a".to_vec())));
        assert_eq!(read("e\r3\n0\n"), Ok(b"{}".to_vec()));
        // Padding, a letter of the other alphabet, and one that is alone.
        assert_eq!((read("e30="), read("+w"), read("!")), (Err(3), Err(0), Err(0)));
        assert_eq!((read("x"), read("e30ae"), read("x\n")), (Err(0), Err(4), Err(1)));
    }
}
