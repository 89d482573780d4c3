//! Header blocks as clients write them, cut in every way.

use bytes::{BufMut, BytesMut};
use loona_hpack::{Decoder, Encoder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::Lenient;
use super::frames::{MAX_FRAME, Rewriter};
use crate::http2::{CONTINUATION, DATA, END_HEADERS, END_STREAM, HEAD, HEADERS, Head, PADDED, PREFACE, PRIORITY};

const MAX_LIST: usize = 256 * 1024;
const SETTINGS: u8 = 4;

/// The first request of etcdctl 3.4.23 `endpoint status`, dialled with `http://127.0.0.1:23999`.
const ETCDCTL: &str = "8386459760a924882d9dcb6571afa066a925a87510ac6e48d36a3f41909d29aee30c044eae05c0b86e0997df7f5f8b1d\
    75d0620d263d4c4d65647a8b9acac8b4c7602bb2caecff40027465864d833505b11f40899acac8b24d494f6a7f8669f7de69d7ad408d25062d\
    495875996ee5b1063d5f03332e34";

type Fields = Vec<(String, String)>;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let head = Head {
        length: payload.len(),
        kind,
        flags,
        stream,
    };
    let mut bytes = Vec::new();
    head.write(&mut bytes);
    bytes.put_slice(payload);
    bytes
}

/// A connection that begins as usual and goes on with these frames.
fn connection(frames: &[Vec<u8>]) -> Vec<u8> {
    [PREFACE.to_vec(), frame(SETTINGS, 0, 0, &[])]
        .concat()
        .into_iter()
        .chain(frames.concat())
        .collect()
}

/// What the server sees if the bytes come in chunks of this size, and whether the rewriter has ended.
fn rewritten_in(bytes: &[u8], size: usize) -> (Vec<u8>, bool) {
    let mut rewriter = Rewriter::new(MAX_LIST);
    let mut out = BytesMut::new();
    for chunk in bytes.chunks(size) {
        let passed = rewriter.pass(chunk);
        out.put_slice(&chunk[..passed]);
        rewriter.feed(&chunk[passed..], &mut out);
    }
    (out.to_vec(), rewriter.is_done())
}

fn rewritten(bytes: &[u8]) -> (Vec<u8>, bool) {
    let whole = rewritten_in(bytes, bytes.len());
    for size in [1, 2, 7, 8, 9, 10, 31, 4096] {
        assert!(rewritten_in(bytes, size) == whole, "chunks of {size}");
    }
    whole
}

/// The frames after the preface: kind, flags, stream, payload.
fn frames(bytes: &[u8]) -> Vec<(u8, u8, u32, Vec<u8>)> {
    let mut rest = bytes.strip_prefix(PREFACE).unwrap();
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let head = Head::read(*rest.first_chunk().unwrap());
        let (payload, after) = rest[HEAD..].split_at(head.length);
        frames.push((head.kind, head.flags, head.stream, payload.to_vec()));
        rest = after;
    }
    frames
}

/// A block read by somebody who has seen no other.
fn fields(block: &[u8]) -> Fields {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let fields = Decoder::new().decode(block).unwrap();
    fields
        .into_iter()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

fn value<'a>(fields: &'a Fields, wanted: &str) -> &'a str {
    &fields.iter().find(|(name, _)| name == wanted).unwrap().1
}

fn request<'a>(authority: &'a str, more: &'a [(&'a str, &'a str)]) -> Vec<(&'a [u8], &'a [u8])> {
    let head = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/etcdserverpb.KV/Range"),
        (":authority", authority),
        ("content-type", "application/grpc"),
    ];
    head.iter()
        .chain(more)
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect()
}

/// A field that the next blocks may refer to.
fn remembered(name: &[u8], value: &[u8]) -> Vec<u8> {
    let length = |text: &[u8]| vec![u8::try_from(text.len()).unwrap()];
    [vec![0x40], length(name), name.to_vec(), length(value), value.to_vec()].concat()
}

