//! The messages of a request, read from its body: limited, unpacked and decoded, refused as Go's server refuses.
//!
//! A message stands in a buffer of its own size, of which its keys and values are slices: what is kept of them for long
//! keeps nothing else.

use std::io::Read;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use flate2::read::GzDecoder;
use http_body::Body as _;
use http_body_util::BodyExt;
use prost::Message;
use tonic::Status;
use tonic::body::Body;

use crate::frames::{HEAD, PACKED, PLAIN, too_large};
use crate::metrics::Method;

/// The messages that a client sends in one call.
pub(crate) struct Requests {
    body: Body,
    /// What was received and not read yet.
    held: Bytes,
    /// The beginning of a message that came in pieces.
    begun: BytesMut,
    limit: usize,
    gzip: bool,
    method: Arc<Method>,
}

impl Requests {
    /// Reads messages of at most `limit` bytes; with `gzip` they may be packed.
    pub(super) fn new(body: Body, limit: usize, gzip: bool, method: Arc<Method>) -> Self {
        Self {
            body,
            held: Bytes::new(),
            begun: BytesMut::new(),
            limit,
            gzip,
            method,
        }
    }

    /// The one message of a call that has one.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub(crate) async fn only<M: Message + Default>(&mut self) -> Result<M, Status> {
        let message = self.bytes().await?.ok_or_else(|| Status::unknown("EOF"))?;
        // The client's last word: without it the answer would end the call before the client has.
        while !self.body.is_end_stream() {
            match self.body.frame().await {
                Some(frame) => drop(frame?),
                None => break,
            }
        }
        M::decode(message).map_err(|error| Status::internal(format!("grpc: error unmarshalling request: {error}")))
    }

    /// The next message, nothing once the client has closed its side. Cancel safe.
    pub(crate) async fn next<M: Message + Default>(&mut self) -> Option<Result<M, Status>> {
        let decode = |message| {
            M::decode(message)
                .map_err(|error| Status::internal(format!("grpc: failed to unmarshal the received message: {error}")))
        };
        self.bytes()
            .await
            .and_then(|message| message.map(decode).transpose())
            .transpose()
    }

    async fn bytes(&mut self) -> Result<Option<Bytes>, Status> {
        loop {
            if let Some((packing, message)) = self.take()? {
                self.method.received.inc();
                self.method.received_bytes.inc_by(message.len() as u64);
                return self.unpacked(packing, message).map(Some);
            }
            match self.body.frame().await {
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        self.held = data;
                    }
                }
                None if self.begun.is_empty() => return Ok(None),
                None => return Err(Status::internal("unexpected EOF")),
            }
        }
    }

    /// The first message in what was received, if it is there as a whole: how it is packed and its bytes.
    fn take(&mut self) -> Result<Option<(u8, Bytes)>, Status> {
        if !self.begun.is_empty() || self.held.len() < HEAD {
            self.begin(HEAD);
        }
        let head = self.begun.first_chunk().or_else(|| self.held.first_chunk());
        let Some(&[packing, a, b, c, d]) = head else {
            return Ok(None);
        };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if length > self.limit {
            return Err(too_large(length, self.limit));
        }
        self.begin(HEAD + length);
        if self.begun.len() < HEAD + length {
            return Ok(None);
        }
        let mut message = std::mem::take(&mut self.begun).freeze();
        message.advance(HEAD);
        Ok(Some((packing, message)))
    }

    /// Adds to the message in pieces, until it has so many bytes.
    fn begin(&mut self, bytes: usize) {
        let missing = bytes.saturating_sub(self.begun.len());
        self.begun.reserve(missing);
        let there = missing.min(self.held.len());
        self.begun.extend_from_slice(&self.held[..there]);
        self.held.advance(there);
    }

    fn unpacked(&self, packing: u8, message: Bytes) -> Result<Bytes, Status> {
        match packing {
            PLAIN => Ok(message),
            PACKED if self.gzip => gunzip(&message, self.limit),
            PACKED => Err(Status::internal(
                "grpc: compressed flag set with identity or empty encoding",
            )),
            other => Err(Status::internal(format!(
                "grpc: received unexpected payload format {other}"
            ))),
        }
    }
}

/// Unpacks a message; one that is too long is not unpacked further than to see that.
fn gunzip(message: &[u8], limit: usize) -> Result<Bytes, Status> {
    let mut plain = Vec::new();
    GzDecoder::new(message)
        .take(limit as u64 + 1)
        .read_to_end(&mut plain)
        .map_err(|error| Status::internal(format!("grpc: failed to decompress the received message: {error}")))?;
    if plain.len() > limit {
        return Err(Status::resource_exhausted(format!(
            "grpc: received message after decompression larger than max {limit}"
        )));
    }
    Ok(plain.into())
}
