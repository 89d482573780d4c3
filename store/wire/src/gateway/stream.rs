//! Streams through the gateway: JSON values in, one line of JSON for each answer out.

use bytes::{Bytes, BytesMut};
use futures_util::stream::unfold;
use http::Response;
use http::header::{self, HeaderValue};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use prost_reflect::MessageDescriptor;
use tonic::Status;
use tonic::body::Body;

use super::{json, refusal_in};
use crate::frames::{framed, next_message, too_large};

/// The request messages of a body of JSON values, each read when it is asked for.
pub(super) fn requests(body: Body, shape: MessageDescriptor, limit: usize) -> Body {
    let reading = Reading {
        body,
        buffer: BytesMut::new(),
        shape,
        limit,
    };
    Body::new(StreamBody::new(Box::pin(unfold(Some(reading), |reading| async move {
        let mut reading = reading?;
        match reading.next().await {
            Ok(Some(message)) => Some((Ok(Frame::data(framed(&message))), Some(reading))),
            Ok(None) => None,
            Err(status) => Some((Err(status), None)),
        }
    }))))
}

struct Reading {
    body: Body,
    buffer: BytesMut,
    shape: MessageDescriptor,
    limit: usize,
}

impl Reading {
    async fn next(&mut self) -> Result<Option<Bytes>, Status> {
        loop {
            if let Some(message) = json::next_message(&mut self.buffer, &self.shape)? {
                return Ok(Some(message));
            }
            if self.buffer.len() > self.limit {
                return Err(too_large(self.buffer.len(), self.limit));
            }
            match self.body.frame().await {
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                None if json::is_blank(&self.buffer) => return Ok(None),
                None => return Err(Status::invalid_argument("unexpected EOF")),
            }
        }
    }
}

/// The answers of a call, one at a time.
pub(super) struct Answers {
    body: Body,
    buffer: BytesMut,
    shape: MessageDescriptor,
}

impl Answers {
    pub(super) fn new(response: Response<Body>, shape: MessageDescriptor) -> Result<Self, Status> {
        match refusal_in(response.headers()) {
            Some(status) => Err(status),
            None => Ok(Self {
                body: response.into_body(),
                buffer: BytesMut::new(),
                shape,
            }),
        }
    }

    /// The next answer, as `{"result": ...}`.
    pub(super) async fn next(&mut self) -> Result<Option<String>, Status> {
        loop {
            if let Some(message) = next_message(&mut self.buffer) {
                return Ok(Some(format!("{{\"result\":{}}}", json::written(message, &self.shape)?)));
            }
            let Some(frame) = self.body.frame().await else {
                return Ok(None);
            };
            match frame?.into_data() {
                Ok(data) => self.buffer.extend_from_slice(&data),
                Err(frame) => {
                    if let Some(status) = frame.trailers_ref().and_then(refusal_in) {
                        return Err(status);
                    }
                }
            }
        }
    }
}

/// The body of an answer that streams.
pub(super) fn answers(response: Response<Body>, shape: MessageDescriptor) -> Response<Body> {
    let answers = match Answers::new(response, shape) {
        Ok(answers) => answers,
        Err(status) => {
            return crate::reply::json(
                json::http_status(status.code()),
                json::refusal_in_stream(&status).to_string(),
            );
        }
    };
    let lines = unfold(Some(answers), |answers| async move {
        let mut answers = answers?;
        let (line, answers) = match answers.next().await {
            Ok(Some(line)) => (line, Some(answers)),
            Ok(None) => return None,
            Err(status) => (json::refusal_in_stream(&status).to_string(), None),
        };
        Some((Ok::<_, Status>(Frame::data(Bytes::from(format!("{line}\n")))), answers))
    });
    let mut response = Response::new(Body::new(StreamBody::new(Box::pin(lines))));
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
