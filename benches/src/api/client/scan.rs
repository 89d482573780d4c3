//! Bytes of answers and watches read for what is counted in them, without understanding the rest.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::api::stamp::{ANNOTATION, DIGITS, Stamp};

/// Bytes of the mark before its digits: `"ANNOTATION":"`.
const PREFIX: usize = ANNOTATION.len() + 4;
const MARK: usize = PREFIX + DIGITS;
static FINDER: LazyLock<Finder<'static>> =
    LazyLock::new(|| Finder::new(format!("\"{ANNOTATION}\":\"").as_bytes()).into_owned());

/// How every event that says what went wrong begins.
const ERROR: &[u8] = br#"{"type":"ERROR""#;

/// Finds the stamps of objects in bytes that come in pieces, however they are cut.
#[derive(Clone)]
pub(crate) struct Stamps {
    /// The end of what came before, too short for a whole mark.
    carried: [u8; MARK - 1],
    length: usize,
}

impl Default for Stamps {
    fn default() -> Self {
        Self {
            carried: [0; MARK - 1],
            length: 0,
        }
    }
}

impl Stamps {
    /// Reads the next piece; `found` gets every stamp that ends in it.
    pub(crate) fn feed(&mut self, piece: &[u8], mut found: impl FnMut(Stamp)) {
        if self.length > 0 {
            // A mark that began in an earlier piece ends in the first bytes of this one, or in a later piece.
            let mut joined = [0; 2 * (MARK - 1)];
            let taken = piece.len().min(MARK - 1);
            joined[..self.length].copy_from_slice(&self.carried[..self.length]);
            joined[self.length..self.length + taken].copy_from_slice(&piece[..taken]);
            find(&joined[..self.length + taken], self.length, &mut found);
        }
        find(piece, piece.len(), &mut found);
        self.carry(piece);
    }

    fn carry(&mut self, piece: &[u8]) {
        const MOST: usize = MARK - 1;
        if piece.len() >= MOST {
            self.carried.copy_from_slice(&piece[piece.len() - MOST..]);
            self.length = MOST;
            return;
        }
        let kept = self.length.min(MOST - piece.len());
        self.carried.copy_within(self.length - kept..self.length, 0);
        self.carried[kept..kept + piece.len()].copy_from_slice(piece);
        self.length = kept + piece.len();
    }
}

/// The whole marks of `bytes` that begin before `end`.
fn find(bytes: &[u8], end: usize, found: &mut impl FnMut(Stamp)) {
    let mut from = 0;
    while let Some(place) = FINDER.find(&bytes[from..]) {
        let begin = from + place;
        let digits = begin + PREFIX;
        if begin >= end {
            return;
        }
        let Some(digits) = bytes.get(digits..digits + DIGITS) else {
            return;
        };
        if let Some(stamp) = Stamp::read(digits) {
            found(stamp);
        }
        from = begin + PREFIX;
    }
}

/// Counts the frames of a watch, one a line.
#[derive(Clone, Default)]
pub(crate) struct Frames {
    /// The first bytes of the frame that is being read.
    head: [u8; ERROR.len()],
    length: usize,
}

/// What a piece of a watch held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Frames that ended in it.
    pub(crate) frames: u64,
    /// Whether one of its frames says that the watch is over.
    pub(crate) error: bool,
}

impl Frames {
    /// Reads the next piece.
    pub(crate) fn feed(&mut self, piece: &[u8]) -> Seen {
        let mut seen = Seen::default();
        let mut rest = piece;
        loop {
            let taken = rest.len().min(ERROR.len() - self.length);
            self.head[self.length..self.length + taken].copy_from_slice(&rest[..taken]);
            self.length += taken;
            // A line that is shorter than the head leaves bytes of the next one in it, which is no error frame either.
            seen.error |= self.length == ERROR.len() && self.head == ERROR;
            let Some(end) = memchr::memchr(b'\n', rest) else {
                return seen;
            };
            seen.frames += 1;
            self.length = 0;
            rest = &rest[end + 1..];
        }
    }
}

