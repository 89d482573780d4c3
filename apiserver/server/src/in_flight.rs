//! How many requests may be answered at once: so many that read, so many that write.

use apiserver_api::status::Status;
use apiserver_api::user::MASTERS;
use tokio::sync::{Semaphore, SemaphorePermit};

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

/// After so many seconds a client may ask again.
const RETRY_AFTER: i32 = 1;

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

    /// A place for a request. Those who may do everything always get one: they are who can help.
    ///
    /// # Errors
    /// 429 where too many are being answered.
    pub(crate) fn enter(&self, call: &Call) -> Result<Place<'_>, Status> {
        let reads = matches!(call.info.verb.as_str(), "get" | "list" | "watch" | "head" | "options");
        let limit = if reads { &self.reading } else { &self.writing };
        let Some(limit) = limit else {
            return Ok(Place { _permit: None });
        };
        match limit.try_acquire() {
            Ok(permit) => Ok(Place { _permit: Some(permit) }),
            Err(_) if call.user.is_in(MASTERS) => Ok(Place { _permit: None }),
            Err(_) => {
                let message = "Too many requests, please try again later.";
                Err(Status::too_many_requests(message, RETRY_AFTER))
            }
        }
    }
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
        let held = limit.enter(&reader).ok();
        assert!(held.is_some());
        let refused = limit.enter(&reader).err().unwrap();
        assert_eq!((refused.code, refused.details.unwrap().retry_after_seconds), (429, 1));
        assert!(limit.enter(&writer).is_ok());
        reader.user = User::new("root", [MASTERS]);
        assert!(limit.enter(&reader).is_ok());
        drop(held);
        reader.user = User::default();
        assert!(limit.enter(&reader).is_ok());
    }
}
