//! SPDY/3.1 as a kubelet speaks it.

use base::task::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;

use super::Stream;

/// A frame that matters.
pub(super) enum Frame {
    /// A stream is opened.
    Open(u32),
    /// Something is said in it, perhaps for the last time.
    Data(u32, Vec<u8>, bool),
}

/// A connection.
pub(super) struct Connection {
    /// Ends with the connection.
    pub(super) frames: mpsc::Receiver<Frame>,
    to: WriteHalf<Stream>,
    /// Whether headers were sent, which are one compressed stream.
    begun: bool,
    pings: mpsc::Receiver<Vec<u8>>,
}

impl Connection {
    pub(super) fn new(stream: Stream, tasks: &Tasks) -> Self {
        let (from, to) = tokio::io::split(stream);
        let (sender, frames) = mpsc::channel(16);
        let (ping, pings) = mpsc::channel(16);
        tasks.spawn_until("kubelet frames", async move {
            read(from, &sender, &ping).await;
        });
        Self {
            frames,
            to,
            begun: false,
            pings,
        }
    }

    /// The next frame; none where the connection ends.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        loop {
            tokio::select! {
                frame = self.frames.recv() => return frame,
                Some(id) = self.pings.recv() => self.control(6, &id).await?,
            }
        }
    }

    /// Takes a stream, with no headers to say.
    pub(super) async fn take(&mut self, stream: u32) -> Option<()> {
        let mut payload = stream.to_be_bytes().to_vec();
        if !std::mem::replace(&mut self.begun, true) {
            // How a stream begins that is compressed with the dictionary of SPDY.
            payload.extend_from_slice(&[0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2]);
        }
        // The number of headers, stored, and an empty block that ends what can be read.
        payload.extend_from_slice(&[0, 4, 0, 0xfb, 0xff, 0, 0, 0, 0]);
        payload.extend_from_slice(&[0, 0, 0, 0xff, 0xff]);
        self.control(2, &payload).await
    }

    pub(super) async fn say(&mut self, stream: u32, bytes: &[u8], is_last: bool) -> Option<()> {
        let about = u32::from(is_last) << 24 | bytes.len() as u32;
        self.to.write_u32(stream).await.ok()?;
        self.to.write_u32(about).await.ok()?;
        self.to.write_all(bytes).await.ok()?;
        self.to.flush().await.ok()
    }

    async fn control(&mut self, kind: u32, payload: &[u8]) -> Option<()> {
        self.to.write_u32(0x8003_0000 | kind).await.ok()?;
        self.to.write_u32(payload.len() as u32).await.ok()?;
        self.to.write_all(payload).await.ok()?;
        self.to.flush().await.ok()
    }
}

async fn read(mut from: ReadHalf<Stream>, sender: &mpsc::Sender<Frame>, ping: &mpsc::Sender<Vec<u8>>) -> Option<()> {
    loop {
        let first = from.read_u32().await.ok()?;
        let second = from.read_u32().await.ok()?;
        let mut payload = vec![0; (second & 0xff_ffff) as usize];
        from.read_exact(&mut payload).await.ok()?;
        let frame = match first {
            0x8003_0001 => Frame::Open(u32::from_be_bytes(payload[..4].try_into().unwrap())),
            0x8003_0006 => {
                ping.send(payload).await.ok()?;
                continue;
            }
            0x8003_0007 => return None,
            control if control >> 31 == 1 => continue,
            stream => Frame::Data(stream, payload, second >> 24 & 1 == 1),
        };
        sender.send(frame).await.ok()?;
    }
}
