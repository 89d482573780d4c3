//! Processes of servers: found, started, waited for, measured, ended.
//!
//! Start reading at [`Cluster`].

mod child;
mod cluster;
mod member;
mod ports;
mod program;
mod usage;

pub(crate) use child::{Process, guarded};
pub(crate) use cluster::{Cluster, Setup};
pub(crate) use ports::free_ports;
pub(crate) use program::{Kind, Program};
#[cfg(test)]
pub(crate) use usage::ServerUse;
pub(crate) use usage::{Begun, Meter, Used};
