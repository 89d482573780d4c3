//! What is said to a port, bytes over a socket, frames of HTTP/2, calls of gRPC; and how far its answers tell that it got.

use std::net::SocketAddr;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{block_on, must};

/// A port that says nothing for so long has said all, or waits for more.
const QUIET: Duration = Duration::from_millis(20);
/// Who was asked something whole begins to answer within this, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of answers that are read; a snapshot or a watch may go on for ever.
const ENOUGH: usize = 1 << 20;

/// Sends bytes; answers what comes back.
pub(crate) fn send(at: SocketAddr, data: &[u8]) -> Vec<u8> {
    let asked = Asked::of(data);
    let mut answer = Vec::new();
    block_on(async {
        let mut socket = must("connect to the port", TcpStream::connect(at).await);
        // The port may close before it has read all.
        if socket.write_all(data).await.is_err() {
            return;
        }
        let mut buffer = vec![0; 16 << 10];
        while answer.len() < ENOUGH && !asked.ended(&answer) {
            let patience = if asked.waits(&answer) { PATIENCE } else { QUIET };
            match tokio::time::timeout(patience, socket.read(&mut buffer)).await {
                Ok(Ok(bytes)) if bytes > 0 => answer.extend_from_slice(&buffer[..bytes]),
                _ => return,
            }
        }
    });
    answer
}

/// What bytes ask of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// Nothing that is whole, so that there may never be an answer.
    Nothing,
    /// A page.
    Page,
    /// So many calls of HTTP/2.
    Calls(usize),
}

impl Asked {
    fn of(data: &[u8]) -> Self {
        let Some(sent) = data.strip_prefix(PREFACE) else {
            let whole = data.windows(4).any(|end| end == b"\r\n\r\n");
            return if whole { Self::Page } else { Self::Nothing };
        };
        let (frames, rest) = frames(sent);
        match frames.iter().filter(|frame| frame.ends()).count() {
            calls if calls > 0 && rest.is_empty() => Self::Calls(calls),
            _ => Self::Nothing,
        }
    }

    /// Whether an answer must come and has not begun. What a port says before it is asked is no answer.
    fn waits(self, answer: &[u8]) -> bool {
        match self {
            Self::Nothing => false,
            Self::Page => answer.is_empty(),
            Self::Calls(_) => {
                let begins = |frame: &Frame<'_>| matches!(frame.kind, HEADERS | RESET | GO_AWAY);
                !frames(answer).0.iter().any(begins)
            }
        }
    }

    /// Whether all was answered that was asked. A page ends with its connection.
    fn ended(self, answer: &[u8]) -> bool {
        let Self::Calls(calls) = self else { return false };
        let over = |frame: &&Frame<'_>| frame.ends() || frame.kind == RESET;
        frames(answer).0.iter().filter(over).count() >= calls
    }
}

/// Whether a call was answered with more than a head: with a message, with a stream that stays open, or with an error that
/// is none of these, by their numbers.
pub(crate) fn answered(answer: &[u8], but: &[u8]) -> bool {
    let (frames, _) = frames(answer);
    let last = frames.iter().rfind(|frame| frame.kind == HEADERS);
    frames.iter().any(|frame| frame.kind == DATA)
        || last.is_some_and(|head| !head.ends() || status(head.payload).is_some_and(|status| !but.contains(&status)))
}

/// The `grpc-status` in the header block of an answer; none where it is not written as members write it.
pub(crate) fn status(block: &[u8]) -> Option<u8> {
    let name = huffman("grpc-status");
    let at = block.windows(name.len()).position(|found| found == name)?;
    let value = &block[at + name.len()..];
    (0..=16).find(|status: &u8| value.starts_with(&huffman(&status.to_string())))
}

