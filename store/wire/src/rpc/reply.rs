//! What a call answers: messages as frames, in chunks as the socket takes them, and the status behind them.
//!
//! A message is written piece by piece while the client takes it, so an answer of a hundred megabytes is not built a
//! second time in memory. Values are copied once, into chunks; those that are as large as a chunk are not copied at all.
//! The longest answers are not even read before the client takes them. Many small answers, such as those of a stream
//! with many watches, share a chunk.

use std::convert::Infallible;
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, stream};
use http::header::{self, HeaderMap, HeaderValue};
use http::{HeaderName, Response};
use http_body::Frame;
use prost::Message;
use prost::encoding::{encode_varint, encoded_len_varint};
use proto::etcd::{RangeResponse, WatchResponse};
use store_node::RangePieces;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};

use crate::frames::{HEAD, PACKED, PLAIN};
use crate::metrics::Method;
use crate::status;

/// A chunk this long is sent. Three of the frames that clients take, and with one more value less than what the
/// allocator asks the system for each time.
const CHUNK: usize = 48 << 10;
/// What is this long is sent as it is: a copy would cost more than a frame of its own.
const WHOLE: usize = 16 << 10;
/// Room for a chunk that the last value makes too long.
const ROOM: usize = CHUNK + WHOLE;
/// The longest message that upstream sends.
const MAX_MESSAGE: usize = i32::MAX as usize;

const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// What can be answered: a message, or one in two pieces.
pub(super) trait Answer: Send + 'static {
    /// The message without its list, and the list.
    fn pieces(self) -> (impl Message, List);
}

impl<M: Message + 'static> Answer for M {
    fn pieces(self) -> (impl Message, List) {
        (self, List::default())
    }
}

/// An answer with a list of encoded messages that may be long. The list comes last on the wire, which protobuf allows.
pub(super) struct Listed<M> {
    message: M,
    list: List,
}

impl<M: Message + 'static> Answer for Listed<M> {
    fn pieces(self) -> (impl Message, List) {
        (self.message, self.list)
    }
}

impl From<RangeResponse> for Listed<RangeResponse> {
    fn from(mut message: RangeResponse) -> Self {
        let kvs = std::mem::take(&mut message.kvs);
        let list = List::new(2, kvs.into_iter().map(proto::Encoded::into_bytes).collect());
        Self { message, list }
    }
}

impl From<RangePieces> for Listed<RangeResponse> {
    fn from(pieces: RangePieces) -> Self {
        let message = pieces.head().clone();
        let later = pieces.bytes();
        let pieces = stream::unfold(Some(pieces), |pieces| async move {
            let mut pieces = pieces?;
            let read = pieces.next().await?.map_err(status::of_error);
            let rest = read.is_ok().then_some(pieces);
            Some((read, rest))
        });
        let list = List {
            later,
            pieces: Some(pieces.boxed()),
            ..List::default()
        };
        Self { message, list }
    }
}

impl From<WatchResponse> for Listed<WatchResponse> {
    fn from(mut message: WatchResponse) -> Self {
        let events = std::mem::take(&mut message.events);
        let list = List::new(11, events.into_iter().map(proto::Encoded::into_bytes).collect());
        Self { message, list }
    }
}

/// A repeated field whose items are encoded already.
#[derive(Default)]
pub(super) struct List {
    key: u8,
    items: std::vec::IntoIter<Bytes>,
    /// Bytes that are still to be written, keys and lengths among them.
    left: usize,
    /// What comes behind the items, as it is written, and its bytes.
    pieces: Option<BoxStream<'static, Result<Bytes, Status>>>,
    later: usize,
}

impl List {
    /// `field` is its number; all have one byte.
    fn new(field: u8, items: Vec<Bytes>) -> Self {
        const LENGTH_DELIMITED: u8 = 2;
        let left = items.iter().map(|item| Self::head_len(item) + item.len()).sum();
        Self {
            key: field << 3 | LENGTH_DELIMITED,
            items: items.into_iter(),
            left,
            ..Self::default()
        }
    }

