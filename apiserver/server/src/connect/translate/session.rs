//! One command: its streams at the kubelet, and the channels of its client.

use std::pin::pin;
use std::time::{Duration, Instant};

use apiserver_api::tree::Tree;
use bytes::Bytes;
use futures_util::SinkExt;
use futures_util::stream::{SplitSink, SplitStream};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{ReadHalf, WriteHalf, split};
use tokio::sync::Mutex;
use tokio::time::{interval_at, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::inward::Inward;
use super::{STDERR, STDOUT, Wanted, message};
use crate::connect::pump::Pace;
use crate::connect::spdy::{Frame, REFUSED, Reader, Writer};
use crate::connect::status;
use crate::connect::websocket::Socket;

/// A kubelet takes a stream in this time; upstream's.
const REPLY: Duration = Duration::from_secs(30);
/// A kubelet is asked this often whether it is there, so that nothing between forgets the connection; upstream's.
const PING: Duration = Duration::from_secs(5);
/// A client that neither says nor hears anything in this time is dropped; upstream's.
const IDLE: Duration = Duration::from_secs(4 * 60 * 60);
/// When the client is gone, the kubelet may still end by itself in this time.
const GRACE: Duration = Duration::from_secs(10);
/// What a kubelet says of how the command ended has so many bytes at most.
const SAID_MAX: usize = 1024 * 1024;

type ToClient = SplitSink<Socket, Message>;
pub(super) type FromClient = SplitStream<Socket>;
pub(super) type Io = TokioIo<Upgraded>;

/// How a command ended: well, or with a status of a failure.
pub(super) type Outcome = Result<(), Tree>;

/// A command.
pub(super) struct Session {
    reader: Reader<ReadHalf<Io>>,
    writer: Mutex<Writer<WriteHalf<Io>>>,
    wanted: Wanted,
    version: usize,
    limit: u64,
    /// When anything was last said or heard.
    last: parking_lot::Mutex<Instant>,
}

/// The streams that stand, by their numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Streams {
    error: u32,
    pub(super) stdin: Option<u32>,
    stdout: Option<u32>,
    stderr: Option<u32>,
    pub(super) resize: Option<u32>,
}

impl Session {
    pub(super) fn new(backend: Io, wanted: Wanted, version: usize, limit: u64) -> Self {
        let (read, write) = split(backend);
        Self {
            reader: Reader::new(read),
            writer: Mutex::new(Writer::new(write)),
            wanted,
            version,
            limit,
            last: parking_lot::Mutex::new(Instant::now()),
        }
    }

    /// Speaks until the command ends, or the client is gone: then there is no outcome.
    pub(super) async fn run(self, to_client: &mut ToClient, from_client: &mut FromClient) -> Option<Outcome> {
        let Self {
            reader,
            writer,
            wanted,
            version,
            limit,
            last,
        } = self;
        let mut outward = Outward::new(reader, &writer, &last, to_client, limit);
        let streams = match outward.open_all(wanted, version).await {
            Ok(streams) => streams,
            Err(why) => return Some(Err(status::internal(&why))),
        };
        let inward = Inward {
            writer: &writer,
            last: &last,
            streams,
            limit,
        };
        let outcome = {
            let mut outward = pin!(outward.run(version >= 4));
            tokio::select! {
                outcome = &mut outward => Some(outcome),
                () = ask(&writer) => None,
                () = inward.run(from_client) => {
                    let _ = timeout(GRACE, outward).await;
                    None
                }
                () = idle(&last) => None,
            }
        };
        // Where this does not arrive, the connection is gone.
        let _ = timeout(GRACE, async { writer.lock().await.end().await }).await;
        outcome
    }
}

/// Asks the kubelet whether it is there; ends when that cannot be asked.
async fn ask(writer: &Mutex<Writer<WriteHalf<Io>>>) {
    let mut ticks = interval_at(tokio::time::Instant::now() + PING, PING);
    // A client's pings have odd numbers.
    for id in (1..=u32::MAX).step_by(2) {
        ticks.tick().await;
        if writer.lock().await.ping(id).await.is_err() {
            break;
        }
    }
    // That the connection is broken is learned by reading it.
    std::future::pending::<()>().await;
}

/// Ends when nothing has been said for too long.
async fn idle(last: &parking_lot::Mutex<Instant>) {
    loop {
        let until = *last.lock() + IDLE;
        if Instant::now() >= until {
            return;
        }
        sleep_until(until.into()).await;
    }
}

/// From the kubelet to the client.
struct Outward<'s> {
    reader: Reader<ReadHalf<Io>>,
    writer: &'s Mutex<Writer<WriteHalf<Io>>>,
    last: &'s parking_lot::Mutex<Instant>,
    to_client: &'s mut ToClient,
    pace: Pace,
    streams: Streams,
    /// Streams in which the kubelet says no more.
    ended: Vec<u32>,
    /// What it said of how the command ended.
    said: Vec<u8>,
    /// Nobody listens any more.
    is_gone: bool,
}

