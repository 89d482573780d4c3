//! The replicated state machine: a command in, a reply and effects out.
//!
//! Composes keys (`store/mvcc`), leases and auth with members, alarms and versions. Applying is synchronous and total:
//! a bad request is a reply, time comes from the log entry, and all entries applied together leave in one engine batch
//! that carries the applied index. The same log makes the same bytes on every member, so nothing here may depend on a
//! member's own flags, clock or disk.
//!
//! This crate must not know consensus, networks or tasks. Start reading at [`Machine`] and [`Run`], then `command` (a
//! file per family), then [`authorize`], which decides alone who may do what.

mod alarms;
mod authorize;
mod command;
mod effect;
mod error;
mod genesis;
mod machine;
mod members;
mod meta;
pub mod restore;
mod rules;
mod run;
mod stamp;
mod state;
mod versions;

pub use alarms::Alarms;
pub use authorize::{Ask, authorize};
pub use effect::Effect;
pub use error::OpenError;
pub use genesis::Genesis;
pub use machine::{Limits, Machine};
pub use members::Members;
pub use run::Run;
pub use stamp::{OWN, Stamp, own};
pub use state::{Reader, State};

#[cfg(test)]
mod tests;
