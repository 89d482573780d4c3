//! One connection in the hands of one client: calls that send ready frames.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::{ResponseFuture, SendRequest};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version, header};

use super::{Incoming, Outgoing, Skimmer, Visit};

/// What is asked of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Range,
    RangeStream,
    Put,
    Txn,
    Compact,
    Watch,
    Grant,
    KeepAlive,
    Status,
}

/// Every method and its path, in the order of [`Method`].
const PATHS: &[(Method, &str)] = &[
    (Method::Range, "/etcdserverpb.KV/Range"),
    (Method::RangeStream, "/etcdserverpb.KV/RangeStream"),
    (Method::Put, "/etcdserverpb.KV/Put"),
    (Method::Txn, "/etcdserverpb.KV/Txn"),
    (Method::Compact, "/etcdserverpb.KV/Compact"),
    (Method::Watch, "/etcdserverpb.Watch/Watch"),
    (Method::Grant, "/etcdserverpb.Lease/LeaseGrant"),
    (Method::KeepAlive, "/etcdserverpb.Lease/LeaseKeepAlive"),
    (Method::Status, "/etcdserverpb.Maintenance/Status"),
];

/// The code with which a server says that it has no such method.
const UNIMPLEMENTED: u32 = 12;

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// The server answered with an error; the connection goes on.
    #[error("{message} (code {code})")]
    Status {
        /// gRPC's code.
        code: u32,
        /// The server's text.
        message: String,
    },
    /// The connection was lost, and the next request opens another.
    #[error("a connection was lost: {0}")]
    Lost(String),
    /// The connection or the answer is broken.
    #[error("the connection broke: {0}")]
    Broken(String),
}

impl Fault {
    /// Whether the server does not know the method.
    pub(crate) fn is_unimplemented(&self) -> bool {
        matches!(self, Self::Status { code, .. } if *code == UNIMPLEMENTED)
    }
}

impl From<h2::Error> for Fault {
    fn from(error: h2::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// All that stands in the head of a request, made once a connection.
pub(crate) struct Methods {
    uris: Vec<Uri>,
    headers: HeaderMap,
}

impl Methods {
    pub(crate) fn of(scheme: &Scheme, authority: &Authority) -> Result<Self, http::Error> {
        let uri = |path: &'static str| {
            Uri::builder()
                .scheme(scheme.clone())
                .authority(authority.clone())
                .path_and_query(PathAndQuery::from_static(path))
                .build()
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
        Ok(Self {
            uris: PATHS.iter().map(|(_, path)| uri(path)).collect::<Result<_, _>>()?,
            headers,
        })
    }

    fn request(&self, method: Method) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = http::Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = self.uris[method as usize].clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// A handle to one connection. Clones share the connection; each client has its own.
#[derive(Clone)]
pub(crate) struct Link {
    sender: SendRequest<Bytes>,
    methods: Arc<Methods>,
}

impl Link {
    pub(crate) fn new(sender: SendRequest<Bytes>, methods: Arc<Methods>) -> Self {
        Self { sender, methods }
    }

    /// Sends one ready frame and shows the answer, or all answers of a stream, to `visit`.
    ///
    /// # Errors
    /// The server's error, or a broken connection.
    pub(crate) async fn call(&mut self, method: Method, frame: Bytes, visit: &mut impl Visit) -> Result<(), Fault> {
        let skimmer = if method == Method::RangeStream {
            Skimmer::of_wrapped()
        } else {
            Skimmer::new()
        };
        let (response, mut stream) = self.begin(method).await?;
        stream.send_data(frame, true)?;
        read_to_end(response.await?, skimmer, visit).await
    }

    /// Opens a stream in both directions.
    ///
    /// # Errors
    /// A broken connection.
    pub(crate) async fn open(&mut self, method: Method) -> Result<(Outgoing, Incoming), Fault> {
        let (response, stream) = self.begin(method).await?;
        Ok((Outgoing::new(stream), Incoming::new(response)))
    }

    async fn begin(&mut self, method: Method) -> Result<(ResponseFuture, h2::SendStream<Bytes>), Fault> {
        poll_fn(|context| self.sender.poll_ready(context)).await?;
        Ok(self.sender.send_request(self.methods.request(method), false)?)
    }
}

async fn read_to_end(
    response: Response<RecvStream>,
    mut skimmer: Skimmer,
    visit: &mut impl Visit,
) -> Result<(), Fault> {
    let mut body = head(response)?;
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        body.flow_control().release_capacity(chunk.len())?;
        skimmer.feed(&chunk, visit)?;
    }
    let trailers = body.trailers().await?.unwrap_or_default();
    status(&trailers)
}

/// The body, unless the head of the answer already says that there is none.
pub(crate) fn head(response: Response<RecvStream>) -> Result<RecvStream, Fault> {
    if response.status() != StatusCode::OK {
        return Err(Fault::Broken(format!("HTTP status {}", response.status())));
    }
    if response.headers().contains_key("grpc-status") {
        status(response.headers())?;
    }
    Ok(response.into_body())
}

/// What the trailers say.
pub(crate) fn status(trailers: &HeaderMap) -> Result<(), Fault> {
    let text = |name| trailers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    match text("grpc-status") {
        Some("0") => Ok(()),
        Some(code) => Err(Fault::Status {
            code: code.parse().unwrap_or(u32::MAX),
            message: text("grpc-message").unwrap_or_default().to_owned(),
        }),
        None => Err(Fault::Broken("the answer ended without a status".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stand_in_the_order_of_methods() {
        for (place, (method, _)) in PATHS.iter().enumerate() {
            assert_eq!(*method as usize, place);
        }
    }

    #[test]
    fn trailers_are_read() {
        let trailers = |code: &'static str| {
            let mut map = HeaderMap::new();
            map.insert("grpc-status", HeaderValue::from_static(code));
            map.insert("grpc-message", HeaderValue::from_static("no"));
            map
        };
        assert_eq!(status(&trailers("0")), Ok(()));
        assert!(status(&trailers("12")).unwrap_err().is_unimplemented());
        assert_eq!(status(&trailers("5")).unwrap_err().to_string(), "no (code 5)");
        assert!(matches!(status(&HeaderMap::new()), Err(Fault::Broken(_))));
    }
}
