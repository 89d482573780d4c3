//! How a server stops: new requests are refused, those that are being answered go on, watches are told to come again.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use apiserver_api::status::Status;
use http::header::{CONNECTION, HeaderValue, RETRY_AFTER};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::answer::{self, Answer};
use crate::request::Call;

/// Who is refused asks again after so many seconds: at this server, if `--shutdown-send-retry-after` says so.
const LATER: &str = "5";
/// Else at another one, which may be asked soon.
const SOON: i32 = 1;
/// So many watches end in a second at least.
const WATCHES_PER_SECOND: f64 = 200.0;
/// What is asked for until the end.
const EXEMPT: [&str; 4] = ["/readyz", "/livez", "/healthz", "/metrics"];
/// Who may ask for anything until the end.
const OWN_AGENT: &str = "kube-apiserver/";

/// What flags say of the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `--shutdown-send-retry-after`: the port stays open, and new requests are answered 429, until the others are answered.
    pub send_retry_after: bool,
    /// `--shutdown-watch-termination-grace-period`: watches end within this time, not all at once.
    pub watch_grace: Duration,
}

/// The end of a server. Clones share it.
#[derive(Clone)]
pub struct Drain(Arc<Shared>);

struct Shared {
    options: Options,
    /// Whether new requests are refused.
    refusing: AtomicBool,
    /// The requests that are being answered and are not long by nature.
    requests: Group,
    watches: Group,
    /// Watches end, one after the other in this distance.
    ending: watch::Sender<Option<Duration>>,
    /// How many watches were told to end.
    ended: AtomicU32,
    /// Connections take no more requests.
    closing: CancellationToken,
}

/// Requests that the end waits for.
#[derive(Default)]
struct Group {
    count: AtomicUsize,
    gone: Notify,
}

/// A request that is let in. The end waits for it as long as it is held, if it is of a sort that is waited for.
pub(crate) struct Stay {
    _guard: Option<Guard>,
}

struct Guard {
    shared: Arc<Shared>,
    watches: bool,
}

impl Drain {
    /// All are welcome at first.
    pub fn new(options: Options) -> Self {
        Self(Arc::new(Shared {
            options,
            refusing: AtomicBool::new(false),
            requests: Group::default(),
            watches: Group::default(),
            ending: watch::Sender::new(None),
            ended: AtomicU32::new(0),
            closing: CancellationToken::new(),
        }))
    }

    /// Lets a request in; `is_long` where it is long by nature.
    ///
    /// # Errors
    /// What it is answered where the server is on its way out.
    pub(crate) fn enter(&self, call: &Call, is_long: bool) -> Result<Stay, Box<Answer>> {
        let watches = call.info.verb == "watch";
        // First in, then a look at the door: whoever shuts it sees all who are in.
        let guard = (watches || !is_long).then(|| Guard::new(&self.0, watches));
        if !self.0.refusing.load(Ordering::SeqCst) {
            return Ok(Stay { _guard: guard });
        }
        if is_exempt(call) {
            return Ok(Stay { _guard: None });
        }
        Err(Box::new(self.refusal(call)))
    }

    /// Upstream's answers to those who come too late.
    fn refusal(&self, call: &Call) -> Answer {
        if self.0.options.send_retry_after {
            let mut answer = answer::text(429, "The apiserver is shutting down, please try again later.\n");
            let headers = answer.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
            headers.insert(RETRY_AFTER, HeaderValue::from_static(LATER));
            return answer;
        }
        let mut answer = answer::status(call, &Status::service_unavailable("apiserver is shutting down"));
        answer.headers_mut().insert(RETRY_AFTER, SOON.into());
        answer
    }

    /// Resolves when a watch is to end.
    pub(crate) fn end_of_a_watch(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut ending = self.0.ending.subscribe();
        let shared = self.0.clone();
        Box::pin(async move {
            // The sender lives in what is shared.
            let distance = ending.wait_for(Option::is_some).await.ok().and_then(|ending| *ending);
            let place = shared.ended.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(distance.unwrap_or_default() * place).await;
        })
    }

    /// Cancelled when connections are to take no more requests.
    pub(crate) fn closing(&self) -> CancellationToken {
        self.0.closing.clone()
    }

    /// Refuses new requests, and waits until all others are answered: those that are not long by nature at most for this
    /// time, watches for their grace; without one they are only told to end. `close_port` is called as soon as nobody new
    /// need be answered.
    pub(crate) async fn run(&self, most: Duration, close_port: impl AsyncFnOnce()) {
        let shared = &*self.0;
        shared.refusing.store(true, Ordering::SeqCst);
        let drained = async {
            let watches = async {
                let grace = shared.options.watch_grace;
                if !grace.is_zero() {
                    shared.end_watches(grace);
                    shared.watches.drained(grace).await;
                }
            };
            tokio::join!(shared.requests.drained(most), watches);
        };
        if shared.options.send_retry_after {
            drained.await;
            close_port().await;
            shared.closing.cancel();
        } else {
            close_port().await;
            shared.closing.cancel();
            drained.await;
        }
        // Those that are left need not be spared.
        shared.end_watches(Duration::ZERO);
    }
}

impl Shared {
    /// Tells watches to end within this time, but no slower than need be.
    fn end_watches(&self, grace: Duration) {
        let watches = u32::try_from(self.watches.count.load(Ordering::SeqCst)).unwrap_or(u32::MAX);
        let rate = (f64::from(watches) / grace.as_secs_f64()).max(WATCHES_PER_SECOND);
        // With no grace the rate has no end, and the distance is none.
        self.ending.send_replace(Some(Duration::from_secs_f64(1.0 / rate)));
    }
}