/// The text of a field near the beginning of an answer, such as `resourceVersion`, where it first stands.
pub(crate) fn text<'b>(bytes: &'b [u8], field: &str) -> Option<&'b str> {
    let needle = format!("\"{field}\":\"");
    let begin = memchr::memmem::find(bytes, needle.as_bytes())? + needle.len();
    let rest = &bytes[begin..];
    std::str::from_utf8(&rest[..memchr::memchr(b'"', rest)?]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(run: u32, nanoseconds: u64) -> Vec<u8> {
        let mut bytes = format!(
            r#"{{"type":"ADDED","object":{{"metadata":{{"managedFields":[{{"f:{ANNOTATION}":{{}}}}],"annotations":{{"{ANNOTATION}":""#
        )
        .into_bytes();
        Stamp { run, nanoseconds }.write(&mut bytes);
        bytes.extend_from_slice(b"\"}}}}\n");
        bytes
    }

    fn stamps(pieces: &[&[u8]]) -> Vec<u64> {
        let mut stamps = Stamps::default();
        let mut all = Vec::new();
        for piece in pieces {
            stamps.feed(piece, |stamp| all.push(stamp.nanoseconds));
        }
        all
    }

    #[test]
    fn every_stamp_is_found_once_wherever_the_bytes_are_cut() {
        let all: Vec<u8> = (1..=3).flat_map(|n| object(1, n)).collect();
        assert_eq!(stamps(&[&all]), [1, 2, 3]);
        for cut in 0..all.len() {
            let (one, two) = all.split_at(cut);
            assert_eq!(stamps(&[one, two]), [1, 2, 3], "{cut}");
        }
        for size in [1, 2, 7, MARK - 2, MARK - 1, MARK, MARK + 1] {
            let pieces: Vec<&[u8]> = all.chunks(size).collect();
            assert_eq!(stamps(&pieces), [1, 2, 3], "pieces of {size}");
        }
    }

    #[test]
    fn names_of_managed_fields_and_digits_that_are_none_are_no_stamps() {
        let other = format!(r#"{{"f:{ANNOTATION}":{{}},"{ANNOTATION}":"not a stamp at all, really","#);
        assert_eq!(stamps(&[other.as_bytes()]), [0; 0]);
    }

    fn frames(pieces: &[&[u8]]) -> Seen {
        let mut frames = Frames::default();
        let mut all = Seen::default();
        for piece in pieces {
            let seen = frames.feed(piece);
            all.frames += seen.frames;
            all.error |= seen.error;
        }
        all
    }

    #[test]
    fn frames_end_with_their_lines() {
        let mut all: Vec<u8> = (1..=3).flat_map(|n| object(1, n)).collect();
        let whole = Seen {
            frames: 3,
            error: false,
        };
        for cut in 0..all.len() {
            let (one, two) = all.split_at(cut);
            assert_eq!(frames(&[one, two]), whole, "{cut}");
        }
        assert_eq!(frames(&[&all[..all.len() - 1]]).frames, 2);
        all.extend_from_slice(br#"{"type":"ERROR","object":{"kind":"Status","code":410}}"#);
        all.push(b'\n');
        let ended = Seen { frames: 4, error: true };
        for cut in 0..all.len() {
            let (one, two) = all.split_at(cut);
            assert_eq!(frames(&[one, two]), ended, "{cut}");
        }
        let inside = br#"{"type":"ADDED","object":{"metadata":{"annotations":{"a":"{\"type\":\"ERROR\""}}}}"#;
        assert!(!frames(&[inside, b"\n"]).error);
        assert_eq!(
            frames(&[b"{}\n{\"type\"", b":\"ERROR\",\n"]),
            Seen { frames: 2, error: true }
        );
    }

    #[test]
    fn a_field_is_found_where_it_first_stands() {
        let list = br#"{"kind":"PodList","metadata":{"resourceVersion":"12","continue":"abc"},"items":[{"resourceVersion":"9""#;
        assert_eq!(text(list, "resourceVersion"), Some("12"));
        assert_eq!(text(list, "continue"), Some("abc"));
        assert_eq!(text(list, "remaining"), None);
        assert_eq!(text(br#"{"continue":"abc"#, "continue"), None);
    }
}
