//! A pod that is played: plain HTTP, pages with links, redirects, and a protocol to switch to.

use axum::body::Body;
use base::task::Tasks;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;

use super::listen;

/// Starts one; gives its port.
pub(super) async fn start(tasks: &Tasks) -> u16 {
    let inner = tasks.clone();
    let service = move |request: Request<Incoming>, _| -> BoxFuture<'static, Response<Body>> {
        Box::pin(answer(request, inner.clone()))
    };
    listen(tasks, service).await.port()
}

async fn answer(request: Request<Incoming>, tasks: Tasks) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert("access-control-allow-origin", "*".parse().unwrap());
    headers.insert("keep-alive", "timeout=5".parse().unwrap());
    match path.as_str() {
        "/page" => {
            headers.insert("content-type", "text/html; charset=utf-8".parse().unwrap());
            headers.insert("cache-control", "max-age=60".parse().unwrap());
            let page = r#"<a href="/next?x=1">next</a><a href="near">near</a>"#;
            *response.body_mut() = page.into();
        }
        "/moved" => {
            headers.insert("location", "/page/".parse().unwrap());
            *response.status_mut() = http::StatusCode::FOUND;
        }
        "/bad-moved" => {
            headers.insert("location", "/%zz".parse().unwrap());
        }
        "/switch" => {
            *response.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
            let headers = response.headers_mut();
            headers.insert("connection", "Upgrade".parse().unwrap());
            headers.insert("upgrade", "echo".parse().unwrap());
            tasks.spawn_until("switched pod", async move {
                let upgraded = hyper::upgrade::on(request).await.unwrap();
                let (mut from, mut to) = tokio::io::split(TokioIo::new(upgraded));
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
        _ => {
            let mut said = format!("{} {}\n", request.method(), request.uri());
            let mut lines: Vec<String> = request
                .headers()
                .iter()
                .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()))
                .collect();
            lines.sort();
            said.extend(lines);
            let body = request.into_body().collect().await.unwrap().to_bytes();
            said.push_str(&String::from_utf8_lossy(&body));
            *response.body_mut() = said.into();
        }
    }
    response
}