#[test]
fn the_authority_of_old_etcdctl_becomes_its_endpoint() {
    let bytes = connection(&[
        frame(HEADERS, END_HEADERS, 1, &hex(ETCDCTL)),
        frame(DATA, END_STREAM, 1, &[0; 5]),
    ]);
    let (seen, done) = rewritten(&bytes);
    assert!(!done, "later requests have to be repaired too");
    let seen = frames(&seen);
    assert_eq!(
        (seen[0].0, seen[1].0, seen[1].1, seen[1].2),
        (SETTINGS, HEADERS, END_HEADERS, 1)
    );
    assert_eq!(seen[2], (DATA, END_STREAM, 1, vec![0; 5]));
    let fields = fields(&seen[1].3);
    assert_eq!(value(&fields, ":authority"), "127.0.0.1:23999");
    assert_eq!(value(&fields, ":path"), "/etcdserverpb.Maintenance/Status");
    assert_eq!(value(&fields, "user-agent"), "grpc-go/1.33.3");
    assert_eq!(fields.len(), 9, "{fields:?}");
}

#[test]
fn good_requests_pass_for_ever() {
    // RFC 7541, C.4: Huffman's code, the later blocks refer to the first.
    let bytes = connection(&[
        frame(HEADERS, END_HEADERS, 1, &hex("828684418cf1e3c2e5f23a6ba0ab90f4ff")),
        frame(HEADERS, END_HEADERS, 3, &hex("828684be5886a8eb10649cbf")),
        frame(
            HEADERS,
            END_HEADERS,
            5,
            &hex("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"),
        ),
    ]);
    assert_eq!(rewritten(&bytes), (bytes.clone(), false));
    let mut rewriter = Rewriter::new(MAX_LIST);
    let first = bytes.len() - 2 * 9 - 12 - 24;
    rewriter.feed(&bytes[..first], &mut BytesMut::new());
    assert_eq!(rewriter.pass(&bytes[first..]), bytes.len() - first, "nothing is copied");
}

/// A block whose path is written out as these bytes, a string with its length.
fn with_path(name: &[u8], path: &[u8]) -> Vec<u8> {
    [&[0x83, 0x86][..], name, path].concat()
}

#[test]
fn paths_without_slash_lead_where_they_are_named() {
    let meant = "etcdserverpb.KV/Put";
    let plain = [&[19], meant.as_bytes()].concat();
    // "a.b/C" in Huffman's code.
    let coded = [0x84, 0x1a, 0xf1, 0xb1, 0x7b];
    let named = [&[0, 5], &b":path"[..]].concat();
    let coded_name = [0, 0x84, 0xb9, 0x58, 0xd3, 0x3f];
    for (block, meant) in [
        (with_path(&[0x04], &plain), meant),
        (with_path(&[0x15], &plain), meant),
        (with_path(&[0x44], &plain), meant),
        (with_path(&[0x44], &coded), "a.b/C"),
        (with_path(&named, &plain), meant),
        (with_path(&coded_name, &coded), "a.b/C"),
        (with_path(&[0x04], &[0]), ""),
    ] {
        let bad = frame(HEADERS, END_HEADERS, 3, &block);
        let good = frame(HEADERS, END_HEADERS, 1, &[0x82, 0x86, 0x84]);
        for frames_before in [0, 1] {
            let all = if frames_before == 0 {
                vec![bad.clone()]
            } else {
                vec![good.clone(), bad.clone()]
            };
            let (seen, _) = rewritten(&connection(&all));
            let seen = frames(&seen);
            let fields = fields(&seen[1 + frames_before].3);
            let path = value(&fields, ":path");
            assert_eq!(super::meant(path).as_deref(), Some(meant.as_bytes()), "{path}");
        }
    }
}

#[test]
fn a_bad_path_may_come_after_many_good_requests() {
    let mut blocks = vec![vec![0x83, 0x86, 0x84]];
    // Fields that push each other out of the table, and changes of its size, at the end of a block but for one field.
    for n in 0..300 {
        let mut block = remembered(b"name", format!("value-{n}").as_bytes());
        if n % 7 == 0 {
            block = [&[0x3f, 0x00, 0x3f, 0xe1, 0x1f][..], &block, &[0x83]].concat();
        }
        blocks.push(block);
    }
    blocks.push([&[0xbf, 0xbe][..], &remembered(b":path", b"no/slash")].concat());
    blocks.push(vec![0xbe]);
    let all: Vec<_> = blocks
        .iter()
        .zip(0..)
        .map(|(block, n)| frame(HEADERS, END_HEADERS, 2 * n + 1, block))
        .collect();
    let bytes = connection(&all);
    let (seen, done) = rewritten_in(&bytes, bytes.len());
    assert!(!done);
    let (good, good_bytes) = (all.len() - 2, all[..all.len() - 2].concat());
    assert_eq!(seen[bytes.len() - all.concat().len()..][..good_bytes.len()], good_bytes);
    let seen = frames(&seen);
    let bad = fields(&seen[1 + good].3);
    assert_eq!(bad[0], ("name".to_owned(), "value-298".to_owned()));
    assert_eq!(bad[1].1, "value-299");
    assert_eq!(super::meant(value(&bad, ":path")).as_deref(), Some(&b"no/slash"[..]));
    assert_eq!(fields(&seen[2 + good].3), bad[2..], "the next one refers to it");
}

