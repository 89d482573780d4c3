//! Patches of objects: JSON patch, JSON merge patch, strategic merge patch, and server-side apply with managed fields.
//!
//! Everything here is a function from trees to a tree. What changes with the request (the time, the manager's name) is an
//! argument. The types of fields come from `apiserver-schema`; where an object has no type, its own shape decides.
//!
//! This crate must not know any kind, must not default, check or convert objects (a caller does that with what comes out,
//! and hands [`apply::Versions`] in where a manager speaks another version), and does no IO. Messages are upstream's.
//!
//! Start reading at [`json`] and [`merge`], which are small; then [`strategic`]; then [`fields::Set`], [`typed`] and
//! [`apply`], which build on each other.

pub mod apply;
pub mod fields;
pub mod go;
pub mod json;
mod large;
mod literal;
pub mod merge;
pub mod strategic;
pub mod typed;

#[cfg(test)]
mod deep;
