//! Frames against bytes as a kubelet's library writes and reads them.

use std::io::Read;

use flate2::read::DeflateDecoder;

use super::{Frame, Reader, Writer};

async fn read(bytes: &[u8]) -> Vec<Frame> {
    let mut reader = Reader::new(bytes);
    let mut frames = Vec::new();
    while let Some(frame) = reader.next().await.unwrap() {
        frames.push(frame);
    }
    frames
}

#[tokio::test]
async fn a_stream_is_opened_by_these_bytes() {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    writer.open(1, &[("streamtype", "error")]).await.unwrap();
    let mut expected = vec![0x80, 3, 0, 1, 0, 0, 0, 53, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    expected.extend_from_slice(&[0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2, 0, 27, 0, 228, 255]);
    expected.extend_from_slice(b"\0\0\0\x01\0\0\0\x0astreamtype\0\0\0\x05error");
    expected.extend_from_slice(&[0, 0, 0, 255, 255]);
    expected[7] = (expected.len() - 8) as u8;
    assert_eq!(bytes, expected);
}

#[tokio::test]
async fn the_headers_of_all_streams_are_one_deflate_stream() {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    writer.open(1, &[("streamtype", "error")]).await.unwrap();
    writer.open(3, &[("streamtype", "stdin")]).await.unwrap();
    // Eighteen bytes of each frame stand before its headers, and six of the first ones begin the stream.
    let first = 8 + usize::from(bytes[7]);
    let mut deflated = bytes[18 + 6..first].to_vec();
    deflated.extend_from_slice(&bytes[first + 18..]);
    let mut plain = vec![0; 54];
    DeflateDecoder::new(&deflated[..]).read_exact(&mut plain).unwrap();
    let one = |name: &str| format!("\0\0\0\x01\0\0\0\x0astreamtype\0\0\0\x05{name}");
    assert_eq!(String::from_utf8(plain).unwrap(), one("error") + &one("stdin"));
}

#[tokio::test]
async fn what_is_written_is_read_again() {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    writer.data(5, b"abc", false).await.unwrap();
    writer.data(5, b"", true).await.unwrap();
    writer.ping(7).await.unwrap();
    writer.reset(9, 3).await.unwrap();
    writer.open(11, &[]).await.unwrap();
    writer.end().await.unwrap();
    assert_eq!(bytes[..11], [0, 0, 0, 5, 0, 0, 0, 3, b'a', b'b', b'c']);
    assert_eq!(bytes[11..19], [0, 0, 0, 5, 1, 0, 0, 0]);
    assert_eq!(bytes[19..31], [0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 7]);
    let data = |bytes: &'static [u8], end| Frame::Data {
        stream: 5,
        bytes: bytes.into(),
        end,
    };
    let expected = vec![
        data(b"abc", false),
        data(b"", true),
        Frame::Ping(7),
        Frame::Reset(9),
        Frame::Open(11),
        Frame::GoAway,
    ];
    assert_eq!(read(&bytes).await, expected);
}

#[tokio::test]
async fn a_large_frame_comes_in_pieces_of_which_the_last_ends_the_stream() {
    let mut bytes = vec![0, 0, 0, 1, 1, 1, 0, 0];
    bytes.resize(8 + 65_536, b'x');
    let frames = read(&bytes).await;
    let told: Vec<(usize, bool)> = frames
        .iter()
        .map(|frame| match frame {
            Frame::Data { bytes, end, .. } => (bytes.len(), *end),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [(32_768, false), (32_768, true)]);
}

#[tokio::test]
async fn replies_settings_and_windows_are_passed_over_with_all_they_hold() {
    let mut bytes = vec![0x80, 3, 0, 2, 1, 0, 0, 6, 0, 0, 0, 3, 1, 2];
    bytes.extend_from_slice(&[0x80, 3, 0, 4, 0, 0, 0, 4, 0, 0, 0, 0]);
    bytes.extend_from_slice(&[0x80, 3, 0, 9, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 1]);
    bytes.extend_from_slice(&[0x80, 3, 0, 8, 1, 0, 0, 4, 0, 0, 0, 5]);
    let ended = Frame::Data {
        stream: 5,
        bytes: bytes::Bytes::new(),
        end: true,
    };
    let expected = vec![Frame::Reply { stream: 3, end: true }, Frame::Other, Frame::Other, ended];
    assert_eq!(read(&bytes).await, expected);
}

#[tokio::test]
async fn a_connection_that_ends_within_a_frame_or_speaks_otherwise_is_broken() {
    for bytes in [
        &[0u8, 0, 0][..],
        &[0, 0, 0, 1, 0, 0, 0, 9, 1],
        &[0x80, 3, 0, 6, 0, 0, 0, 2, 0, 0],
        &[0x80, 3, 0, 4, 0, 0, 0, 4, 0],
        b"HTTP/1.1 400 Bad Request",
        &[0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1],
    ] {
        let mut reader = Reader::new(bytes);
        let outcome = reader.next().await;
        assert!(outcome.is_err(), "{bytes:?}: {outcome:?}");
    }
}
