//! What can go wrong in a call, told apart by what the caller may do about it.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::LazyLock;

use proto::fault::Fault;
use tonic::{Code, Status};

/// Why a call failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The store refused, in one of the published texts.
    #[error("{0}")]
    Fault(Fault),
    /// The store refused in words of its own.
    #[error("{message} ({code:?})")]
    Status {
        /// The gRPC code.
        code: Code,
        /// The text that came with it.
        message: String,
    },
    /// The request surely was not sent.
    #[error("no endpoint can be reached: {0}")]
    Unreachable(String),
    /// The connection broke while the request was on its way: it may have been done or not.
    #[error("connection lost: {0}")]
    ConnectionLost(String),
    /// What was asked for is older than the history that the store keeps.
    #[error("{}", Fault::Compacted)]
    Compacted {
        /// The oldest revision that can still be read.
        revision: i64,
    },
    /// The lease of the session ended, and with it what the session held.
    #[error("the lease {0:x} has ended")]
    LeaseLost(i64),
    /// Someone else holds the lock, or leads.
    #[error("not the holder of {0:?}")]
    NotHolder(String),
    /// The options do not make sense.
    #[error("{0}")]
    Options(String),
    /// The answer lacks what the API promises.
    #[error("malformed answer: {0}")]
    Malformed(String),
    /// The client was shut down.
    #[error("the client is closed")]
    Closed,
}

impl Error {
    /// The published refusal, if it is one.
    #[must_use]
    pub const fn fault(&self) -> Option<Fault> {
        match self {
            Self::Fault(fault) => Some(*fault),
            Self::Compacted { .. } => Some(Fault::Compacted),
            _ => None,
        }
    }

    /// Whether what was asked for is older than the history that the store keeps: refused to a read, or the end of a watch.
    #[must_use]
    pub const fn is_compacted(&self) -> bool {
        matches!(self, Self::Compacted { .. } | Self::Fault(Fault::Compacted))
    }

    /// Whether the store surely did nothing, because the request never reached it.
    #[must_use]
    pub const fn is_surely_not_sent(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }

    /// Whether the same request may succeed later or elsewhere: gRPC's Unavailable, and broken connections.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::ConnectionLost(_) => true,
            Self::Fault(fault) => fault.code() == proto::fault::Code::Unavailable,
            Self::Status { code, .. } => *code == Code::Unavailable,
            _ => false,
        }
    }

    /// Whether the request has more bytes than the store takes, or than this client sends.
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        match self {
            Self::Fault(fault) => *fault == Fault::RequestTooLarge,
            Self::Status { code, message } => {
                *code == Code::ResourceExhausted && message.contains("trying to send message larger than max")
            }
            _ => false,
        }
    }

    /// Whether a new token may help (the rule of `shouldRefreshToken` in upstream's `retry_interceptor.go`).
    pub(crate) const fn wants_new_token(&self) -> bool {
        matches!(
            self,
            Self::Fault(Fault::InvalidAuthToken | Fault::AuthOldRevision | Fault::UserEmpty)
        )
    }

    /// Whether the endpoint itself is at fault, not the request.
    pub(crate) const fn is_transport(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::ConnectionLost(_))
    }

    /// The error that a text of the API stands for, if it is a published one.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        // A watch that is refused carries Go's rendering of the status: "rpc error: code = X desc = TEXT".
        let text = text.split_once(" desc = ").map_or(text, |(_, text)| text);
        FAULTS.get(text).copied().map(Self::Fault)
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        // A status that the store sent has no source. One that was made here has the error it was made from.
        if let Some(source) = status.source() {
            return transport(source);
        }
        Self::from_text(status.message()).unwrap_or_else(|| Self::Status {
            code: status.code(),
            message: status.message().to_owned(),
        })
    }
}

/// Tells a request that never left from one whose fate is unknown.
fn transport(error: &(dyn StdError + 'static)) -> Error {
    let mut texts: Vec<String> = Vec::new();
    let mut unsent = false;
    let mut next = Some(error);
    while let Some(error) = next {
        // hyper cancels a request only while it still has it in hand.
        unsent |= error.is::<tonic::ConnectError>() || error.downcast_ref().is_some_and(hyper::Error::is_canceled);
        let text = error.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        next = error.source();
    }
    let text = texts.join(": ");
    if unsent {
        Error::Unreachable(text)
    } else {
        Error::ConnectionLost(text)
    }
}

/// Published text to fault. The numbers of the enum have no holes larger than the range tried.
static FAULTS: LazyLock<HashMap<&'static str, Fault>> = LazyLock::new(|| {
    (1..256)
        .filter_map(|number| Fault::try_from(number).ok())
        .map(|fault| (fault.text(), fault))
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_text_becomes_its_fault() {
        let status = Status::new(Code::PermissionDenied, "etcdserver: permission denied");
        assert_eq!(Error::from(status).fault(), Some(Fault::PermissionDenied));
        let go = "rpc error: code = PermissionDenied desc = etcdserver: permission denied";
        assert_eq!(
            Error::from_text(go).and_then(|error| error.fault()),
            Some(Fault::PermissionDenied)
        );
        // The text decides, not the code.
        let status = Status::new(Code::Unknown, "etcdserver: too many requests");
        assert_eq!(Error::from(status).fault(), Some(Fault::TooManyRequests));
    }

    #[test]
    fn a_read_and_a_watch_that_come_too_late_are_told_the_same() {
        let read = Error::from(Status::new(
            Code::OutOfRange,
            "etcdserver: mvcc: required revision has been compacted",
        ));
        let watch = Error::Compacted { revision: 7 };
        assert!(read.is_compacted() && watch.is_compacted());
        assert_eq!(read.to_string(), watch.to_string());
        assert!(!Error::Closed.is_compacted());
    }

    #[test]
    fn an_unknown_text_keeps_code_and_words() {
        let error = Error::from(Status::new(Code::Unimplemented, "unknown method"));
        assert!(matches!(&error, Error::Status { code: Code::Unimplemented, message } if message == "unknown method"));
        assert!(!error.is_unavailable());
    }

    #[test]
    fn a_failed_dial_was_surely_not_sent() {
        let status = Status::from_error(Box::new(tonic::ConnectError("refused".into())));
        let error = Error::from(status);
        assert!(error.is_surely_not_sent(), "{error:?}");
        assert!(error.is_unavailable());
    }

    #[test]
    fn no_leader_is_unavailable_but_may_have_been_sent() {
        let error = Error::from(Status::new(Code::Unavailable, "etcdserver: no leader"));
        assert!(error.is_unavailable());
        assert!(!error.is_surely_not_sent());
    }
}
