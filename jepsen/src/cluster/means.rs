//! What this machine has for faults, beside the network that every run needs.

use std::fs::OpenOptions;

use super::{Product, clock};

/// What can be done to members of a store on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Means {
    /// The store.
    pub(crate) product: Product,
    /// Disks of this program can be mounted.
    pub(crate) disks: bool,
    /// Clocks of members can be set.
    pub(crate) clocks: bool,
}

impl Means {
    /// Those of this machine.
    pub(crate) fn here(product: Product) -> Self {
        Self {
            product,
            disks: OpenOptions::new().read(true).write(true).open("/dev/fuse").is_ok(),
            clocks: clock::library().is_ok(),
        }
    }

    /// Those of a machine that has everything.
    #[cfg(test)]
    pub(crate) const fn all(product: Product) -> Self {
        Self {
            product,
            disks: true,
            clocks: true,
        }
    }
}
