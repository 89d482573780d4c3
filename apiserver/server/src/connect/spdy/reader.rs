//! Frames on their way in.

use std::io::{self, ErrorKind};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};

use super::{CONTROL, FIN, GO_AWAY, HEADERS, PING, RST_STREAM, SYN_REPLY, SYN_STREAM};

/// So much of a data frame is given at once.
const PIECE: usize = 32 * 1024;

/// A frame, or a piece of one.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Frame {
    /// The other side opens a stream.
    Open(u32),
    /// It took a stream; perhaps it says nothing in it.
    Reply { stream: u32, end: bool },
    /// It says something.
    Data { stream: u32, bytes: Bytes, end: bool },
    /// It dropped a stream.
    Reset(u32),
    /// It asks whether this side is there, or answers.
    Ping(u32),
    /// It opens no stream and takes none any more.
    GoAway,
    /// What matters to nobody: settings, windows, what is yet to be invented.
    Other,
}

/// Reads frames. Blocks of headers are passed over: nothing in them matters to a client of kubelets.
pub(in super::super) struct Reader<R> {
    from: BufReader<R>,
    /// What is left of a data frame: its stream, so many bytes, and whether it is the last.
    rest: Option<(u32, usize, bool)>,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(in super::super) fn new(from: R) -> Self {
        Self {
            from: BufReader::with_capacity(PIECE, from),
            rest: None,
        }
    }

    /// The next frame; none where the connection ends.
    ///
    /// # Errors
    /// The connection broke, or ended within a frame.
    pub(in super::super) async fn next(&mut self) -> io::Result<Option<Frame>> {
        if let Some(rest) = self.rest.take() {
            return self.piece(rest).await.map(Some);
        }
        let mut head = [0; 8];
        // Nothing at all is the end; less than a head is not.
        if self.from.read(&mut head[..1]).await? == 0 {
            return Ok(None);
        }
        self.from.read_exact(&mut head[1..]).await?;
        let (first, second) = head.split_at(4);
        let (first, second) = (word(first), word(second));
        let (flags, length) = ((second >> 24) as u8, (second & 0xff_ffff) as usize);
        let end = flags & FIN != 0;
        if first >> 31 == 0 {
            return self.piece((first, length, end)).await.map(Some);
        }
        if (first >> 16) as u16 != CONTROL {
            return Err(io::Error::new(ErrorKind::InvalidData, "not SPDY version 3"));
        }
        self.control(first as u16, length, end).await.map(Some)
    }

    async fn piece(&mut self, (stream, left, end): (u32, usize, bool)) -> io::Result<Frame> {
        let length = left.min(PIECE);
        let mut bytes = vec![0; length];
        self.from.read_exact(&mut bytes).await?;
        let is_last = length == left;
        if !is_last {
            self.rest = Some((stream, left - length, end));
        }
        Ok(Frame::Data {
            stream,
            bytes: bytes.into(),
            end: end && is_last,
        })
    }

    async fn control(&mut self, kind: u16, length: usize, end: bool) -> io::Result<Frame> {
        let about = match kind {
            SYN_STREAM | SYN_REPLY | RST_STREAM | PING | GO_AWAY | HEADERS => {
                if length < 4 {
                    return Err(io::Error::new(ErrorKind::InvalidData, "a control frame is too short"));
                }
                let mut about = [0; 4];
                self.from.read_exact(&mut about).await?;
                self.skip(length - 4).await?;
                word(&about)
            }
            _ => {
                self.skip(length).await?;
                return Ok(Frame::Other);
            }
        };
        let stream = about & 0x7fff_ffff;
        Ok(match kind {
            SYN_STREAM => Frame::Open(stream),
            SYN_REPLY => Frame::Reply { stream, end },
            RST_STREAM => Frame::Reset(stream),
            PING => Frame::Ping(about),
            GO_AWAY => Frame::GoAway,
            // Headers may end a stream like data.
            _ => Frame::Data {
                stream,
                bytes: Bytes::new(),
                end,
            },
        })
    }

    async fn skip(&mut self, length: usize) -> io::Result<()> {
        let mut taken = (&mut self.from).take(length as u64);
        let skipped = tokio::io::copy(&mut taken, &mut tokio::io::sink()).await?;
        if skipped < length as u64 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

fn word(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte))
}
