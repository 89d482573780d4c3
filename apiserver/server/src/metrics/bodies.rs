//! `apiserver_request_body_size_bytes`: how large the bodies of writes are.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use prometheus::{Histogram, HistogramVec, linear_buckets};

use super::Make;
use super::labels::{Route, verb};
use super::requests::float;
use crate::request::Call;

pub(crate) struct Bodies {
    sizes: HistogramVec,
}

impl Bodies {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            sizes: make.histograms(
                "apiserver_request_body_size_bytes",
                "[ALPHA] How many bytes the bodies of requests have, by verb and resource.",
                &linear_buckets(50_000.0, 100_000.0, 31)?,
                &["verb", "group", "resource"],
            )?,
        })
    }

    /// A body that is counted once it was read to its end; others are left as they are.
    pub(crate) fn count(&self, call: &Call, route: Option<&Route>, body: Body) -> Body {
        let name = match call.info.verb.as_str() {
            "create" => "create",
            "update" => "update",
            "patch" => "patch",
            "delete" => "delete",
            "deletecollection" => "delete_collection",
            _ => return body,
        };
        if !route.is_some_and(Route::is_resource) || verb(call, "") == "CONNECT" {
            return body;
        }
        let labels = [name, &call.info.group, &call.info.resource];
        Body::new(Counted {
            body,
            read: 0,
            size: Some(self.sizes.with_label_values(&labels)),
        })
    }
}

/// A body that is counted.
struct Counted {
    body: Body,
    read: u64,
    /// Until it was counted.
    size: Option<Histogram>,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match &frame {
            Poll::Ready(Some(Ok(frame))) => self.read += frame.data_ref().map_or(0, |data| data.len() as u64),
            Poll::Ready(None) => {
                if let Some(size) = self.size.take() {
                    size.observe(float(self.read));
                }
            }
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        // Who asks only this would not be counted.
        self.size.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use crate::catalog::Catalog;
    use crate::discovery::Served;
    use crate::metrics::Route;
    use crate::metrics::tests::Trial;
    use crate::request::content;
    use crate::request::tests::call;

    async fn read(trial: &Trial, method: &str, target: &str, body: impl Into<Body>) -> bool {
        let catalog = Catalog::new(&Served::default(), |_| None);
        let call = call(method, target);
        let route = Route::of(&catalog, &call);
        let body = trial.metrics.bodies.count(&call, route.as_ref(), body.into());
        content::read(body).await.is_ok()
    }

    #[tokio::test]
    async fn a_body_is_counted_once_it_was_read() {
        let trial = Trial::new();
        let size = 60_000;
        assert!(read(&trial, "POST", "/api/v1/namespaces/n/pods", "x".repeat(size)).await);
        assert!(read(&trial, "DELETE", "/api/v1/namespaces/n/pods", "").await);
        trial.shows(&[
            r#"apiserver_request_body_size_bytes_bucket{group="",resource="pods",verb="create",le="50000"} 0"#,
            r#"apiserver_request_body_size_bytes_bucket{group="",resource="pods",verb="create",le="150000"} 1"#,
            r#"apiserver_request_body_size_bytes_bucket{group="",resource="pods",verb="create",le="3.05e+06"} 1"#,
            r#"apiserver_request_body_size_bytes_sum{group="",resource="pods",verb="create"} 60000"#,
            r#"apiserver_request_body_size_bytes_count{group="",resource="pods",verb="delete_collection"} 1"#,
        ]);
    }

    #[tokio::test]
    async fn what_is_no_write_or_too_large_is_not_counted() {
        let trial = Trial::new();
        assert!(read(&trial, "GET", "/api/v1/pods", "x").await);
        assert!(read(&trial, "POST", "/api/v1/namespaces/n/pods/p/exec", "x").await);
        assert!(read(&trial, "POST", "/api/v1/nopes", "x").await);
        let too_large = vec![b'x'; content::BODY_MAX + 1];
        assert!(!read(&trial, "PUT", "/api/v1/namespaces/n/pods/p", too_large).await);
        let seen = r#"apiserver_request_body_size_bytes_count{group="",resource="pods",verb="update"} 0"#;
        trial.shows(&[seen]);
        trial.lacks(&[r#"verb="create""#, "nopes"]);
    }
}
