//! A watch in a WebSocket: each event is a message, and nothing that the client says is listened to but its farewell.
//!
//! The events are the body of an answer as long as it is on its way, so that all that is counted and waited for is so
//! for these watches, too; once the connection is taken over, they are sent in frames. What many are told is not
//! copied.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{FutureExt, SinkExt, Stream, StreamExt};
use http_body_util::BodyExt;
use hyper::body::Frame;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, ReadHalf, WriteHalf, split};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::{Connect, websocket};
use crate::answer::{self, Answer};
use crate::request::Call;
use crate::request::accept::Form;

/// So many bytes are sent in any case.
const FULL: usize = 16 * 1024;
/// An event of so many bytes is sent by itself instead of being copied.
const LARGE: usize = 4 * 1024;
/// A message of the client is held in one piece before it is passed over: it has so many bytes at most. Upstream takes
/// 32 MiB.
const SAID_MAX: usize = 64 * 1024;
/// What is read of it at once.
const READ: usize = 1024;
/// Whoever does not take the end in this time is dropped.
const END: Duration = Duration::from_secs(10);
/// An event in protobuf begins with so many bytes that say how long it is; messages say so themselves.
const LENGTH: usize = 4;

/// Goes with an answer whose body is to be sent in messages.
#[derive(Clone)]
struct Messages {
    taken: OnUpgrade,
    is_text: bool,
}

/// Answers a client that wants to be told events in messages. Each piece of the stream must be one event.
pub(crate) fn offer<S>(call: &Call, form: Form, events: S) -> Answer
where
    S: Stream<Item = Result<Bytes, Infallible>> + Send + 'static,
{
    let is_text = form != Form::Protobuf;
    match accept(call) {
        Ok((mut accepted, taken)) => {
            let lengthless = move |event: Result<Bytes, Infallible>| {
                event.map(|event| {
                    if is_text {
                        event
                    } else {
                        event.slice(LENGTH.min(event.len())..)
                    }
                })
            };
            *accepted.body_mut() = Body::from_stream(events.map(lengthless));
            accepted.extensions_mut().insert(Messages { taken, is_text });
            accepted
        }
        Err(refused) => *refused,
    }
}

/// Takes a client's offer as upstream's library does: whoever does not say where they come from is no browser, and is
/// refused; of several protocols none is chosen.
fn accept(call: &Call) -> Result<(Answer, OnUpgrade), Box<Answer>> {
    let protocols = websocket::protocols(&call.headers);
    let protocols: Vec<&str> = protocols.collect();
    let accepted = websocket::accept(call, protocols.first().copied())?;
    if !is_address(call.header("origin")) {
        return Err(answer::nothing(403).into());
    }
    if protocols.len() > 1 {
        return Err(answer::nothing(400).into());
    }
    Ok(accepted)
}

/// Whether a text may be the address of a page: it begins with the name of a protocol, or with a slash.
fn is_address(text: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    text.starts_with('/') || text.split_once(':').is_some_and(|(name, _)| is_name(name))
}

/// Where the body of an answer is to be sent in messages, does so, and lets the rest of the answer go before it.
pub(crate) fn take_over(connect: &Connect, mut answer: Answer) -> Answer {
    if let Some(messages) = answer.extensions_mut().remove::<Messages>() {
        let body = std::mem::take(answer.body_mut());
        connect.0.tasks.spawn_until("watch in messages", messages.send(body));
    }
    answer
}

impl Messages {
    async fn send(self, body: Body) {
        let taken = match self.taken.await {
            Ok(taken) => taken,
            Err(error) => return tracing::debug!(%error, "a connection was not taken over"),
        };
        let (from, to) = split(TokioIo::new(taken));
        let config = WebSocketConfig::default()
            .read_buffer_size(READ)
            .max_message_size(Some(SAID_MAX))
            .max_frame_size(Some(SAID_MAX));
        let replies = BytesMut::new();
        let talk = Talk {
            said: WebSocketStream::from_raw_socket(Heard { from, replies }, Role::Server, Some(config)).await,
            to,
            out: BytesMut::new(),
            code: OpCode::Data(if self.is_text { Data::Text } else { Data::Binary }),
        };
        if let Err(error) = talk.run(body).await {
            tracing::debug!(%error, "a watch broke");
        }
    }
}

/// A connection to a client.
struct Talk {
    said: WebSocketStream<Heard<ReadHalf<TokioIo<Upgraded>>>>,
    to: WriteHalf<TokioIo<Upgraded>>,
    /// Whole frames that are to be sent; memory is held only while there are some.
    out: BytesMut,
    code: OpCode,
}

impl Talk {
    /// Tells all events, until there are no more or the client goes.
    async fn run(mut self, mut body: Body) -> io::Result<()> {
        while let Some(event) = self.next(&mut body).await? {
            self.tell(&event).await?;
        }
        // Whoever is counted as a watcher is one no more.
        drop(body);
        // Who said farewell first was answered already.
        let _ = self.said.send(websocket::goodbye()).await;
        self.take_replies();
        let end = async {
            self.flush().await?;
            self.to.shutdown().await
        };
        tokio::time::timeout(END, end).await.unwrap_or(Ok(()))
    }

    /// The next event. Nothing is held back while there is none.
    async fn next(&mut self, body: &mut Body) -> io::Result<Option<Bytes>> {
        loop {
            // Who is told much is listened to all the same.
            while let Some(stays) = self.hear().now_or_never() {
                if !stays {
                    return Ok(None);
                }
            }
            if let Some(frame) = body.frame().now_or_never() {
                return Ok(data(frame));
            }
            self.flush().await?;
            tokio::select! {
                frame = body.frame() => return Ok(data(frame)),
                stays = self.hear() => if !stays {
                    return Ok(None);
                },
            }
        }
    }

    /// Sends an event, or holds it until there are more.
    async fn tell(&mut self, event: &Bytes) -> io::Result<()> {
        let header = FrameHeader {
            opcode: self.code,
            ..FrameHeader::default()
        };
        let length = event.len() as u64;
        header
            .format(length, &mut (&mut self.out).writer())
            .map_err(io::Error::other)?;
        if event.len() < LARGE {
            self.out.extend_from_slice(event);
        } else {
            self.flush().await?;
            self.to.write_all(event).await?;
            self.to.flush().await?;
        }
        if self.out.len() >= FULL {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            let out = std::mem::take(&mut self.out);
            self.to.write_all(&out).await?;
            self.to.flush().await?;
        }
        Ok(())
    }

    /// Passes over something that the client says, and answers it where it must be answered; tells whether the client
    /// stays.
    async fn hear(&mut self) -> bool {
        let said = self.said.next().await;
        // The answer goes to where it can be taken from, which takes no time. There is none where this fails.
        let _ = self.said.flush().await;
        self.take_replies();
        matches!(said, Some(Ok(said)) if !said.is_close())
    }

    fn take_replies(&mut self) {
        let replies = std::mem::take(&mut self.said.get_mut().replies);
        self.out.extend_from_slice(&replies);
    }
}

/// What a piece of a body holds; a body that breaks has ended.
fn data(frame: Option<Result<Frame<Bytes>, axum::Error>>) -> Option<Bytes> {
    frame?.ok()?.into_data().ok()
}

/// What a client says, and the answers to it: they are kept, for they must not stand within an event.
struct Heard<R> {
    from: R,
    replies: BytesMut,
}

impl<R: AsyncRead + Unpin> AsyncRead for Heard<R> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.from).poll_read(context, into)
    }
}

impl<R: Unpin> AsyncWrite for Heard<R> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.replies.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
