//! What fields objects have: the table of built-in types, and the reading of trees by it.
//!
//! `table/` holds one file a group and version: every struct with its fields, their numbers, types, list keys, merge keys
//! and defaults, as upstream's packages publish them (its grammar stands in [`table`]). Everything that handles objects
//! asks this one [`Schema`]: decoding, patches, apply, validation, documents. A custom resource's schema becomes the same
//! structure at run time. A write goes [`Schema::read`], the rules, [`Schema::omit`].
//!
//! This crate must not know what a kind means (its rules stand in `apiserver-kinds`), and does no IO. Start reading at
//! [`Schema`].

mod model;
pub mod protobuf;
mod read;
mod same;
mod table;
mod words;
mod write;

pub use model::{Field, Keys, Lists, Omit, Patch, Schema, Shape, Struct, TypeId, Union, Values};
pub use read::{Findings, Mistake};
pub use table::{TableError, built_in};
pub use words::{field_words_of, words_of};
