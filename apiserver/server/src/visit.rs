//! A request until its answer is out: answers that lie ready are noted at once, those that are still being made when they end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::answer::Answer;
use crate::drain::{Drain, Stay};
use crate::filters::{self, Arrival};
use crate::metrics::{Metrics, Open, Route};
use crate::request::Call;

/// A request that was answered.
pub(crate) struct Visit {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) call: Call,
    pub(crate) arrival: Arrival,
    /// Whom it was for, where it came that far.
    pub(crate) route: Option<Route>,
    /// Whether it is long by nature.
    pub(crate) is_long: bool,
    /// The end of the server waits for it as long as this is held.
    pub(crate) stay: Option<Stay>,
}

/// An answer that is being made while it is sent.
struct Outgoing {
    body: Body,
    sent: u64,
    visit: Visit,
    code: StatusCode,
    /// Whether it ended.
    ended: bool,
    /// Resolves when it is to end all the same.
    until: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// One of those that are open.
    _open: Option<Open>,
}

impl Visit {
    /// Lets the answer go, and notes how it ends.
    pub(crate) fn see_off(mut self, drain: &Drain, answer: Answer) -> Answer {
        let code = answer.status();
        let media_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.unwrap_or_default();
        let call = &self.call;
        let route = self.route.filter(|route| route.counts(call, code.as_u16(), media_type));
        self.route = route.map(|route| route.told(media_type));
        if let Some(size) = answer.body().size_hint().exact() {
            self.note(code, size);
            return answer;
        }
        let is_watch = self.call.info.verb == "watch";
        answer.map(|body| {
            Body::new(Outgoing {
                body,
                sent: 0,
                code,
                ended: false,
                until: is_watch.then(|| drain.end_of_a_watch()),
                _open: self
                    .is_long
                    .then(|| self.metrics.long.open(&self.call, self.route.as_ref())),
                visit: self,
            })
        })
    }

    /// The answer is out, with so many bytes.
    fn note(&self, code: StatusCode, size: u64) {
        let took = self.call.since.elapsed();
        filters::log(&self.call, &self.arrival, code.as_u16(), took);
        if let Some(route) = &self.route {
            let requests = &self.metrics.requests;
            requests.answered(&self.call, route, code.as_str(), size, took);
        }
    }
}

impl Outgoing {
    fn end(&mut self) {
        self.ended = true;
        self.visit.note(self.code, self.sent);
        self.visit.stay = None;
    }

    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.until
            .as_mut()
            .is_some_and(|until| until.as_mut().poll(context).is_ready())
    }
}

