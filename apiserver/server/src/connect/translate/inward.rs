//! What a client says, on its way into the streams of its command.

use std::time::Instant;

use futures_util::StreamExt;
use tokio::io::WriteHalf;
use tokio::sync::Mutex;
use tokio_tungstenite::tungstenite::Message;

use super::session::{FromClient, Io, Streams};
use super::{CLOSE, RESIZE, STDIN, STDOUT};
use crate::connect::pump::{PIECE, Pace};
use crate::connect::spdy::Writer;
use crate::connect::websocket::payload;

/// From the client to the kubelet.
pub(super) struct Inward<'s> {
    pub(super) writer: &'s Mutex<Writer<WriteHalf<Io>>>,
    pub(super) last: &'s parking_lot::Mutex<Instant>,
    pub(super) streams: Streams,
    pub(super) limit: u64,
}

impl Inward<'_> {
    /// Hands on what the client says until it goes.
    pub(super) async fn run(mut self, from_client: &mut FromClient) {
        let mut pace = Pace::new(self.limit);
        while let Some(Ok(said)) = from_client.next().await {
            *self.last.lock() = Instant::now();
            if matches!(said, Message::Close(_)) {
                break;
            }
            let Some(said) = payload(said) else { continue };
            let Some((channel, bytes)) = said.split_first() else {
                continue;
            };
            let written = match (*channel, self.streams.stdin, self.streams.resize) {
                (CLOSE, _, _) => match bytes {
                    [STDIN] => self.end_stdin().await,
                    [STDOUT..=RESIZE] => Ok(()),
                    // It speaks otherwise than it said.
                    _ => break,
                },
                (STDIN, Some(stdin), _) => self.write(stdin, bytes).await,
                (RESIZE, _, Some(resize)) => self.write(resize, bytes).await,
                _ => Ok(()),
            };
            if written.is_err() {
                break;
            }
            pace.moved(bytes.len()).await;
        }
        // Whoever is gone says no more, and the kubelet learns that.
        let _ = self.end_stdin().await;
    }

    /// Long messages make way for others between their pieces.
    async fn write(&self, stream: u32, bytes: &[u8]) -> std::io::Result<()> {
        for piece in bytes.chunks(PIECE) {
            self.writer.lock().await.data(stream, piece, false).await?;
        }
        Ok(())
    }

    async fn end_stdin(&mut self) -> std::io::Result<()> {
        match self.streams.stdin.take() {
            Some(stdin) => self.writer.lock().await.data(stdin, &[], true).await,
            None => Ok(()),
        }
    }
}
