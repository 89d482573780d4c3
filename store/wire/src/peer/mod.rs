//! The peer port, both sides: what other members ask of this one, and the channels on which it asks them.

pub(crate) mod channels;
pub(crate) mod dial;
mod identity;
mod limits;
mod metrics;
pub(crate) mod server;
mod service;
mod transport;
