//! The Watch service's state: one stream with its watches, pulled by the transport when the client can take more.
//!
//! A watch is a cursor on the hub's shared events, so a stream holds no events but those of the one answer it is about
//! to give. Start reading at [`WatchSession`]; `stream` is the state behind it, `frames` makes the answers.

mod follow;
mod frames;
mod session;
mod stream;
mod token;

pub(crate) use follow::Follow;
pub use session::WatchSession;
pub(crate) use token::Token;

#[cfg(test)]
mod tests;
