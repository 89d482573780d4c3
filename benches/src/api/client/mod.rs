//! The generator's own client: HTTP/1.1 connections that are kept, HTTP/2 connections that watches share, and answers
//! that are counted instead of understood.

mod answer;
mod connection;
mod dial;
mod scan;

pub(crate) use answer::Answer;
pub(crate) use connection::{Ask, Connection};
pub(crate) use dial::{Access, Dialer};
pub(crate) use scan::{Frames, Stamps, text};
