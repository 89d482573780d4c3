//! Fields that an applied configuration sets and others manage.

use std::fmt;

use apiserver_api::go::quote;

use super::managed::{Manager, Operation};
use crate::fields::Set;

/// So many bytes the conflicts of a request have in a message, and not many more: each field is named by its whole path.
const BYTES_MAX: usize = 8 << 20;

/// Who manages what of that which was applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conflicts {
    /// Sorted as upstream prints them; no set is empty.
    conflicts: Vec<(Manager, Set)>,
}

/// One field, as a status lists it. Its reason is [`Cause::REASON`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// `.spec.replicas`.
    pub field: String,
    /// `conflict with "kubectl" using apps/v1`.
    pub message: String,
}

impl Cause {
    /// The reason of such a cause.
    pub const REASON: &str = "FieldManagerConflict";
}

impl Conflicts {
    pub(super) fn of(mut conflicts: Vec<(Manager, Set)>) -> Self {
        conflicts.retain(|(_, fields)| !fields.is_empty());
        conflicts.sort_by_cached_key(|(manager, _)| manager.identifier());
        Self { conflicts }
    }

    /// Whether there is none.
    pub(super) const fn is_empty(&self) -> bool {
        self.conflicts.is_empty()
    }

    /// Those that are not about some fields.
    pub(super) fn without(self, fields: &Set) -> Self {
        let left = self.conflicts.into_iter();
        Self::of(left.map(|(manager, own)| (manager, own.difference(fields))).collect())
    }

    /// Each field, manager by manager. Where they would be a book, the end is missing.
    pub fn causes(&self) -> Vec<Cause> {
        let mut left = BYTES_MAX;
        let each = self.conflicts.iter().flat_map(move |(manager, fields)| {
            let message = format!("conflict with {}", Shown(manager));
            let paths = fields.first_paths(&mut left, message.len());
            paths.into_iter().map(move |field| Cause {
                field,
                message: message.clone(),
            })
        });
        each.collect()
    }
}

/// The message of the status; it counts all of them, and names those for which there is room.
impl fmt::Display for Conflicts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: usize = self.conflicts.iter().map(|(_, fields)| fields.len()).sum();
        if let ([(manager, fields)], 1) = (self.conflicts.as_slice(), count) {
            let path = fields.paths().concat();
            return write!(
                out,
                "Apply failed with 1 conflict: conflict with {}: {path}",
                Shown(manager)
            );
        }
        write!(out, "Apply failed with {count} conflicts: ")?;
        let mut left = BYTES_MAX;
        for (at, (manager, fields)) in self.conflicts.iter().enumerate() {
            let before = if at == 0 { "" } else { "\n" };
            write!(out, "{before}conflicts with {}:", Shown(manager))?;
            let paths = fields.first_paths(&mut left, 0);
            paths.iter().try_for_each(|path| write!(out, "\n- {path}"))?;
        }
        Ok(())
    }
}

/// A manager in a message.
struct Shown<'m>(&'m Manager);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let manager = self.0;
        out.write_str(&quote(&manager.name))?;
        if !manager.subresource.is_empty() {
            write!(out, " with subresource {}", quote(&manager.subresource))?;
        }
        match manager.operation {
            Operation::Apply => Ok(()),
            Operation::Update => write!(out, " using {}", manager.api_version),
        }
    }
}
