//! One call: which endpoint, with which token, and whether a failure may be repeated.
//!
//! The rules are those of upstream's `client/v3/retry.go`: what only reads is repeated when the store is unavailable;
//! what writes is repeated only if it surely was not sent; a refused token is renewed once.

use std::future::Future;
use std::time::Duration;

use prost::Message;
use tokio::time::Instant;
use tonic::{Code, Request, Response, Status};

use crate::channel::Link;
use crate::client::Core;
use crate::{Error, Result};

const FIRST_WAIT: Duration = Duration::from_millis(25);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Whether doing it twice is the same as doing it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Reads, and what names its own result.
    Safe,
    /// Writes: only when the request surely was not sent.
    Unsent,
}

impl Repeat {
    const fn allows(self, sent: bool, unavailable: bool) -> bool {
        match self {
            Self::Safe => unavailable,
            Self::Unsent => !sent,
        }
    }
}

impl Core {
    /// Calls `rpc` on one endpoint after another until it succeeds or must not be repeated. What is too long is not sent: the
    /// transport would only say so by breaking off, as if the store had gone.
    pub(crate) async fn call<Q, R, F, Fut>(&self, repeat: Repeat, message: Q, rpc: F) -> Result<R>
    where
        Q: Clone + Message,
        F: Fn(Link, Request<Q>) -> Fut,
        Fut: Future<Output = std::result::Result<Response<R>, Status>>,
    {
        check_length(message.encoded_len(), self.options.send_bytes_max)?;
        let mut renewed = false;
        let mut attempts = Attempts::new(self.options.retry_for);
        loop {
            let mut request = Request::new(message.clone());
            let token = self.token.attach(self, &mut request).await?;
            let error = match self.once(&rpc, request).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            if error.wants_new_token() && token.is_some() && !renewed {
                renewed = true;
                self.token.expire(token);
                continue;
            }
            attempts.next(repeat, error, self.endpoints().len()).await?;
        }
    }

    /// The same without a token, for the call that fetches one.
    pub(crate) async fn call_unauthenticated<Q, R, F, Fut>(&self, repeat: Repeat, message: Q, rpc: F) -> Result<R>
    where
        Q: Clone,
        F: Fn(Link, Request<Q>) -> Fut,
        Fut: Future<Output = std::result::Result<Response<R>, Status>>,
    {
        let mut attempts = Attempts::new(self.options.retry_for);
        loop {
            match self.once(&rpc, Request::new(message.clone())).await {
                Ok(answer) => return Ok(answer),
                Err(error) => attempts.next(repeat, error, self.endpoints().len()).await?,
            }
        }
    }

    async fn once<Q, R, F, Fut>(&self, rpc: &F, request: Request<Q>) -> Result<R>
    where
        F: Fn(Link, Request<Q>) -> Fut,
        Fut: Future<Output = std::result::Result<Response<R>, Status>>,
    {
        let link = self.endpoints().pick();
        let outcome = rpc(link.clone(), request)
            .await
            .map(Response::into_inner)
            .map_err(Error::from);
        link.report(outcome.as_ref().err());
        outcome
    }
}

/// Refuses a request that is longer than it may be, in the words of upstream's gRPC.
fn check_length(length: usize, most: usize) -> Result<()> {
    if length > most {
        return Err(Error::Status {
            code: Code::ResourceExhausted,
            message: format!("trying to send message larger than max ({length} vs. {most})"),
        });
    }
    Ok(())
}

struct Attempts {
    until: Instant,
    made: usize,
}

impl Attempts {
    fn new(retry_for: Duration) -> Self {
        Self {
            until: Instant::now() + retry_for,
            made: 0,
        }
    }

    /// Waits for the next attempt, or gives the error back if there must be none.
    async fn next(&mut self, repeat: Repeat, error: Error, endpoints: usize) -> Result<()> {
        if !repeat.allows(!error.is_surely_not_sent(), error.is_unavailable()) {
            return Err(error);
        }
        self.made += 1;
        // The other endpoints are asked at once; a wait comes only when all have failed.
        if !self.made.is_multiple_of(endpoints) {
            return Ok(());
        }
        let wait = backoff((self.made / endpoints) as u32 - 1);
        if Instant::now() + wait >= self.until {
            return Err(error);
        }
        tracing::debug!(%error, ?wait, "repeating a call");
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

/// The wait after so many failures in a row: doubling, bounded, and 10 % off either way so that clients do not march
/// in step.
pub(crate) fn backoff(failures: u32) -> Duration {
    let wait = FIRST_WAIT.saturating_mul(1 << failures.min(16)).min(LONGEST_WAIT);
    wait.mul_f64(rand::random_range(0.9..1.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_repeated_only_if_it_was_not_sent() {
        assert!(Repeat::Unsent.allows(false, true));
        assert!(!Repeat::Unsent.allows(true, true));
        assert!(Repeat::Safe.allows(true, true));
        assert!(!Repeat::Safe.allows(true, false));
    }

    #[test]
    fn a_request_that_is_too_long_is_not_sent_and_worth_no_second_try() {
        assert!(check_length(2_097_152, 2_097_152).is_ok());
        let error = check_length(2_097_153, 2_097_152).unwrap_err();
        assert!(!error.is_unavailable() && !error.is_transport());
        assert_eq!(
            error.to_string(),
            "trying to send message larger than max (2097153 vs. 2097152) (ResourceExhausted)"
        );
    }

    #[test]
    fn waits_grow_to_a_bound() {
        let near = |wait: Duration, of: Duration| wait >= of.mul_f64(0.9) && wait <= of.mul_f64(1.1);
        assert!(near(backoff(0), FIRST_WAIT));
        assert!(near(backoff(3), FIRST_WAIT * 8));
        assert!(near(backoff(40), LONGEST_WAIT));
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_when_the_time_is_over() {
        let mut attempts = Attempts::new(Duration::from_secs(3));
        let start = Instant::now();
        let error = || Error::Unreachable("refused".to_owned());
        while attempts.next(Repeat::Safe, error(), 2).await.is_ok() {}
        let took = start.elapsed();
        assert!(
            took > Duration::from_secs(1) && took < Duration::from_secs(3),
            "{took:?}"
        );
        assert!(attempts.made > 10);
    }
}
