//! What a member answers when it does not do what was asked.

use proto::fault::Fault;

/// A refusal: upstream's table first, a bare gRPC status for the few texts that stand outside it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// One of upstream's published errors.
    #[error("{0}")]
    Fault(#[from] Fault),
    /// A status whose text upstream does not publish as an error of its own.
    #[error("{text}")]
    Status {
        /// The numeric gRPC code.
        code: i32,
        /// The text as sent.
        text: String,
    },
}

/// What every method of a member answers.
pub type Result<T> = std::result::Result<T, Error>;

const UNKNOWN: i32 = 2;
const INVALID_ARGUMENT: i32 = 3;
const UNIMPLEMENTED: i32 = 12;
const INTERNAL: i32 = 13;
const UNAVAILABLE: i32 = 14;

impl Error {
    /// The gRPC code.
    pub const fn code(&self) -> i32 {
        match self {
            Self::Fault(fault) => fault.code() as i32,
            Self::Status { code, .. } => *code,
        }
    }

    /// The text that goes on the wire.
    pub fn text(&self) -> String {
        self.to_string()
    }

    /// The published error, if it is one.
    pub const fn fault(&self) -> Option<Fault> {
        match self {
            Self::Fault(fault) => Some(*fault),
            Self::Status { .. } => None,
        }
    }

    /// The server does not do this.
    pub fn unimplemented(text: impl Into<String>) -> Self {
        Self::Status {
            code: UNIMPLEMENTED,
            text: text.into(),
        }
    }

    /// An error that upstream sends without a code of its own.
    pub fn unknown(text: impl Into<String>) -> Self {
        Self::Status {
            code: UNKNOWN,
            text: text.into(),
        }
    }

    /// The request can never succeed as it stands.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::Status {
            code: INVALID_ARGUMENT,
            text: text.into(),
        }
    }

    /// Something is broken in this member.
    pub fn internal(text: impl Into<String>) -> Self {
        Self::Status {
            code: INTERNAL,
            text: text.into(),
        }
    }

    /// Not now; a client may try another member.
    pub fn unavailable(text: impl Into<String>) -> Self {
        Self::Status {
            code: UNAVAILABLE,
            text: text.into(),
        }
    }

    /// Reads back what another member sent as text: the published error if it is one.
    pub fn from_text(text: &str) -> Self {
        known(text).map_or_else(|| Self::unknown(text), Self::Fault)
    }

    /// `code = X desc = Y`, the way gRPC's Go library prints a status; watch streams carry it as cancel reason.
    pub fn status_text(&self) -> String {
        let name = match self {
            Self::Fault(fault) => format!("{:?}", fault.code()),
            Self::Status { code, .. } => match *code {
                INVALID_ARGUMENT => "InvalidArgument".to_owned(),
                UNIMPLEMENTED => "Unimplemented".to_owned(),
                INTERNAL => "Internal".to_owned(),
                UNAVAILABLE => "Unavailable".to_owned(),
                _ => "Unknown".to_owned(),
            },
        };
        format!("rpc error: code = {name} desc = {self}")
    }
}

/// The published error with this text.
fn known(text: &str) -> Option<Fault> {
    // The numbers have holes but stay below this bound; see keelson/store.proto.
    (1..=127)
        .filter_map(|number| Fault::try_from(number).ok())
        .find(|fault| fault.text() == text)
}

impl From<store_mvcc::Error> for Error {
    fn from(error: store_mvcc::Error) -> Self {
        match error {
            store_mvcc::Error::Fault(fault) => Self::Fault(fault),
            other => Self::internal(format!("etcdserver: {other}")),
        }
    }
}

impl From<store_engine::Error> for Error {
    fn from(error: store_engine::Error) -> Self {
        Self::internal(format!("etcdserver: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_text_is_found_again() {
        for fault in [Fault::NoLeader, Fault::EmptyKey, Fault::Unhealthy, Fault::LeaseNotFound] {
            assert_eq!(Error::from_text(fault.text()), Error::Fault(fault));
        }
        assert_eq!(Error::from_text("else").code(), UNKNOWN);
    }

    #[test]
    fn status_text_is_as_go_prints_it() {
        assert_eq!(
            Error::from(Fault::PermissionDenied).status_text(),
            "rpc error: code = PermissionDenied desc = etcdserver: permission denied"
        );
    }
}
