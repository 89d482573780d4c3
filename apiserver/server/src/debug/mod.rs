//! `/debug/pprof/`: where the server spends its time, for Go's `pprof` and whatever else reads its profiles.
//!
//! Of Go's profiles there is what this program can know of itself: the processors' time, and the names behind addresses.

mod profile;
mod wire;

use std::fmt::Write;
use std::time::Duration;

use axum::body::Body;
use base::task::Tasks;
use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_DISPOSITION, HeaderValue, LOCATION};
use http_body_util::{BodyExt, Limited};

use crate::answer::{self, Answer};
use crate::request::Call;

/// Where all the paths are.
pub(crate) const ROOT: &str = "/debug/pprof";
/// What they begin with; requests below it last as long as the client wants.
pub(crate) const PREFIX: &str = "/debug/pprof/";
/// Addresses to be named, at most.
const QUESTION: usize = 1 << 20;
/// Seconds of a profile where the client does not say.
const SECONDS: u64 = 30;

const INDEX: &str = "<html>
<head>
<title>/debug/pprof/</title>
</head>
<body>
/debug/pprof/
<p>Profiles that there are:</p>
<ul>
<li><a href='profile?seconds=30'>profile</a>: processor time of all threads while the request lasts; ?seconds=N says for how long</li>
<li><a href='symbol'>symbol</a>: the functions at the addresses that the query or the body names, joined by plus signs</li>
</ul>
</body>
</html>
";

/// What shows where the server spends its time.
pub(crate) struct Debug {
    tasks: Tasks,
}

impl Debug {
    pub(crate) const fn new(tasks: Tasks) -> Self {
        Self { tasks }
    }

    /// Answers where the path is one of these. All methods are taken, as upstream takes them.
    pub(crate) async fn serve(&self, call: &Call, body: Body) -> Option<Answer> {
        if call.path == ROOT {
            return Some(elsewhere(call));
        }
        Some(match call.path.strip_prefix(PREFIX)? {
            "" => certain(200, "text/html; charset=utf-8", INDEX),
            "profile" => self.profile(call).await,
            "symbol" => {
                let text = symbols(&question(call, body).await);
                answer::text(200, text)
            }
            _ => refuse(404, "Unknown profile"),
        })
    }

    async fn profile(&self, call: &Call) -> Answer {
        let seconds = call.query.text("seconds").parse().ok().filter(|seconds| *seconds > 0);
        let running = match profile::Running::start() {
            Ok(running) => running,
            Err(error) => return refuse(500, &format!("Could not enable CPU profiling: {error}")),
        };
        tokio::time::sleep(Duration::from_secs(seconds.unwrap_or(SECONDS))).await;
        // Naming all functions takes a while.
        let written = self.tasks.spawn_blocking("cpu profile", move || running.finish()).await;
        match written {
            Some(Ok(bytes)) => {
                let mut answer = certain(200, "application/octet-stream", bytes);
                let name = HeaderValue::from_static("attachment; filename=\"profile\"");
                answer.headers_mut().insert(CONTENT_DISPOSITION, name);
                answer
            }
            Some(Err(error)) => refuse(500, &error.to_string()),
            None => refuse(500, "the profile was not written"),
        }
    }
}

/// An answer whose type browsers must not guess at.
fn certain(code: u16, media_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = answer::bytes(code, media_type, body);
    let headers = answer.headers_mut();
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    answer
}

fn refuse(code: u16, text: &str) -> Answer {
    let mut answer = certain(code, "text/plain; charset=utf-8", format!("{text}\n"));
    answer.headers_mut().insert("x-go-pprof", HeaderValue::from_static("1"));
    answer
}

/// Sends the client to the index.
fn elsewhere(call: &Call) -> Answer {
    let mut answer = if crate::pipeline::reads(&call.method) {
        let body = format!("<a href=\"{PREFIX}\">Found</a>.\n\n");
        answer::bytes(302, "text/html; charset=utf-8", body)
    } else {
        answer::nothing(302)
    };
    answer.headers_mut().insert(LOCATION, HeaderValue::from_static(PREFIX));
    answer
}

/// The addresses that are asked for: the body of a POST, the query of any other.
async fn question(call: &Call, body: Body) -> String {
    if call.method != Method::POST {
        return call.uri.query().unwrap_or_default().to_owned();
    }
    let read = Limited::new(body, QUESTION).collect().await;
    let bytes = read.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The functions at addresses, a line each. The first line says that there are names at all.
fn symbols(question: &str) -> String {
    let mut text = "num_symbols: 1\n".to_owned();
    for word in question.split('+') {
        let word = word.trim();
        let number = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
            Some(hex) => usize::from_str_radix(hex, 16),
            None => word.parse(),
        };
        if let Some(address) = number.ok().filter(|address| *address != 0)
            && let Some(name) = profile::name_at(address)
        {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{address:#x} {name}");
        }
    }
    text
}

#[cfg(test)]
mod tests;
