//! What clients learn of an apiserver's groups, versions and resources: `/api`, `/apis` and what stands below them.
//!
//! Everything is made of the table of kinds. [`Served`] says which of its versions and resources are served.

mod aggregated;
mod groups;
mod lists;
mod priority;
mod served;

pub use aggregated::{Aggregated, core_group, named_groups};
pub use groups::{GROUPS, Group};
pub use lists::{Addresses, api_versions, group, group_list, resource_list};
pub use priority::{Ranked, ranked};
pub use served::{RuntimeConfigError, Served};

#[cfg(test)]
mod tests;