#[test]
fn later_requests_refer_to_earlier_ones() {
    let bad = request("passthrough:///http://a.b:1", &[("token", "x")]);
    // Each field is remembered; the last one is then field 62, the one before it 63 and so on.
    let one: Vec<u8> = bad.iter().flat_map(|(name, value)| remembered(name, value)).collect();
    let trailers = [0xbe];
    let two = [&[0xc3, 0xc2, 0xc1, 0xc0, 0xbf][..], &remembered(b"token", b"y")].concat();
    let three = [0x83, 0x86];
    let bytes = connection(&[
        frame(HEADERS, END_HEADERS, 1, &one),
        frame(DATA, 0, 1, &[9; 20]),
        frame(HEADERS, END_HEADERS | END_STREAM, 1, &trailers),
        frame(HEADERS, END_HEADERS, 3, &two),
        // A table of no bytes, then of 100: both forget everything.
        frame(HEADERS, END_HEADERS, 5, &[&[0x20, 0x3f, 0x45][..], &three].concat()),
        frame(HEADERS, END_HEADERS, 7, &[0xbe]),
    ]);
    let (seen, done) = rewritten(&bytes);
    let seen = frames(&seen);
    let first = fields(&seen[1].3);
    assert_eq!((value(&first, ":authority"), value(&first, "token")), ("a.b:1", "x"));
    assert_eq!((seen[3].1, seen[3].2), (END_HEADERS | END_STREAM, 1));
    assert_eq!(fields(&seen[3].3), [("token".to_owned(), "x".to_owned())]);
    let second = fields(&seen[4].3);
    assert_eq!((value(&second, ":authority"), value(&second, "token")), ("a.b:1", "y"));
    assert_eq!(fields(&seen[5].3).len(), 2);
    // Field 62 is forgotten: an error that the server shall see as one.
    assert_eq!(seen[6], (HEADERS, END_HEADERS | END_STREAM, 7, vec![0x80]));
    assert!(done);
}

#[test]
fn padding_priority_and_continuations_are_undone() {
    let block = Encoder::new().encode(request("unix:///tmp/x y", &[]));
    let (a, rest) = block.split_at(3);
    let (b, c) = rest.split_at(10);
    let padded = [&[4][..], &[0, 0, 0, 0, 16], a, &[0; 4]].concat();
    let bytes = connection(&[
        frame(HEADERS, PADDED | PRIORITY | END_STREAM, 1, &padded),
        frame(CONTINUATION, 0, 1, b),
        frame(CONTINUATION, 0, 1, &[]),
        frame(CONTINUATION, END_HEADERS, 1, c),
    ]);
    let seen = frames(&rewritten(&bytes).0);
    assert_eq!(
        (seen.len(), seen[1].0, seen[1].1, seen[1].2),
        (2, HEADERS, END_HEADERS | END_STREAM, 1)
    );
    assert_eq!(value(&fields(&seen[1].3), ":authority"), "localhost");
}

