//! Bodies that nobody read to their end: what is left of a small one is read after the answer, as Go's server does. A
//! connection of HTTP/1 can so be used again, and a client of HTTP/2 that is still sending does not take the end of its
//! stream for a failure.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};

/// So many bytes are read that nobody wants.
const MOST: usize = 256 << 10;
/// For so long.
const PATIENCE: Duration = Duration::from_secs(5);

/// A body that is read to its end, by whoever answers or afterwards.
pub(crate) struct Leftover(Option<Body>);

impl Leftover {
    /// Of this body.
    pub(crate) const fn of(body: Body) -> Self {
        Self(Some(body))
    }
}

impl HttpBody for Leftover {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(cx);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.0 = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        let Some(body) = self.0.take().filter(|body| !body.is_end_stream()) else {
            return;
        };
        let large = usize::try_from(body.size_hint().lower()).map_or(true, |least| least > MOST);
        if let (false, Ok(runtime)) = (large, tokio::runtime::Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(PATIENCE, read(body)));
        }
    }
}

async fn read(mut body: Body) {
    let mut left = MOST;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        let Some(less) = left.checked_sub(length) else { return };
        left = less;
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::body::Body;
    use bytes::Bytes;
    use futures_util::stream;
    use http_body_util::BodyExt;
    use tokio::sync::Semaphore;

    use super::{Leftover, MOST};

    /// A body in pieces of this size, what counts those that were taken, and what knows when the body is gone.
    fn body(size: usize, pieces: usize) -> (Body, Arc<AtomicUsize>, Arc<Semaphore>) {
        struct Gone(Arc<Semaphore>);
        impl Drop for Gone {
            fn drop(&mut self) {
                self.0.add_permits(1);
            }
        }
        let (taken, gone) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let state = (taken.clone(), Gone(gone.clone()));
        let stream = stream::unfold(state, move |state| async move {
            let nth = state.0.fetch_add(1, Ordering::Relaxed);
            let piece = Ok::<_, Infallible>(Bytes::from(vec![0; size]));
            (nth < pieces).then_some((piece, state))
        });
        (Body::from_stream(stream), taken, gone)
    }

    #[tokio::test]
    async fn what_nobody_read_is_read_to_its_end() {
        let (body, taken, gone) = body(10, 3);
        let mut body = Leftover::of(body);
        body.frame().await.unwrap().unwrap();
        drop(body);
        let _ = gone.acquire().await.unwrap();
        assert_eq!(taken.load(Ordering::Relaxed), 4);
    }

    #[tokio::test]
    async fn what_is_large_is_not() {
        let (body, taken, gone) = body(MOST / 2 + 1, 100);
        drop(Leftover::of(body));
        let _ = gone.acquire().await.unwrap();
        assert_eq!(taken.load(Ordering::Relaxed), 2);
    }
}
