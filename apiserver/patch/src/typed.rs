//! Trees walked by their types: which fields they have, what differs between two, one laid over the other.
//!
//! A type says of each value whether it is one piece (scalars, and what is `atomic`) or whose parts are told apart: objects
//! by name, lists by the value or the keys of their items. Where there is no schema the value itself decides: an object's
//! fields are told apart, a list is one piece.
//!
//! A value that its type does not allow is walked as if its type were not known. Only [`validate`] complains of it; callers
//! do that with what clients apply, and read everything else by the schema before it gets here.

mod compare;
mod items;
mod leaves;
mod merge;
mod pairs;
mod remove;
mod shape;
mod validate;
mod zero;

pub use compare::{Comparison, compare};
pub use leaves::{leaves, reconciled, with_named_fields};
pub use merge::merge;
pub use remove::{extract, remove};
pub use shape::Type;
pub use validate::{Invalid, Invalids, validate};
pub use zero::zero;

#[cfg(test)]
mod tests;
