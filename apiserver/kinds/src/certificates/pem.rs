//! Blocks of PEM (RFC 1421) as Go finds them: text between them, and blocks that are malformed, are passed over.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

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

/// All blocks of a text.
pub fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let kind = line.trim_end().strip_prefix(BEGIN);
        let Some(kind) = kind.and_then(|rest| rest.strip_suffix(DASHES)) else {
            continue;
        };
        let mut headers = false;
        while lines.next_if(|line| line.contains(':')).is_some() {
            headers = true;
        }
        let mut data = String::new();
        while let Some(line) = lines.next_if(|line| !line.starts_with(DASHES)) {
            data.extend(line.chars().filter(|letter| !letter.is_ascii_whitespace()));
        }
        let end = lines.peek().map(|line| line.trim_end());
        let ends =
            end.is_some_and(|line| line.strip_prefix(END).and_then(|rest| rest.strip_suffix(DASHES)) == Some(kind));
        if let (true, Ok(bytes)) = (ends, STANDARD.decode(data)) {
            let kind = kind.to_owned();
            found.push(Block { kind, headers, bytes });
        }
    }
    found
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
}
