//! `AlwaysAdmit`: lets everything pass; deprecated, since that is what happens without it.

use crate::plugin::{Operation, Plugin};

/// The plugin.
pub(crate) struct AlwaysAdmit;

impl Plugin for AlwaysAdmit {
    fn name(&self) -> &'static str {
        "AlwaysAdmit"
    }

    fn handles(&self, _operation: Operation) -> bool {
        true
    }
}
