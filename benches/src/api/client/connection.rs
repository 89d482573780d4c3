//! One client's connection: it is kept from request to request, and opened anew when it was lost.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;

use super::dial::chain;
use super::{Answer, Dialer};
use crate::rpc::Fault;

/// A kind of request: all that does not differ from one to the next.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
}

/// A connection in the hands of one client.
pub(crate) struct Connection {
    dialer: Dialer,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// Nothing is opened before the first request, unless [`Connection::open`] is called.
    pub(crate) fn new(dialer: Dialer) -> Self {
        Self { dialer, sender: None }
    }

    /// Opens the connection if it is not open, so that the first request does not wait for it.
    ///
    /// # Errors
    /// [`Fault::Lost`]: nobody answers, or the handshake fails.
    pub(crate) async fn open(&mut self) -> Result<(), Fault> {
        self.ready().await.map(drop)
    }

    async fn ready(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, Fault> {
        let usable = match &mut self.sender {
            // The server may have closed it meanwhile.
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            self.sender = None;
            let sender = self.dialer.http1().await?;
            return Ok(self.sender.insert(sender));
        }
        self.sender
            .as_mut()
            .ok_or_else(|| Fault::Lost("there is none".to_owned()))
    }

    /// Sends a request and reads its answer to the end.
    ///
    /// # Errors
    /// The server's error, or a lost connection; the next request opens another.
    pub(crate) async fn call(&mut self, ask: &Ask, path: Bytes, body: Bytes, answer: &mut Answer) -> Result<(), Fault> {
        answer.clear();
        let outcome = self.exchange(ask, path, body, answer).await;
        if let Err(Fault::Lost(_)) = &outcome {
            self.sender = None;
        }
        outcome
    }

    async fn exchange(&mut self, ask: &Ask, path: Bytes, body: Bytes, answer: &mut Answer) -> Result<(), Fault> {
        let lost = |error: hyper::Error| Fault::Lost(chain(&error));
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = ask.method.clone();
        *request.uri_mut() = self.dialer.target(path)?;
        *request.headers_mut() = ask.headers.clone();
        request.headers_mut().insert(header::HOST, self.dialer.host());
        let sender = self.ready().await?;
        let sent = match sender.try_send_request(request).await {
            Ok(response) => Ok(response),
            // It was closed before the request was sent.
            Err(mut error) => match error.take_message() {
                Some(request) => {
                    self.sender = None;
                    self.ready().await?.send_request(request).await
                }
                None => Err(error.into_error()),
            },
        };
        let response = sent.map_err(lost)?;
        let (head, mut body) = response.into_parts();
        answer.begin(&head);
        while let Some(frame) = body.frame().await {
            if let Some(bytes) = frame.map_err(lost)?.data_ref() {
                answer.feed(bytes);
            }
        }
        answer.fault(head.status)
    }
}