/// A string of HPACK as a member packs it, for the few signs that a status needs (RFC 7541, 5.2 and appendix B).
fn huffman(text: &str) -> Vec<u8> {
    const CODES: &[(char, &str)] = &[
        ('0', "00000"),
        ('1', "00001"),
        ('2', "00010"),
        ('3', "011001"),
        ('4', "011010"),
        ('5', "011011"),
        ('6', "011100"),
        ('7', "011101"),
        ('8', "011110"),
        ('9', "011111"),
        ('-', "010110"),
        ('a', "00011"),
        ('c', "00100"),
        ('g', "100110"),
        ('p', "101011"),
        ('r', "101100"),
        ('s', "01000"),
        ('t', "01001"),
        ('u', "101101"),
    ];
    let code = |sign| {
        CODES
            .iter()
            .find(|(known, _)| *known == sign)
            .map_or("", |(_, code)| code)
    };
    let bits: Vec<u8> = text.chars().flat_map(|sign| code(sign).bytes()).collect();
    let byte = |bits: &[u8]| (0..8).fold(0, |sum, at| sum << 1 | u8::from(bits.get(at) != Some(&b'0')));
    let bytes: Vec<u8> = bits.chunks(8).map(byte).collect();
    let mut out = Vec::new();
    number(&mut out, 0x80, bytes.len());
    out.extend(bytes);
    out
}

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
const RESET: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
const GO_AWAY: u8 = 7;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;

/// The longest payload of a frame, and all the bytes of messages, that the other end takes before it has said that it
/// takes more.
const LONGEST: usize = 16 << 10;
const WINDOW: usize = (64 << 10) - 1;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct Frame<'a> {
    kind: u8,
    flags: u8,
    payload: &'a [u8],
}

impl Frame<'_> {
    /// Whether its sender has said all on its stream.
    const fn ends(&self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
    }
}

/// The whole frames that bytes begin with, and what is behind them.
fn frames(mut bytes: &[u8]) -> (Vec<Frame<'_>>, &[u8]) {
    let mut out = Vec::new();
    while let Some((&[first, second, third, kind, flags, _, _, _, _], rest)) = bytes.split_first_chunk() {
        let length = u32::from_be_bytes([0, first, second, third]) as usize;
        let Some((payload, rest)) = rest.split_at_checked(length) else {
            break;
        };
        out.push(Frame { kind, flags, payload });
        bytes = rest;
    }
    (out, bytes)
}

/// A frame of HTTP/2.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
    out
}

/// What every client of HTTP/2 begins with.
pub(crate) fn hello() -> Vec<u8> {
    let mut out = PREFACE.to_vec();
    out.extend(frame(SETTINGS, 0, 0, &[]));
    out
}

/// A number of HPACK behind a flag in its first byte (RFC 7541, 5.1).
fn number(out: &mut Vec<u8>, flag: u8, value: usize) {
    const MOST: usize = 0x7f;
    let Some(mut rest) = value.checked_sub(MOST) else {
        return out.push(flag | value as u8);
    };
    out.push(flag | MOST as u8);
    while rest > MOST {
        out.push(0x80 | (rest & MOST) as u8);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// A header block; each field is a literal, remembered or not.
pub(crate) fn block(remembered: bool, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        out.push(if remembered { 0x40 } else { 0 });
        for text in [name, value] {
            number(&mut out, 0, text.len());
            out.extend_from_slice(text.as_bytes());
        }
    }
    out
}

/// The fields that begin a call.
pub(crate) fn head<'a>(path: &'a str, authority: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", authority),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ]
}

/// A message behind its length.
pub(crate) fn message(packed: u8, message: &[u8]) -> Vec<u8> {
    let mut out = vec![packed];
    out.extend_from_slice(&(message.len() as u32).to_be_bytes());
    out.extend_from_slice(message);
    out
}

/// A header block in as many frames as it needs.
fn headers(block: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut kind, mut rest) = (HEADERS, block);
    loop {
        let (part, behind) = rest.split_at(rest.len().min(LONGEST));
        let flags = if behind.is_empty() { END_HEADERS } else { 0 };
        out.extend(frame(kind, flags, 1, part));
        (kind, rest) = (CONTINUATION, behind);
        if rest.is_empty() {
            return out;
        }
    }
}

