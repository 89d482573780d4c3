//! Whether something that listens says that it is well, in the words of upstream's probes.

use std::fmt::Display;
use std::time::Duration;

use apiserver_api::go::quote;
use axum::body::Body;
use http::Request;
use http::header::{ACCEPT, CONNECTION, HeaderValue, USER_AGENT};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::timeout;

use super::Connect;

/// What is said is read up to here; upstream's limit.
const SAID_MAX: usize = 10 * 1024;

impl Connect {
    /// Asks whether something is well, and gives what it says. Its certificate is not checked.
    ///
    /// # Errors
    /// It is not, or does not answer in this time.
    pub(crate) async fn probe(&self, url: &str, patience: Duration) -> Result<String, String> {
        let failed = |why: &dyn Display| format!("Get {}: {why}", quote(url));
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = url.parse().map_err(|error: http::uri::InvalidUri| failed(&error))?;
        for (name, value) in [
            (USER_AGENT, "kube-probe/1.36"),
            (ACCEPT, "*/*"),
            // The next one asks in a while, and is to learn whether connections are taken, too.
            (CONNECTION, "close"),
        ] {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        let asked = async {
            let answer = self.0.others.send(request).await.map_err(|error| failed(&error))?;
            let code = answer.status();
            let said = said(answer.into_body()).await.map_err(|error| failed(&error))?;
            if code.is_success() || code.is_redirection() {
                Ok(said)
            } else {
                Err(format!("HTTP probe failed with statuscode: {}", code.as_u16()))
            }
        };
        let late = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
        timeout(patience, asked).await.unwrap_or_else(|_| Err(failed(&late)))
    }
}

/// The beginning of a body.
async fn said(mut body: Incoming) -> Result<String, hyper::Error> {
    let mut said = Vec::new();
    while let Some(frame) = body.frame().await.transpose()?
        && said.len() < SAID_MAX
    {
        said.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
    }
    said.truncate(SAID_MAX);
    Ok(String::from_utf8_lossy(&said).into_owned())
}
