//! The part of the calls that a register has: one key read, written, deleted or swapped.

use super::{Call, Operation, Reply};

/// What a call does to one register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action<'a> {
    /// Reads it.
    Read,
    /// Writes it.
    Write(&'a str),
    /// Empties it.
    Delete,
    /// Writes `to` if it holds `from`; `None`: if it is empty.
    Swap {
        /// What it must hold.
        from: Option<&'a str>,
        /// What is written.
        to: &'a str,
    },
}

/// The register that a call is about, and what it does there; `None` for calls that are about more than one register,
/// about something else, or may be answered from the past.
pub(crate) fn action(call: &Call) -> Option<(&str, Action<'_>)> {
    match call {
        Call::Get(get) if get.end.is_none() && get.revision == 0 && !get.serializable => {
            Some((get.key.as_str(), Action::Read))
        }
        Call::Put(put) if put.lease == 0 => Some((put.key.as_str(), Action::Write(&put.value))),
        Call::Delete(delete) if delete.end.is_none() => Some((delete.key.as_str(), Action::Delete)),
        Call::Cas { key, from, to } => Some((
            key.as_str(),
            Action::Swap {
                from: from.as_deref(),
                to,
            },
        )),
        _ => None,
    }
}

impl Operation {
    /// What a read of one register was answered; `None` where it was not answered.
    #[expect(
        clippy::option_option,
        reason = "no answer, and the answer that there is nothing, are two things"
    )]
    pub(crate) fn read_value(&self) -> Option<Option<&str>> {
        match self.reply() {
            Some(Reply::Get { kvs, .. }) => Some(kvs.first().map(|kv| kv.value.as_str())),
            _ => None,
        }
    }

    /// Whether a swap wrote; `None` where it was not answered.
    pub(crate) fn swapped(&self) -> Option<bool> {
        match self.reply() {
            Some(Reply::Cas { succeeded }) => Some(*succeeded),
            _ => None,
        }
    }
}