impl Group {
    /// Waits until nobody is left, for so long at most.
    async fn drained(&self, most: Duration) {
        let gone = async {
            loop {
                let gone = self.gone.notified();
                tokio::pin!(gone);
                gone.as_mut().enable();
                if self.count.load(Ordering::SeqCst) == 0 {
                    return;
                }
                gone.await;
            }
        };
        if tokio::time::timeout(most, gone).await.is_err() {
            let left = self.count.load(Ordering::SeqCst);
            tracing::warn!(left, "the server stops although not all requests were answered");
        }
    }
}

impl Guard {
    fn new(shared: &Arc<Shared>, watches: bool) -> Self {
        let guard = Self {
            shared: shared.clone(),
            watches,
        };
        guard.group().count.fetch_add(1, Ordering::SeqCst);
        guard
    }

    fn group(&self) -> &Group {
        if self.watches {
            &self.shared.watches
        } else {
            &self.shared.requests
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let group = self.group();
        let was_last = group.count.fetch_sub(1, Ordering::SeqCst) == 1;
        if was_last && self.shared.refusing.load(Ordering::SeqCst) {
            group.gone.notify_waiters();
        }
    }
}

/// Whether a request is answered until the end.
fn is_exempt(call: &Call) -> bool {
    call.header("user-agent").starts_with(OWN_AGENT) || EXEMPT.iter().any(|path| call.path.starts_with(path))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::{Drain, Options};
    use crate::request::tests::call;

    const LONG: Duration = Duration::from_secs(60);

    fn drain(send_retry_after: bool, seconds: u64) -> Drain {
        Drain::new(Options {
            send_retry_after,
            watch_grace: Duration::from_secs(seconds),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_being_answered_is_waited_for_and_who_comes_is_told_to_come_later() {
        let drain = drain(true, 0);
        let list = call("GET", "/api/v1/pods");
        let stay = drain.enter(&list, false).ok().unwrap();
        let mut open = true;
        {
            let run = drain.run(LONG, async || open = false);
            tokio::pin!(run);
            assert!(run.as_mut().now_or_never().is_none());
            let refused = drain.enter(&list, false).err().unwrap();
            assert_eq!(refused.status(), 429);
            assert_eq!(refused.headers()["retry-after"], "5");
            assert_eq!(refused.headers()["connection"], "close");
            assert!(!drain.closing().is_cancelled());
            drop(stay);
            run.await;
        }
        assert!(!open && drain.closing().is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn without_that_the_port_closes_at_once_and_who_comes_all_the_same_is_sent_away() {
        let drain = drain(false, 0);
        let list = call("GET", "/api/v1/pods");
        let _stay = drain.enter(&list, false).ok().unwrap();
        let mut open = true;
        let begun = tokio::time::Instant::now();
        {
            let run = drain.run(LONG, async || open = false);
            tokio::pin!(run);
            assert!(run.as_mut().now_or_never().is_none());
            assert!(drain.closing().is_cancelled());
            let refused = drain.enter(&list, false).err().unwrap();
            assert_eq!(refused.status(), 503);
            assert_eq!(refused.headers()["retry-after"], "1");
            // The one who stays is not waited for without end.
            run.await;
        }
        assert!(!open && begun.elapsed() >= LONG);
    }

    #[tokio::test(start_paused = true)]
    async fn health_is_told_and_the_server_asks_itself_until_the_end() {
        let drain = drain(true, 0);
        drain.run(LONG, async || ()).await;
        assert!(drain.enter(&call("GET", "/readyz/ping"), false).is_ok());
        assert!(drain.enter(&call("GET", "/metrics"), false).is_ok());
        assert!(drain.enter(&call("GET", "/version"), false).is_err());
        assert!(drain.enter(&call("GET", "/api/v1/pods?watch=1"), true).is_err());
        let mut own = call("GET", "/api/v1/pods");
        own.headers
            .insert("user-agent", "kube-apiserver/v1.36".parse().unwrap());
        assert!(drain.enter(&own, false).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn watches_end_one_after_the_other_within_their_grace() {
        let drain = drain(false, 2);
        let watch = call("GET", "/api/v1/pods?watch=1");
        let watches: Vec<_> = (0..1000)
            .map(|_| (drain.enter(&watch, true).ok().unwrap(), drain.end_of_a_watch()))
            .collect();
        let begun = tokio::time::Instant::now();
        let ends = futures_util::future::join_all(watches.into_iter().map(async |(stay, end)| {
            end.await;
            drop(stay);
            begun.elapsed()
        }));
        let (ends, ()) = tokio::join!(ends, drain.run(LONG, async || ()));
        let soon = ends.iter().filter(|took| **took < Duration::from_secs(1)).count();
        assert!((450..=550).contains(&soon), "{soon}");
        assert!(begun.elapsed() <= Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_grace_watches_end_at_once_after_all_others() {
        let drain = drain(false, 0);
        let watch = call("GET", "/api/v1/pods?watch=1");
        let _stays: Vec<_> = (0..10).map(|_| drain.enter(&watch, true).ok().unwrap()).collect();
        let end = drain.end_of_a_watch();
        let begun = tokio::time::Instant::now();
        drain.run(LONG, async || ()).await;
        end.await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
