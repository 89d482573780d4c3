//! Several strings of bytes in one input: each behind its length, so that most of them stay whole when one is changed.

/// The pieces of an input. A length that says too much means all that is left.
pub fn split(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_le_bytes(*length)).min(after.len());
        let (piece, after) = after.split_at(length);
        rest = after;
        Some(piece)
    })
}

/// An input of these pieces. Of a piece longer than 65,535 bytes only the beginning is taken.
pub fn join<P: AsRef<[u8]>>(pieces: impl IntoIterator<Item = P>) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        let piece = piece.as_ref();
        let piece = &piece[..piece.len().min(usize::from(u16::MAX))];
        out.extend_from_slice(&(piece.len() as u16).to_le_bytes());
        out.extend_from_slice(piece);
    }
    out
}

/// A piece as text; what is none becomes a replacement character.
pub fn text(piece: &[u8]) -> String {
    String::from_utf8_lossy(piece).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_back() {
        let pieces: [&[u8]; 3] = [b"one", b"", b"three"];
        assert!(split(&join(pieces)).eq(pieces));
        assert!(split(&[9, 0, b'x']).eq([&b"x"[..]]));
        assert_eq!(split(&[1]).count(), 0);
        assert_eq!(
            split(&join([vec![7_u8; 70_000]])).map(<[u8]>::len).collect::<Vec<_>>(),
            [65_535]
        );
    }
}
