//! Consensus: openraft over our log, our machine and a transport.
//!
//! Only this crate names openraft, and none of its types leave it: callers see [`Consensus`], `proto::peer` messages and
//! plain numbers. It must not know how messages travel ([`Transport`] is given) nor what commands mean. Start reading at
//! [`Consensus`]; `log_store` and `machine_store` are what openraft writes to, `network` and `peer` the two ends of the
//! peer protocol, `waiting` how whoever asked for a command hears of it, `image` how a whole state is sent, `upkeep` when the log is purged.

mod consensus;
mod convert;
mod error;
#[cfg(test)]
mod hostile_tests;
mod image;
mod known;
mod log_store;
mod machine_store;
mod membership;
#[cfg(test)]
mod nemesis_tests;
mod network;
mod options;
mod peer;
mod receive;
mod recent;
mod shared;
mod state;
mod status;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod transport;
mod types;
mod upkeep;
mod waiting;
#[cfg(test)]
mod waiting_tests;

pub use consensus::{Consensus, Parts};
pub use error::Error;
pub use options::{OnFatal, Options, ReadPolicy};
pub use status::{Role, Status};
pub use transport::{BoxStream, EffectSink, Transport, TransportError};
pub use waiting::{Waiter, Waiting};
