//! Objects as Kubernetes' protobuf: between trees and the wire, driven by the one table of built-in types.
//!
//! What is sent is an [`Envelope`] behind four bytes: the type of an object, and the object as a message of that type.
//! Messages are written as upstream's generated code writes them: fields by their number; whatever Go cannot leave out,
//! even where it is zero; maps as entries sorted by key; what Go embeds as a message of its own. A watch sends frames:
//! four bytes of length, then an event with such an envelope in it.
//!
//! What was read goes the same way as a document: [`crate::Schema::read`] gives it its normal form. Nothing here is ever
//! unknown to strict decoding, since unknown fields are skipped.

mod envelope;
mod error;
mod kind;
mod leaf;
mod plan;
mod read;
mod wire;
mod write;

pub use envelope::{Envelope, LIST_TAIL, MAGIC, event, item_head, list_head, open, seal};
pub use error::Error;
pub use kind::{list_metadata, message, object, partial, type_of};
pub use read::decode;
pub use write::encode;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
