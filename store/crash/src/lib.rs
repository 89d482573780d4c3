//! A member that is cut off at every place where it writes, and what must be there when it starts again.
//!
//! A child process runs a script on real folders, with the real log and RocksDB. At one operation it is killed, or the
//! operation fails, or half of it is done; then the parent starts on what is left, compares it with the model of etcd,
//! writes, and starts again. A crash between two operations cannot be told from one right before the second, so it is
//! enough to stand where operations pass: at the traits that a member is given (`disk`, `engine`), and at the system
//! calls (`shim.c`). A first run records what passes, `names` calls each by the name of a failpoint.
//!
//! This crate must not know how a member works, only what it is given and what it says. Start reading at `table`, then
//! `cases` and `workshop`; `judge` is what must hold.

pub mod cases;
mod child;
mod disk;
mod engine;
mod error;
mod judge;
mod life;
mod litter;
pub mod member;
mod names;
mod net;
mod plan;
mod record;
mod script;
mod table;
mod tidy;
mod workshop;

pub use cases::{Case, Outcome};
pub use error::{Error, Result};
pub use names::Name;
pub use plan::{Action, Cut, Kind, Plan};
pub use record::{Operation, Record};
pub use script::Scenario;
pub use table::{Errors, LEFT_OUT, Row, Seam, TABLE, row};
pub use workshop::Workshop;
