//! Percent signs in keys that travel as parts of header names (`url.PathUnescape`).

/// The text without escapes; as it is where one is not complete, for what was sent is not to be lost.
pub fn unescaped(text: &str) -> String {
    decoded(text).map_or_else(|| text.to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(if byte == b'%' {
            digit(bytes.next()?)? << 4 | digit(bytes.next()?)?
        } else {
            byte
        });
    }
    Some(out)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::unescaped;

    #[test]
    fn what_is_not_an_escape_stays() {
        assert_eq!(unescaped("example.org%2fkey%C3%A9"), "example.org/keyé");
        for text in ["plain", "50%", "%zz", "%2"] {
            assert_eq!(unescaped(text), text);
        }
    }
}
