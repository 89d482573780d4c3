//! Blocks of PEM (RFC 1421) as Go finds them: text between them, and blocks that are malformed, are passed over.

use base64::Engine;
use base64::alphabet;
use base64::engine::{GeneralPurpose, general_purpose};

const BEGIN: &str = "-----BEGIN ";
/// An end begins a line.
const END: &str = "\n-----END ";
const DASHES: &str = "-----";
/// Bits that are left over in the last letter may be anything.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    general_purpose::PAD.with_decode_allow_trailing_bits(true),
);

/// A block.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// `CERTIFICATE`.
    pub kind: String,
    /// Whether anything stands before the data.
    pub headers: bool,
    /// The data.
    pub bytes: Vec<u8>,
}

/// All blocks of a text. What signs and what trusts finds the same ones, to the letter: a block that only one of them sees
/// would be checked here and another be signed there.
pub fn blocks(text: &str) -> Vec<Block> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once(END) {
        found.extend(block(before, after));
        rest = after;
    }
    found
}

/// Whether more than one block may begin in a text, well-formed or not.
pub fn has_several(text: &str) -> bool {
    text.matches(BEGIN).nth(1).is_some()
}

/// The block between the last beginning before an end and what stands behind that end.
fn block(before: &str, after: &str) -> Option<Block> {
    let begin = before.rfind(BEGIN)?;
    let (earlier, text) = (&before[..begin], &before[begin + BEGIN.len()..]);
    if !earlier.is_empty() && !earlier.ends_with('\n') {
        return None;
    }
    let (first, mut rest) = line(text);
    let kind = first.strip_suffix(DASHES)?;
    let mut headers = false;
    while let Some(text) = rest {
        let (line, next) = line(text);
        if !line.contains(':') {
            break;
        }
        headers = true;
        // There is a line before the end where there are headers.
        rest = Some(next?);
    }
    let (end, _) = line(after);
    if end.strip_prefix(kind)? != DASHES {
        return None;
    }
    let mut data = rest.unwrap_or_default().as_bytes().to_vec();
    data.retain(|byte| !b" \t\r\n".contains(byte));
    Some(Block {
        kind: kind.to_owned(),
        headers,
        bytes: BASE64.decode(data).ok()?,
    })
}

/// The first line of a text, without the blanks at its end, and what follows it.
fn line(text: &str) -> (&str, Option<&str>) {
    let (line, next) = match text.split_once('\n') {
        Some((line, next)) => (line.strip_suffix('\r').unwrap_or(line), Some(next)),
        None => (text, None),
    };
    (line.trim_end_matches([' ', '\t']), next)
}

#[cfg(test)]
mod tests {
    use super::{Block, blocks};

    #[test]
    fn blocks_are_found_among_other_text() {
        let text = "x\n-----BEGIN A-----\nAQ\nI=\n-----END A-----\ny\n-----BEGIN B-----\nk: v\n\nAw==\n-----END B-----";
        let block = |kind: &str, headers, bytes: &[u8]| Block {
            kind: kind.to_owned(),
            headers,
            bytes: bytes.to_vec(),
        };
        assert_eq!(blocks(text), [block("A", false, &[1, 2]), block("B", true, &[3])]);
    }

    #[test]
    fn malformed_blocks_are_passed_over() {
        for text in [
            "",
            "-----BEGIN A-----",
            "-----BEGIN A-----\nAQI=\n-----END B-----",
            "-----BEGIN A-----\n!\n-----END A-----",
            "-----BEGIN A\nAQI=\n-----END A-----",
        ] {
            assert_eq!(blocks(text), [], "{text}");
        }
        let text = "-----BEGIN A-----\n-----BEGIN B-----\nAQI=\n-----END B-----";
        assert_eq!(blocks(text)[0].kind, "B");
    }

    #[test]
    fn what_one_reader_takes_all_take() {
        for text in [
            "-----BEGIN A----- \t\r\nAQI=\r\n-----END A-----\t\r\n",
            "-----BEGIN A-----\nAQJ=\n-----END A-----",
            "-----BEGIN A-----\n A\tQI =\n\n-----END A-----",
        ] {
            assert_eq!(blocks(text).len(), 1, "{text:?}");
            assert_eq!(blocks(text)[0].bytes, [1, 2], "{text:?}");
        }
        for text in [
            "-----BEGIN A-----\u{c}\nAQI=\n-----END A-----",
            "-----BEGIN A-----\u{a0}\nAQI=\n-----END A-----",
            "-----BEGIN A-----\nAQ\u{c}I=\n-----END A-----",
            "-----BEGIN A-----\nAQI=\n-----END A-----\u{c}\n",
            "-----BEGIN A-----\nAQI=\n-----END A----- x",
            "-----BEGIN A-----\n-----END x: y\n\nAQI=\n-----END A-----",
            "-----BEGIN A-----\nk: v\n-----END A-----",
            " -----BEGIN A-----\nAQI=\n-----END A-----",
        ] {
            assert_eq!(blocks(text), [], "{text:?}");
        }
        assert_eq!(blocks("-----BEGIN A-----\n-----END A-----")[0].bytes, [0_u8; 0]);
    }
}
