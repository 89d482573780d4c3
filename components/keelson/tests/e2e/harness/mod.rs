//! Real processes for tests: clusters of Keelson or of etcd, the tools of etcd, and waiting without sleeping blindly.

mod cluster;
mod http;
mod member;
mod ports;
mod run;
pub(crate) mod tools;

use std::time::{Duration, Instant};

pub(crate) use cluster::{Cluster, Kind, Setup};
pub(crate) use http::{get, post};
pub(crate) use member::Member;
pub(crate) use ports::free_ports;
pub(crate) use run::{Output, bound, exists, run, run_for, run_until, run_with};
pub(crate) use tools::{python, tools};

/// Nothing that a test waits for may take longer.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Looks again and again until there is something, and fails if that takes too long.
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < LONG, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The same with a look that has to wait for an answer.
pub(crate) async fn until_async<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < LONG, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Tells that a test does nothing, and why.
pub(crate) fn skip(why: &str) {
    eprintln!("SKIPPED: {why}");
}
