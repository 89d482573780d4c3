//! Base64 as JSON carries bytes: the standard alphabet with padding, which the schema has checked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Writes bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// How many bytes a text stands for.
pub(crate) fn decoded_len(text: &str) -> usize {
    let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
    (text.len() / 4 * 3).saturating_sub(padding.min(2))
}

/// Reads bytes; none where it is no base64, which the schema has told.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{decode, decoded_len, encode};

    #[test]
    fn bytes_come_back_as_they_were() {
        for (bytes, text) in [
            ("", ""),
            ("v", "dg=="),
            ("va", "dmE="),
            ("val", "dmFs"),
            ("value", "dmFsdWU="),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text), bytes.as_bytes());
            assert_eq!(decoded_len(text), bytes.len());
        }
    }
}