/// What a frame of a stream was.
enum Seen {
    Reply(u32),
    Reset(u32),
    Other,
    /// There are no more.
    End,
}

impl<'s> Outward<'s> {
    fn new(
        reader: Reader<ReadHalf<Io>>,
        writer: &'s Mutex<Writer<WriteHalf<Io>>>,
        last: &'s parking_lot::Mutex<Instant>,
        to_client: &'s mut ToClient,
        limit: u64,
    ) -> Self {
        Self {
            reader,
            writer,
            last,
            to_client,
            pace: Pace::new(limit),
            streams: Streams::default(),
            ended: Vec::new(),
            said: Vec::new(),
            is_gone: false,
        }
    }

    /// Opens the streams that are wanted, one after the other.
    async fn open_all(&mut self, wanted: Wanted, version: usize) -> Result<Streams, String> {
        let all = [
            ("error", true),
            ("stdin", wanted.stdin),
            ("stdout", wanted.stdout),
            // A terminal has one output.
            ("stderr", wanted.stderr && !wanted.tty),
            ("resize", wanted.tty && version >= 3),
        ];
        // Streams of a client have odd numbers.
        for ((kind, _), id) in all.into_iter().filter(|(_, wanted)| *wanted).zip((1..).step_by(2)) {
            match kind {
                "error" => self.streams.error = id,
                "stdin" => self.streams.stdin = Some(id),
                "stdout" => self.streams.stdout = Some(id),
                "stderr" => self.streams.stderr = Some(id),
                _ => self.streams.resize = Some(id),
            }
            let opened = timeout(REPLY, self.open(id, kind)).await;
            opened.map_err(|_| "Timeout occurred".to_owned())??;
        }
        Ok(self.streams)
    }

    async fn open(&mut self, id: u32, kind: &str) -> Result<(), String> {
        let opened = self.writer.lock().await.open(id, &[("streamtype", kind)]).await;
        opened.map_err(|error| error.to_string())?;
        loop {
            match self.see().await {
                Seen::Reply(stream) if stream == id => return Ok(()),
                Seen::Reset(stream) if stream == id => return Err("Stream reset".to_owned()),
                Seen::End => return Err("connection closed".to_owned()),
                _ => {}
            }
        }
    }

    /// Hands on what the kubelet says until it has said all.
    async fn run(&mut self, as_status: bool) -> Outcome {
        loop {
            let Streams {
                error, stdout, stderr, ..
            } = self.streams;
            let mut awaited = [Some(error), stdout, stderr].into_iter().flatten();
            if awaited.all(|stream| self.ended.contains(&stream)) {
                break;
            }
            if matches!(self.see().await, Seen::End) {
                break;
            }
        }
        status::outcome(&self.said, as_status)
    }

    /// Takes a frame.
    async fn see(&mut self) -> Seen {
        let frame = match self.reader.next().await {
            Ok(Some(frame)) => frame,
            Ok(None) => return Seen::End,
            Err(error) => {
                tracing::debug!(%error, "a connection to a kubelet broke");
                return Seen::End;
            }
        };
        match frame {
            Frame::Reply { stream, end } => {
                self.end(stream, end);
                Seen::Reply(stream)
            }
            Frame::Reset(stream) => {
                self.end(stream, true);
                Seen::Reset(stream)
            }
            Frame::Data { stream, bytes, end } => {
                self.hand_on(stream, &bytes).await;
                self.end(stream, end);
                Seen::Other
            }
            // A kubelet opens none, and its pings have even numbers. That the connection is broken is learned by reading it.
            Frame::Open(stream) => {
                let _ = self.writer.lock().await.reset(stream, REFUSED).await;
                Seen::Other
            }
            Frame::Ping(id) if id % 2 == 0 => {
                let _ = self.writer.lock().await.ping(id).await;
                Seen::Other
            }
            Frame::Ping(_) | Frame::GoAway | Frame::Other => Seen::Other,
        }
    }

    fn end(&mut self, stream: u32, end: bool) {
        if end && !self.ended.contains(&stream) && self.is_ours(stream) {
            self.ended.push(stream);
        }
    }

    /// Streams that were never opened are nobody's.
    fn is_ours(&self, stream: u32) -> bool {
        let Streams {
            error,
            stdin,
            stdout,
            stderr,
            resize,
        } = self.streams;
        [Some(error), stdin, stdout, stderr, resize].contains(&Some(stream))
    }

    async fn hand_on(&mut self, stream: u32, bytes: &Bytes) {
        *self.last.lock() = Instant::now();
        let channel = match stream {
            _ if bytes.is_empty() => return,
            _ if Some(stream) == self.streams.stdout => STDOUT,
            _ if Some(stream) == self.streams.stderr => STDERR,
            _ if stream == self.streams.error => {
                let room = SAID_MAX.saturating_sub(self.said.len());
                self.said.extend_from_slice(&bytes[..bytes.len().min(room)]);
                return;
            }
            _ => return,
        };
        if !self.is_gone {
            self.is_gone = self.to_client.send(message(channel, bytes)).await.is_err();
            self.pace.moved(bytes.len()).await;
        }
    }
}
