//! The generator's own gRPC client, as cheap as one can be: frames that are encoded before, answers that are skimmed.
//!
//! It shares the cores with the servers that it measures, so each microsecond here is one less there. Start reading at
//! [`Link`]; `skim` reads answers without decoding them.

mod dial;
mod fields;
mod link;
mod message;
mod skim;
mod stream;

pub(crate) use dial::{Dialer, Security};
pub(crate) use fields::Fields;
pub(crate) use link::{Fault, Link, Method};
pub(crate) use message::{Template, frame};
pub(crate) use skim::{Ignore, Skimmer, Visit};
pub(crate) use stream::{Incoming, Outgoing};
