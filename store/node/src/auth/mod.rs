//! The Auth service: who a caller is (`tokens`), passwords, and the management of users and roles (`service`).
//!
//! What a user may do is not decided here but in `store/machine`'s one function, at apply and before every read.

mod jwt;
mod keys;
mod password;
mod service;
mod simple;
mod tokens;

pub use tokens::Error;
pub(crate) use tokens::Tokens;

#[cfg(test)]
mod tests;
