//! Ordered bytes: the trait behind which storage engines stand, and the one in memory.
//!
//! This crate must not know what the bytes mean, nor any real storage library. Start reading at [`Engine`], then
//! [`Batch`]; [`Memory`] is the small implementation and `suite` is what every implementation must pass.

mod batch;
mod checkpoint;
mod cursor;
mod engine;
mod error;
mod memory;
mod space;
#[cfg(any(test, feature = "suite"))]
pub mod suite;

pub use batch::{Batch, Op, Ops};
pub use checkpoint::{Checkpoint, File, Incoming, is_safe_name};
pub use cursor::Cursor;
pub use engine::{Engine, Order, Stats};
pub use error::{Error, Result};
pub use memory::{Call, Fault, Memory};
pub use space::Space;
