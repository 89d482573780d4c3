//! CEL expressions, compiled as the apiserver compiles them when an object is written.
//!
//! An [`Environment`] says what an expression may name: one for admission, one for selectors of devices, and those of custom
//! resources, whose values are [`Declared`] with their sizes. [`Environment::compile`] reads the expression, types it and
//! tells what is wrong in upstream's words; [`Environment::cost`] says what it may cost, and [`Compiled::fault`] why no
//! program can be made of it. Running what was compiled is not its work yet; the tree, the types and the overloads that a
//! run needs are kept.
//!
//! This crate must not know objects, kinds or requests. Start reading at [`Environment`].

mod ast;
mod check;
mod cost;
mod declared;
mod env;
pub mod go_regex;
pub mod names;
mod parse;
mod plan;
mod source;
#[cfg(test)]
mod tests;
mod types;

pub use declared::Declared;
pub use env::{Admission, Compiled, Environment};
pub use types::Type;
