//! What is said to a port: bytes over a socket, frames of HTTP/2, calls of gRPC.

use std::net::SocketAddr;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{block_on, must};

/// A port that says nothing for so long has said all, or waits for more.
const QUIET: Duration = Duration::from_millis(20);
/// Bytes of answers that are read; a snapshot or a watch may go on for ever.
const ENOUGH: usize = 1 << 20;

/// Sends bytes; answers what comes back.
pub(crate) fn send(at: SocketAddr, data: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    block_on(async {
        let mut socket = must("connect to the port", TcpStream::connect(at).await);
        // The port may close before it has read all.
        if socket.write_all(data).await.is_err() {
            return;
        }
        let mut buffer = vec![0; 16 << 10];
        while answer.len() < ENOUGH {
            match tokio::time::timeout(QUIET, socket.read(&mut buffer)).await {
                Ok(Ok(bytes)) if bytes > 0 => answer.extend_from_slice(&buffer[..bytes]),
                _ => return,
            }
        }
    });
    answer
}

/// Whether a call of HTTP/2 was answered, be it with a refusal.
pub(crate) fn has_head(mut answer: &[u8]) -> bool {
    while let Some((&[first, second, third, kind, _, _, _, _, _], rest)) = answer.split_first_chunk() {
        if kind == HEADERS {
            return true;
        }
        let length = u32::from_be_bytes([0, first, second, third]) as usize;
        answer = rest.get(length..).unwrap_or_default();
    }
    false
}

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const CONTINUATION: u8 = 9;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;

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
    let mut out = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    out.extend(frame(SETTINGS, 0, 0, &[]));
    out
}

/// A header block; each field is a literal, remembered or not.
pub(crate) fn block(remembered: bool, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        out.push(if remembered { 0x40 } else { 0 });
        for text in [name, value] {
            out.push(text.len() as u8);
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

/// A whole call on a connection of its own: its path, its fields, one a line, and its messages.
pub(crate) fn call(path: &str, lines: &str, messages: &[&[u8]]) -> Vec<u8> {
    let mut fields = head(path, "localhost");
    fields.extend(lines.lines().filter_map(|line| line.split_once('=')));
    let packed = lines.contains("gzip");
    let mut out = hello();
    out.extend(frame(HEADERS, END_HEADERS, 1, &block(false, &fields)));
    for piece in messages {
        let framed = if packed {
            message(1, &gzip(piece))
        } else {
            message(0, piece)
        };
        out.extend(frame(DATA, 0, 1, &framed));
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
