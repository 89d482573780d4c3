//! What the client must do with any store: each function is one test, given a fresh store that it may kill.

mod coordination;
mod keys;
mod watches;

use std::future::Future;
use std::time::Duration;

use base::task::Tasks;
use store_client::{Client, Options};

pub(crate) use coordination::*;
pub(crate) use keys::*;
pub(crate) use watches::*;

/// A running store.
pub(crate) trait Store {
    /// One URL a member.
    fn endpoints(&self) -> Vec<String>;
    /// Ends a member as a power cut would.
    fn kill(&mut self, member: usize);
    /// Starts it again with what it had on disk.
    fn restart(&mut self, member: usize);
}

/// Nothing here may take longer.
const LONG: Duration = Duration::from_secs(20);

/// A client of the store, which answers by now.
async fn client(store: &impl Store) -> Client {
    client_with(store, |options| options).await
}

async fn client_with(store: &impl Store, change: impl FnOnce(Options) -> Options) -> Client {
    let mut options = Options::new(store.endpoints());
    options.retry_for = LONG;
    let client = Client::new(change(options), &Tasks::new()).unwrap();
    in_time(client.get("ready")).await.unwrap();
    client
}

/// The answer, if it comes in time.
async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, work).await.expect("an answer in time")
}
