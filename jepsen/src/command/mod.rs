//! What the command line can ask for, one file each.

mod convert;
mod matrix;
mod recheck;
mod runs;
mod selftest;

pub(crate) use convert::convert;
pub(crate) use matrix::matrix;
pub(crate) use recheck::recheck;
pub(crate) use runs::{every_nemesis, orders, run_all};
pub(crate) use selftest::selftest;
