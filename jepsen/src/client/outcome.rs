//! What is known of a call that was not answered: the one place where codes and texts are read.
//!
//! A call that surely did not happen is refused; whatever leaves a doubt is unknown. To take an unknown call for a
//! refused one makes a checker report what did not happen; the other way round it only sees less. So a refusal needs a
//! reason, and the reasons stand beside each rule here.

use tonic::{Code, Status};

/// What was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// It did not happen and never will.
    Refused(String),
    /// It may have happened, or happen yet.
    Unknown(String),
}

impl Mishap {
    /// What the client was told.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Refused(text) | Self::Unknown(text) => text,
        }
    }
}

/// What a call does to the store, as far as its outcome depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It changes nothing, so without an answer nothing has happened.
    Reads,
    /// It is proposed once and answered with what came of that.
    Writes,
    /// It writes first and waits then (lock, campaign): a refusal may come long after its write.
    Waits,
}

/// Texts that come with a code which says nothing by itself, and are only sent when nothing was proposed.
const BEFORE_PROPOSING: [&str; 6] = [
    // Sent instead of proposing, while applying lags too far behind (server/etcdserver/v3_server.go).
    "etcdserver: too many requests",
    // Asked for by metadata and checked at the door; and by renewals, which wait for a leader before they ask it.
    "etcdserver: no leader",
    // The member's own raft refused to take the proposal (raft.ErrProposalDropped).
    "raft proposal dropped",
    // The comparison in the transaction found another leader's key, or none, so its put did not run.
    "election: not leader",
    "election: no leader",
    // Said by the client's own side: the channel never took the request.
    "Service was not ready",
];

/// Codes of requests that were looked at and turned down, before being proposed or by an apply that changed nothing.
///
/// Not among them: `ResourceExhausted` ("database space exceeded" is said of writes that were applied, see `Put` in
/// server/etcdserver/apply/quota.go), `Unavailable`, `DeadlineExceeded`, `Cancelled`, `Aborted`, `Unknown`, `Internal`
/// and `DataLoss`, which all may be said after a proposal was made.
const TURNED_DOWN: [Code; 8] = [
    Code::InvalidArgument,
    Code::NotFound,
    Code::AlreadyExists,
    Code::FailedPrecondition,
    Code::OutOfRange,
    Code::PermissionDenied,
    Code::Unauthenticated,
    Code::Unimplemented,
];

/// What a status says of a call.
pub(crate) fn classify(effect: Effect, status: Status) -> Mishap {
    let (code, text) = (status.code(), status.message().to_owned());
    // A status that was made on this side carries its cause; the client library tells from it whether the request
    // ever left.
    let unsent = store_client::Error::from(status).is_surely_not_sent();
    let said = format!("{code:?}: {text}");
    let refused = unsent
        || match effect {
            Effect::Reads => true,
            Effect::Writes => {
                TURNED_DOWN.contains(&code) || BEFORE_PROPOSING.iter().any(|known| text.starts_with(known))
            }
            Effect::Waits => false,
        };
    if refused {
        Mishap::Refused(said)
    } else {
        Mishap::Unknown(said)
    }
}

/// What the end of the client's patience says of a call.
pub(crate) fn timed_out(effect: Effect, after: std::time::Duration) -> Mishap {
    let said = format!("timed out after {} ms", after.as_millis());
    match effect {
        Effect::Reads => Mishap::Refused(said),
        Effect::Writes | Effect::Waits => Mishap::Unknown(said),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn is_unknown(effect: Effect, code: Code, text: &str) -> bool {
        matches!(classify(effect, Status::new(code, text)), Mishap::Unknown(_))
    }

    #[test]
    fn every_known_answer_of_a_write_has_its_class() {
        for (code, text, unknown) in [
            (Code::InvalidArgument, "etcdserver: key is not provided", false),
            (
                Code::InvalidArgument,
                "etcdserver: duplicate key given in txn request",
                false,
            ),
            (Code::NotFound, "etcdserver: requested lease not found", false),
            (Code::FailedPrecondition, "etcdserver: lease already exists", false),
            (Code::FailedPrecondition, "etcdserver: not leader", false),
            (
                Code::OutOfRange,
                "etcdserver: mvcc: required revision has been compacted",
                false,
            ),
            (Code::Unimplemented, "unknown service", false),
            (Code::Unknown, "etcdserver: too many requests", false),
            (Code::Unknown, "raft proposal dropped", false),
            (Code::Unknown, "election: not leader", false),
            (Code::Unavailable, "etcdserver: no leader", false),
            (Code::Unknown, "something else", true),
            (
                Code::ResourceExhausted,
                "etcdserver: mvcc: database space exceeded",
                true,
            ),
            (Code::Unavailable, "etcdserver: leader changed", true),
            (Code::Unavailable, "etcdserver: server stopped", true),
            (Code::Unavailable, "etcdserver: request timed out", true),
            (
                Code::Unavailable,
                "etcdserver: request timed out, possibly due to previous leader failure",
                true,
            ),
            (
                Code::Unavailable,
                "etcdserver: request timed out, possibly due to connection lost",
                true,
            ),
            (Code::Unavailable, "error reading a body from connection", true),
            (Code::DeadlineExceeded, "context deadline exceeded", true),
            (Code::Cancelled, "Timeout expired", true),
            (Code::DataLoss, "etcdserver: corrupt cluster", true),
            (Code::Internal, "h2 protocol error", true),
            (Code::Aborted, "", true),
        ] {
            assert_eq!(is_unknown(Effect::Writes, code, text), unknown, "{code:?}: {text}");
        }
    }

    #[test]
    fn a_read_never_leaves_a_doubt_and_a_wait_nearly_always() {
        assert!(!is_unknown(
            Effect::Reads,
            Code::Unavailable,
            "etcdserver: leader changed"
        ));
        assert!(is_unknown(
            Effect::Waits,
            Code::NotFound,
            "etcdserver: requested lease not found"
        ));
        let patience = Duration::from_millis(300);
        assert_eq!(
            timed_out(Effect::Reads, patience),
            Mishap::Refused("timed out after 300 ms".into())
        );
        assert!(matches!(timed_out(Effect::Writes, patience), Mishap::Unknown(_)));
    }

    #[tokio::test]
    async fn a_request_that_never_left_is_refused() {
        // Port 1 of this machine is served by nobody.
        let channel = tonic::transport::Endpoint::from_static("http://127.0.0.1:1").connect_lazy();
        let mut stub = proto::etcd::kv_client::KvClient::new(channel);
        let status = stub.put(proto::etcd::PutRequest::default()).await.unwrap_err();
        let mishap = classify(Effect::Waits, status);
        assert!(matches!(mishap, Mishap::Refused(_)), "{mishap:?}");
    }
}
