//! How many requests may be answered at once: so many that read, so many that write.

use apiserver_api::user::MASTERS;
use http::header::{HeaderValue, RETRY_AFTER};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::answer::{self, Answer};
use crate::request::Call;

/// The limits; none where there is no semaphore.
pub struct InFlight {
    reading: Option<Semaphore>,
    writing: Option<Semaphore>,
}

/// A place among the requests that are being answered, for as long as it is held.
pub(crate) struct Place<'l> {
    _permit: Option<SemaphorePermit<'l>>,
}

impl InFlight {
    /// At most so many that read and so many that write (`--max-requests-inflight`, `--max-mutating-requests-inflight`); 0 for
    /// any number.
    pub fn new(reading: usize, writing: usize) -> Self {
        let limit = |most: usize| (most > 0).then(|| Semaphore::new(most.min(Semaphore::MAX_PERMITS)));
        Self {
            reading: limit(reading),
            writing: limit(writing),
        }
    }

    /// A place for a request; nothing where too many are being answered. Those who may do everything always get one:
    /// they are who can help.
    pub(crate) fn enter(&self, call: &Call) -> Option<Place<'_>> {
        let reads = matches!(call.info.verb.as_str(), "get" | "list" | "watch");
        let limit = if reads { &self.reading } else { &self.writing };
        let Some(limit) = limit else {
            return Some(Place { _permit: None });
        };
        match limit.try_acquire() {
            Ok(permit) => Some(Place { _permit: Some(permit) }),
            Err(_) if call.user.is_in(MASTERS) => Some(Place { _permit: None }),
            Err(_) => None,
        }
    }
}

/// What is said where there is no place. It is a text, whatever the client accepts.
pub(crate) fn full() -> Answer {
    let mut answer = answer::text(429, "Too many requests, please try again later.\n");
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

#[cfg(test)]
mod tests {
    use apiserver_api::user::{MASTERS, User};

    use super::InFlight;
    use crate::request::tests::call;

    #[test]
    fn who_comes_when_all_places_are_taken_is_told_to_come_again() {
        let limit = InFlight::new(1, 0);
        let (mut reader, writer) = (call("GET", "/api/v1/pods"), call("POST", "/api/v1/namespaces/a/pods"));
        let held = limit.enter(&reader);
        assert!(held.is_some());
        assert!(limit.enter(&reader).is_none());
        assert!(limit.enter(&writer).is_some());
        reader.user = User::new("root", [MASTERS]);
        assert!(limit.enter(&reader).is_some());
        drop(held);
        reader.user = User::default();
        assert!(limit.enter(&reader).is_some());
    }

    #[test]
    fn of_paths_only_what_is_got_counts_as_read() {
        let limit = InFlight::new(1, 1);
        let _held = limit.enter(&call("GET", "/version"));
        assert!(limit.enter(&call("GET", "/version")).is_none());
        assert!(limit.enter(&call("HEAD", "/version")).is_some());
    }
}