impl HttpBody for Outgoing {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.sent += frame.data_ref().map_or(0, |data| data.len() as u64);
                Poll::Ready(Some(Ok(frame)))
            }
            // What is there is sent first: the end is looked for when there is nothing.
            Poll::Pending if !self.is_over(context) => Poll::Pending,
            Poll::Pending | Poll::Ready(None) => {
                self.end();
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // The client went, or could not be reached. Whoever asks for long answers may do so.
        if !self.visit.is_long {
            let requests = &self.visit.metrics.requests;
            requests.aborted(&self.visit.call, self.visit.route.as_ref());
            requests.terminated(&self.visit.call, self.visit.route.as_ref(), "504");
        }
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use axum::body::Body;
    use base::random::Seeded;
    use bytes::Bytes;
    use futures_util::{FutureExt, StreamExt, stream};
    use http::{Request, Response};
    use http_body_util::BodyExt;

    use super::Visit;
    use crate::answer;
    use crate::catalog::Catalog;
    use crate::discovery::Served;
    use crate::drain::{Drain, Options};
    use crate::filters::Filters;
    use crate::metrics::tests::Trial;
    use crate::metrics::{Metrics, Route};
    use crate::request::tests::call;

    fn visit(metrics: &Arc<Metrics>, drain: &Drain, target: &str) -> Visit {
        let call = call("GET", target);
        let catalog = Catalog::new(&Served::default(), |_| None);
        let (parts, ()) = Request::new(()).into_parts();
        let is_long = target.contains("watch");
        Visit {
            metrics: metrics.clone(),
            arrival: Filters::new(&Default::default(), Arc::new(Seeded::new(1)))
                .unwrap()
                .arrive(&parts),
            route: Route::of(&catalog, &call),
            is_long,
            stay: drain.enter(&call, is_long).ok(),
            call,
        }
    }

    fn trial() -> (Trial, Drain) {
        (Trial::new(), Drain::new(Options::default()))
    }

    fn pieces(pieces: &'static [&'static str]) -> Body {
        let pieces =
            stream::iter(pieces).map(|piece| Ok::<_, std::convert::Infallible>(Bytes::from_static(piece.as_bytes())));
        Body::from_stream(pieces)
    }

    const LIST: &str = r#"apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="pods",scope="cluster",subresource="",verb="LIST",version="v1"} 1"#;
    const SIZE: &str = r#"apiserver_response_sizes_sum{component="apiserver",group="",resource="pods",scope="cluster",subresource="",verb="LIST",version="v1"}"#;

    #[tokio::test]
    async fn an_answer_that_lies_ready_is_noted_at_once() {
        let (trial, drain) = trial();
        let visit = visit(&trial.metrics, &drain, "/api/v1/pods");
        let _answer = visit.see_off(&drain, answer::text(200, "12345"));
        trial.shows(&[LIST, &format!("{SIZE} 5")]);
    }

    #[tokio::test]
    async fn an_answer_that_is_being_made_is_noted_when_it_ends() {
        let (trial, drain) = trial();
        let visit = visit(&trial.metrics, &drain, "/api/v1/pods");
        let answer = visit.see_off(&drain, Response::new(pieces(&["123", "4567"])));
        trial.lacks(&["apiserver_request_total"]);
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "1234567");
        trial.shows(&[LIST, &format!("{SIZE} 7")]);
        trial.lacks(&["apiserver_request_aborts_total"]);
    }

    #[tokio::test]
    async fn an_answer_that_breaks_off_is_told_so() {
        let (trial, drain) = trial();
        let visit = visit(&trial.metrics, &drain, "/api/v1/pods");
        let mut body = visit
            .see_off(&drain, Response::new(pieces(&["123", "4567"])))
            .into_body();
        body.frame().await;
        drop(body);
        let place = r#"group="",resource="pods",scope="cluster",subresource="",verb="LIST",version="v1"} 1"#;
        trial.shows(&[
            LIST,
            &format!("{SIZE} 3"),
            &format!("apiserver_request_aborts_total{{{place}"),
            &format!(r#"apiserver_request_terminations_total{{code="504",component="apiserver",{place}"#),
        ]);
    }

    #[tokio::test]
    async fn a_watch_is_open_until_the_client_goes() {
        let (trial, drain) = trial();
        let visit = visit(&trial.metrics, &drain, "/api/v1/pods?watch=1");
        let open = r#"apiserver_longrunning_requests{component="apiserver",group="",resource="pods",scope="cluster",subresource="",verb="WATCH",version="v1"}"#;
        let answer = visit.see_off(&drain, Response::new(pieces(&["1"])));
        trial.shows(&[&format!("{open} 1")]);
        drop(answer);
        trial.shows(&[&format!("{open} 0"), &LIST.replace("LIST", "WATCH")]);
        trial.lacks(&["apiserver_request_aborts_total"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_ends_with_the_server_once_it_was_told_what_there_is() {
        let (trial, drain) = trial();
        let visit = visit(&trial.metrics, &drain, "/api/v1/pods?watch=1");
        let events = pieces(&["1"]).into_data_stream().chain(stream::pending());
        let body = visit
            .see_off(&drain, Response::new(Body::from_stream(events)))
            .into_body();
        let all = body.collect();
        tokio::pin!(all);
        assert!(all.as_mut().now_or_never().is_none());
        drain.run(Duration::from_secs(60), async || ()).await;
        assert_eq!(all.await.unwrap().to_bytes(), "1");
    }
}
