//! Base64 as Go reads it (`RawURLEncoding`): line ends count for nothing, and neither do the last bits that make no byte.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

const LENIENT: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// The bytes that letters stand for.
///
/// # Errors
/// Where the first stands that makes no sense.
pub(super) fn decode(text: &[u8]) -> Result<Vec<u8>, usize> {
    let letters = text.iter().copied().filter(|letter| !is_line_end(*letter));
    let letters: Vec<u8> = letters.collect();
    LENIENT.decode(letters).map_err(|_| illegal_at(text))
}

fn is_line_end(letter: u8) -> bool {
    matches!(letter, b'\r' | b'\n')
}

/// Where the first letter stands that is none; where all are, the last is one too many.
fn illegal_at(text: &[u8]) -> usize {
    let is_known = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_') || is_line_end(letter);
    let strange = text.iter().position(|letter| !is_known(*letter));
    strange.unwrap_or(text.len().saturating_sub(1))
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