/// A whole call on a connection of its own: its path, its fields, one a line, and its messages, as far as they fit into
/// the window.
pub(crate) fn call(path: &str, lines: &str, messages: &[&[u8]]) -> Vec<u8> {
    let mut fields = head(path, "localhost");
    fields.extend(lines.lines().filter_map(|line| line.split_once('=')));
    let packed = fields.contains(&("grpc-encoding", "gzip"));
    let mut out = hello();
    out.extend(headers(&block(false, &fields)));
    let mut room = WINDOW;
    for piece in messages {
        let framed = if packed {
            message(1, &gzip(piece))
        } else {
            message(0, piece)
        };
        let Some(left) = room.checked_sub(framed.len()) else {
            break;
        };
        room = left;
        for part in framed.chunks(LONGEST) {
            out.extend(frame(DATA, 0, 1, part));
        }
    }
    out.extend(frame(DATA, END_STREAM, 1, &[]));
    out
}

fn gzip(message: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    must("pack a message", encoder.write_all(message));
    must("pack a message", encoder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_hpack() {
        let written = |flag, value| {
            let mut out = Vec::new();
            number(&mut out, flag, value);
            out
        };
        assert_eq!(written(0, 126), [126]);
        assert_eq!(written(0, 127), [127, 0]);
        assert_eq!(written(0x80, 128), [255, 1]);
        assert_eq!(written(0, 127 + 1337), [127, 0xb9, 10]);
    }

    #[test]
    fn what_is_long_is_cut() {
        let long = "v".repeat(40_000);
        let sent = call("/p", &format!("field={long}"), &[long.as_bytes(), long.as_bytes()]);
        let (frames, rest) = frames(&sent[PREFACE.len()..]);
        assert!(rest.is_empty() && frames.iter().all(|frame| frame.payload.len() <= LONGEST));
        let of = |kinds: &[u8]| -> Vec<u8> {
            let chosen = frames.iter().filter(|frame| kinds.contains(&frame.kind));
            chosen.flat_map(|frame| frame.payload).copied().collect()
        };
        let mut fields = head("/p", "localhost");
        fields.push(("field", &long));
        assert_eq!(of(&[HEADERS, CONTINUATION]), block(false, &fields));
        assert_eq!(of(&[DATA]), message(0, long.as_bytes()), "the second does not fit");
        let ends: Vec<_> = frames.iter().map(|frame| frame.flags & END_HEADERS != 0).collect();
        assert_eq!(ends.iter().filter(|ends| **ends).count(), 1);
    }

    #[test]
    fn what_is_asked_decides_how_long_is_waited() {
        let whole = call("/p", "", &[b"m"]);
        assert_eq!(Asked::of(&whole), Asked::Calls(1));
        assert_eq!(Asked::of(&whole[..whole.len() - 1]), Asked::Nothing);
        assert_eq!(Asked::of(&hello()), Asked::Nothing);
        assert_eq!(Asked::of(b"GET / HTTP/1.1\r\n\r\n"), Asked::Page);
        assert_eq!(Asked::of(b"GET / HTTP/1.1\r\n"), Asked::Nothing);
        let settings = frame(SETTINGS, 0, 0, &[]);
        let begun = [settings.clone(), frame(HEADERS, END_HEADERS, 1, &[0x88])].concat();
        let ended = [begun.clone(), frame(HEADERS, END_HEADERS | END_STREAM, 1, &[])].concat();
        let one = Asked::Calls(1);
        assert!(one.waits(&settings) && !one.waits(&begun) && !Asked::Nothing.waits(b""));
        assert!(!one.ended(&begun) && one.ended(&ended) && !Asked::Calls(2).ended(&ended));
    }

    #[test]
    fn a_refusal_is_no_answer() {
        let status_of = |text: &str| [&[0x40][..], &huffman("grpc-status"), &huffman(text)].concat();
        let refused = |text: &str| frame(HEADERS, END_HEADERS | END_STREAM, 1, &status_of(text));
        assert_eq!(status(&status_of("0")), Some(0));
        assert_eq!(status(&status_of("1")), Some(1));
        assert_eq!(status(&status_of("12")), Some(12));
        assert!(!answered(&refused("12"), &[9, 12]) && answered(&refused("5"), &[9, 12]));
        assert!(!answered(&frame(SETTINGS, 0, 0, &[]), &[]));
        let head = frame(HEADERS, END_HEADERS, 1, &[0x88]);
        assert!(answered(&head, &[]));
        assert!(!answered(&[head.clone(), refused("13")].concat(), &[13]));
        assert!(answered(
            &[head, frame(DATA, 0, 1, b"m"), refused("13")].concat(),
            &[13]
        ));
    }
}