#[test]
fn long_lists_are_written_in_several_frames() {
    let long = "v".repeat(40_000);
    let block = Encoder::new().encode(request("#initially=[127.0.0.1:2379]", &[("long", &long)]));
    let mut parts = block.chunks(MAX_FRAME).peekable();
    let mut cut = vec![frame(HEADERS, 0, 1, parts.next().unwrap())];
    while let Some(part) = parts.next() {
        let flags = if parts.peek().is_none() { END_HEADERS } else { 0 };
        cut.push(frame(CONTINUATION, flags, 1, part));
    }
    let seen = frames(&rewritten(&connection(&cut)).0);
    let kinds: Vec<_> = seen[1..].iter().map(|(kind, flags, ..)| (*kind, *flags)).collect();
    assert_eq!(kinds, [(HEADERS, 0), (CONTINUATION, 0), (CONTINUATION, END_HEADERS)]);
    let block: Vec<u8> = seen[1..].iter().flat_map(|(.., payload)| payload.clone()).collect();
    assert_eq!(value(&fields(&block), "long"), long);
    assert_eq!(value(&fields(&block), ":authority"), "localhost");
}

#[test]
fn lists_that_grow_past_the_limit_still_show_it() {
    let mut client = Encoder::new();
    let large = "v".repeat(3000);
    let mut block = client.encode(request("a/b", &[("large", &large)]));
    block.resize(block.len() + 30_000, 0xbe);
    let cut: Vec<_> = block.chunks(MAX_FRAME).collect();
    let bytes = connection(&[
        frame(HEADERS, 0, 1, cut[0]),
        frame(CONTINUATION, 0, 1, cut[1]),
        frame(CONTINUATION, END_HEADERS, 1, cut[2]),
    ]);
    let (seen, done) = rewritten_in(&bytes, 1000);
    assert!(
        !done && seen.len() > MAX_LIST && seen.len() < MAX_LIST + 8000,
        "{}",
        seen.len()
    );
}

#[test]
fn what_cannot_be_read_is_left_to_the_server() {
    let good = Encoder::new().encode(request("a:1", &[]));
    for frames in [
        vec![frame(HEADERS, END_HEADERS, 1, &[0xff])],
        vec![frame(HEADERS, END_HEADERS, 1, &[0x41, 0x8f, 1])],
        vec![frame(HEADERS, END_HEADERS, 1, &[0x80])],
        vec![frame(HEADERS, END_HEADERS, 1, &[0x3f, 0xe2, 0x1f])],
        vec![frame(HEADERS, END_HEADERS | PADDED, 1, &[9, 1])],
        vec![frame(HEADERS, END_HEADERS | PRIORITY, 1, &[9, 1])],
        vec![frame(HEADERS, END_HEADERS, 1, &vec![0; MAX_FRAME + 1])],
        vec![frame(HEADERS, 0, 1, &good), frame(DATA, 0, 1, &[1])],
        vec![frame(HEADERS, 0, 1, &good), frame(CONTINUATION, END_HEADERS, 3, &[])],
        vec![frame(HEADERS, 0, 1, &[0; MAX_FRAME]); 5],
        [
            vec![frame(HEADERS, 0, 1, &good)],
            vec![frame(CONTINUATION, 0, 1, &[]); 10_000],
        ]
        .concat(),
    ] {
        let bytes = connection(&frames);
        assert!(rewritten(&bytes) == (bytes, true), "{} frames", frames.len());
    }
    let http1 = b"PRI HTTP/1.1\r\nHost: a/b\r\n\r\n";
    assert_eq!(rewritten(http1), (http1.to_vec(), true));
}

#[tokio::test]
async fn readers_get_every_byte_and_the_end() {
    let bytes = connection(&[
        frame(HEADERS, END_HEADERS, 1, &hex(ETCDCTL)),
        frame(DATA, END_STREAM, 1, &[0; 5]),
    ]);
    let expected = rewritten(&bytes).0;
    // The pipe holds one byte, so every read is partial; the reader's own buffer is small too.
    for (pipe, piece) in [(1, 1000), (1000, 1), (64, 7)] {
        let (mut client, server) = tokio::io::duplex(pipe);
        let mut server = Lenient::new(server, MAX_LIST as u32);
        let (sent, got) = tokio::join!(
            async {
                client.write_all(&bytes).await.unwrap();
                client.shutdown().await
            },
            async {
                let (mut got, mut buf) = (Vec::new(), vec![0; piece]);
                loop {
                    match server.read(&mut buf).await.unwrap() {
                        0 => return got,
                        read => got.extend_from_slice(&buf[..read]),
                    }
                }
            }
        );
        sent.unwrap();
        assert_eq!(got, expected, "pipe of {pipe}, reads of {piece}");
    }
}
