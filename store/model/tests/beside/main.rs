//! The store's machine and the model side by side: the same commands, then every answer, event and state is compared.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod caught;
mod examples;
mod generate;
mod pair;
mod properties;
mod watches;
