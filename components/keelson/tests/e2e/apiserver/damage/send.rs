//! A request with any bytes, over a connection that is kept.

use kube::Client;
use kube::client::Body;
use serde_json::Value;

use crate::harness::LONG;

/// What is sent.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) content: &'static str,
    pub(super) accept: &'static str,
    pub(super) body: Vec<u8>,
}

/// What came back.
pub(super) struct Answer {
    pub(super) code: u16,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn json(method: &'static str, path: &str, body: &Value) -> Self {
        Self::of(method, path, "application/json", body.to_string().into_bytes())
    }

    pub(super) fn of(method: &'static str, path: &str, content: &'static str, body: Vec<u8>) -> Self {
        Self {
            method,
            path: path.to_owned(),
            content,
            accept: "application/json",
            body,
        }
    }

    pub(super) fn get(path: &str, accept: &'static str) -> Self {
        Self {
            accept,
            ..Self::of("GET", path, "", Vec::new())
        }
    }

    /// Enough of it to send it again.
    pub(super) fn shown(&self) -> String {
        let body = self.body.escape_ascii();
        format!("{} {} ({}) {body}", self.method, self.path, self.content)
    }
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends a request, and reads all of the answer.
///
/// # Errors
/// Why there is none: the connection ended, or it took too long.
pub(super) async fn send(client: &Client, request: &Request) -> Result<Answer, String> {
    let mut built = http::Request::builder().method(request.method).uri(&request.path);
    built = built.header("accept", request.accept);
    if !request.content.is_empty() {
        built = built.header("content-type", request.content);
    }
    let built = built.body(Body::from(request.body.clone())).unwrap();
    let exchange = async {
        let response = client.send(built).await.map_err(|error| error.to_string())?;
        let code = response.status().as_u16();
        let body = response.into_body().collect_bytes().await;
        let body = body.map_err(|error| error.to_string())?.to_vec();
        Ok(Answer { code, body })
    };
    let answered = tokio::time::timeout(LONG, exchange).await;
    answered.unwrap_or_else(|_| Err("no answer in time".to_owned()))
}