    fn head_len(item: &Bytes) -> usize {
        1 + encoded_len_varint(item.len() as u64)
    }

    /// Writes what stands in front of the next item.
    fn next(&mut self, chunk: &mut BytesMut) -> Option<Bytes> {
        let item = self.items.next()?;
        chunk.put_u8(self.key);
        encode_varint(item.len() as u64, chunk);
        self.left -= Self::head_len(&item) + item.len();
        Some(item)
    }
}

/// How a call is answered.
pub(crate) struct Reply {
    running: Running,
    /// Whether the client has packed its messages: then it gets packed ones.
    gzip: bool,
}

impl Reply {
    pub(super) const fn new(running: Running, gzip: bool) -> Self {
        Self { running, gzip }
    }

    /// Whether messages are packed, which needs all of a message.
    pub(super) const fn packs(&self) -> bool {
        self.gzip
    }

    /// One message, or a refusal.
    pub(super) fn one<A: Answer>(self, answered: Result<A, Status>) -> Response<Body> {
        match answered {
            Ok(answer) => self.many(stream::iter([Ok(answer)])),
            Err(status) => self.refuse(&status),
        }
    }

    /// Messages, until the stream ends or fails.
    pub(super) fn many<A: Answer>(
        self,
        answers: impl Stream<Item = Result<A, Status>> + Send + Unpin + 'static,
    ) -> Response<Body> {
        let body = Answering {
            answers,
            writer: Writer {
                gzip: self.gzip,
                ..Writer::default()
            },
            status: None,
            running: self.running,
        };
        let mut response = Response::new(Body::new(body));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, tonic::metadata::GRPC_CONTENT_TYPE);
        if self.gzip {
            headers.insert(ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }

    /// Nothing but a status.
    pub(super) fn refuse(mut self, status: &Status) -> Response<Body> {
        self.running.end(status.code());
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, tonic::metadata::GRPC_CONTENT_TYPE);
        put_status(status, headers);
        response
    }
}

fn put_status(status: &Status, headers: &mut HeaderMap) {
    if status.add_header(headers).is_err() {
        // A text that no header can hold, which does not happen to those that are made here.
        headers.insert(Status::GRPC_STATUS, HeaderValue::from_static("13"));
    }
}

/// A call under way; it is counted as cancelled if it is dropped before its status is known.
pub(crate) struct Running {
    method: Arc<Method>,
    since: Option<Instant>,
    ended: bool,
}

impl Running {
    pub(super) fn start(method: Arc<Method>) -> Self {
        method.started.inc();
        let since = method.seconds.as_ref().map(|_| Instant::now());
        Self {
            method,
            since,
            ended: false,
        }
    }

    pub(super) const fn method(&self) -> &Arc<Method> {
        &self.method
    }

    fn sent(&self, bytes: usize) {
        self.method.sent.inc();
        self.method.sent_bytes.inc_by(bytes as u64);
    }

    fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.method.handled(code);
        if let (Some(seconds), Some(since)) = (&self.method.seconds, self.since) {
            seconds.observe(since.elapsed().as_secs_f64());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}

/// The body of an answer.
struct Answering<S> {
    answers: S,
    writer: Writer,
    /// Set once no more messages come.
    status: Option<Status>,
    running: Running,
}

impl<A: Answer, S: Stream<Item = Result<A, Status>> + Unpin> http_body::Body for Answering<S> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        if this.running.ended {
            return Poll::Ready(None);
        }
        loop {
            this.writer.fill();
            if this.writer.is_full() {
                return Poll::Ready(this.writer.take().map(|chunk| Ok(Frame::data(chunk))));
            }
            if let Some(pieces) = &mut this.writer.list.pieces {
                match pieces.poll_next_unpin(cx) {
                    Poll::Ready(Some(Ok(piece))) => this.writer.whole = Some(piece),
                    // The client gets a message that is cut off, and the reason.
                    Poll::Ready(Some(Err(status))) => {
                        this.writer.list.pieces = None;
                        this.status = Some(status);
                    }
                    Poll::Ready(None) => this.writer.list.pieces = None,
                    Poll::Pending => return this.writer.flush(),
                }
                continue;
            }
            if let Some(status) = &this.status {
                if let Some(chunk) = this.writer.take() {
                    return Poll::Ready(Some(Ok(Frame::data(chunk))));
                }
                this.running.end(status.code());
                let mut trailers = HeaderMap::with_capacity(1);
                put_status(status, &mut trailers);
                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
            }
            match this.answers.poll_next_unpin(cx) {
                Poll::Ready(Some(answer)) => match answer.and_then(|answer| this.writer.put(answer)) {
                    Ok(bytes) => this.running.sent(bytes),
                    Err(status) => this.status = Some(status),
                },
                Poll::Ready(None) => this.status = Some(Status::ok("")),
                Poll::Pending => return this.writer.flush(),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.running.ended
    }
}

/// Writes messages as frames, and cuts them into chunks.
#[derive(Default)]
struct Writer {
    gzip: bool,
    chunk: BytesMut,
    /// What of the last message is still to be written.
    list: List,
    /// Comes after the chunk, as it is.
    whole: Option<Bytes>,
}

impl Writer {
    /// Begins a message; the last one must have been filled in. Returns its bytes.
    fn put(&mut self, answer: impl Answer) -> Result<usize, Status> {
        let (message, list) = answer.pieces();
        let begun = message.encoded_len();
        let length = begun + list.left + list.later;
        if length > MAX_MESSAGE {
            return Err(Status::resource_exhausted(format!(
                "grpc: trying to send message larger than max ({length} vs. {MAX_MESSAGE})"
            )));
        }
        // Go's server leaves empty messages as they are.
        if self.gzip && length > 0 {
            return self.put_packed(message, list);
        }
        self.chunk.reserve(HEAD + begun + list.left.min(ROOM));
        self.put_head(PLAIN, length);
        message.encode_raw(&mut self.chunk);
        self.list = list;
        Ok(length)
    }

    fn put_packed(&mut self, message: impl Message, mut list: List) -> Result<usize, Status> {
        let mut plain = BytesMut::with_capacity(message.encoded_len() + list.left);
        message.encode_raw(&mut plain);
        while let Some(item) = list.next(&mut plain) {
            plain.put_slice(&item);
        }
        let mut packer = GzEncoder::new(Vec::new(), Compression::default());
        let packed = packer.write_all(&plain).and_then(|()| packer.finish());
        let packed = packed.map_err(|error| Status::internal(format!("grpc: error while compressing: {error}")))?;
        self.put_head(PACKED, packed.len());
        self.chunk.put_slice(&packed);
        Ok(packed.len())
    }

    fn put_head(&mut self, packing: u8, length: usize) {
        self.chunk.put_u8(packing);
        self.chunk.put_u32(length as u32);
    }

    /// Goes on with the message, until it is written or the chunk is full.
    fn fill(&mut self) {
        while !self.is_full() {
            if self.chunk.is_empty() {
                self.chunk.reserve(self.list.left.min(ROOM));
            }
            match self.list.next(&mut self.chunk) {
                Some(item) if item.len() >= WHOLE => self.whole = Some(item),
                Some(item) => self.chunk.put_slice(&item),
                None => return,
            }
        }
    }

    fn is_full(&self) -> bool {
        self.chunk.len() >= CHUNK || self.whole.is_some()
    }

    /// Sends what there is while nothing more comes.
    fn flush(&mut self) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.take() {
            Some(chunk) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            None => Poll::Pending,
        }
    }

    /// What is to be sent next.
    fn take(&mut self) -> Option<Bytes> {
        if self.chunk.is_empty() {
            return self.whole.take();
        }
        Some(std::mem::take(&mut self.chunk).freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::Encoded;
    use proto::etcd::{PutResponse, ResponseHeader};
    use proto::mvcc::KeyValue;

    fn item(size: usize) -> Encoded<KeyValue> {
        let value = vec![7; size].into();
        (&KeyValue {
            value,
            ..KeyValue::default()
        })
            .into()
    }

    fn range(sizes: &[usize]) -> RangeResponse {
        RangeResponse {
            header: Some(ResponseHeader {
                revision: 7,
                ..ResponseHeader::default()
            }),
            kvs: sizes.iter().map(|size| item(*size)).collect(),
            more: true,
            count: 1 << 40,
        }
    }

    fn chunks(writer: &mut Writer) -> Vec<Bytes> {
        let mut chunks = Vec::new();
        loop {
            writer.fill();
            match writer.take() {
                Some(chunk) => chunks.push(chunk),
                None => return chunks,
            }
        }
    }

    #[test]
    fn a_list_is_written_in_chunks_and_large_items_as_they_are() {
        for sizes in [
            vec![],
            vec![0, 1],
            vec![1000; 300],
            vec![10, 20_000, 10, 16 << 10, 100_000],
        ] {
            let answer = range(&sizes);
            let mut writer = Writer::default();
            let length = writer.put(Listed::from(answer.clone())).unwrap();
            assert_eq!(length, answer.encoded_len());
            let chunks = chunks(&mut writer);
            let all = chunks.concat();
            assert_eq!(all[..HEAD], [&[0][..], &(length as u32).to_be_bytes()].concat());
            assert_eq!(RangeResponse::decode(&all[HEAD..]).unwrap(), answer);
            for item in answer.kvs.iter().filter(|item| item.bytes().len() >= WHOLE) {
                assert!(
                    chunks.iter().any(|chunk| chunk.as_ptr() == item.bytes().as_ptr()),
                    "copied"
                );
            }
            assert!(
                chunks
                    .iter()
                    .all(|chunk| chunk.len() < CHUNK + WHOLE || chunk.len() > 100_000)
            );
            assert!(all.len() < CHUNK || chunks.len() > 1);
        }
    }

    #[test]
    fn what_is_not_encoded_here_has_its_own_keys() {
        let watch = WatchResponse {
            watch_id: 5,
            events: vec![Encoded::from_bytes(vec![8, 1].into()); 3],
            ..WatchResponse::default()
        };
        let mut writer = Writer::default();
        writer.put(Listed::from(watch.clone())).unwrap();
        assert_eq!(
            WatchResponse::decode(&chunks(&mut writer).concat()[HEAD..]).unwrap(),
            watch
        );
    }

    #[test]
    fn many_small_answers_share_a_chunk() {
        let mut writer = Writer::default();
        let answer = PutResponse::default();
        assert_eq!(writer.put(answer.clone()).unwrap(), 0);
        assert_eq!(writer.put(answer).unwrap(), 0);
        assert_eq!(chunks(&mut writer), [Bytes::from_static(&[0; 10])]);
    }

    #[test]
    fn packed_answers_are_gzip_and_empty_ones_are_not_packed() {
        let mut writer = Writer {
            gzip: true,
            ..Writer::default()
        };
        let answer = range(&[1000; 100]);
        let packed = writer.put(Listed::from(answer.clone())).unwrap();
        assert!(packed < 2000, "{packed}");
        let all = chunks(&mut writer).concat();
        assert_eq!(all[0], 1);
        let mut plain = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&all[HEAD..]), &mut plain).unwrap();
        assert_eq!(RangeResponse::decode(&plain[..]).unwrap(), answer);
        writer.put(PutResponse::default()).unwrap();
        assert_eq!(chunks(&mut writer).concat(), [0; HEAD]);
    }
}
