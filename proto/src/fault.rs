//! The text and gRPC code of every refusal, as upstream's `api/v3rpc/rpctypes` publishes them.
//!
//! Clients match the text first and the code second, so both are part of the wire contract.

pub use crate::store::Fault;

/// The numeric gRPC status codes that the table uses (google.golang.org/grpc/codes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Code {
    /// The caller gave up.
    Canceled = 1,
    /// Upstream maps a few errors to no code of their own.
    Unknown = 2,
    /// The request can never succeed as it stands.
    InvalidArgument = 3,
    /// The outcome is not known in time.
    DeadlineExceeded = 4,
    /// What was named does not exist.
    NotFound = 5,
    /// The caller is known and not allowed.
    PermissionDenied = 7,
    /// A quota or a queue is full.
    ResourceExhausted = 8,
    /// The state does not allow it now.
    FailedPrecondition = 9,
    /// A revision or a TTL outside what exists.
    OutOfRange = 11,
    /// Surely not done, or honestly unknown: see the text.
    Unavailable = 14,
    /// Members disagree about the data.
    DataLoss = 15,
    /// The token is missing or no longer valid.
    Unauthenticated = 16,
}

impl Fault {
    /// Upstream's text, exactly.
    #[must_use]
    pub const fn text(self) -> &'static str {
        row(self).1
    }

    /// The gRPC code that upstream sends with the text.
    #[must_use]
    pub const fn code(self) -> Code {
        row(self).0
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Fault {}

#[allow(clippy::too_many_lines, reason = "one row a fault: the table is the function")]
const fn row(fault: Fault) -> (Code, &'static str) {
    use Code::{
        Canceled, DataLoss, DeadlineExceeded, FailedPrecondition, InvalidArgument, NotFound, OutOfRange,
        PermissionDenied, ResourceExhausted, Unauthenticated, Unavailable, Unknown,
    };
    match fault {
        Fault::None => (Unknown, ""),
        Fault::EmptyKey => (InvalidArgument, "etcdserver: key is not provided"),
        Fault::KeyNotFound => (InvalidArgument, "etcdserver: key not found"),
        Fault::ValueProvided => (InvalidArgument, "etcdserver: value is provided"),
        Fault::LeaseProvided => (InvalidArgument, "etcdserver: lease is provided"),
        Fault::TooManyOps => (InvalidArgument, "etcdserver: too many operations in txn request"),
        Fault::DuplicateKey => (InvalidArgument, "etcdserver: duplicate key given in txn request"),
        Fault::InvalidClientApiVersion => (InvalidArgument, "etcdserver: invalid client api version"),
        Fault::InvalidSortOption => (InvalidArgument, "etcdserver: invalid sort option"),
        Fault::BadMemberUrls => (InvalidArgument, "etcdserver: given member URLs are invalid"),
        Fault::RequestTooLarge => (InvalidArgument, "etcdserver: request is too large"),
        Fault::UserEmpty => (InvalidArgument, "etcdserver: user name is empty"),
        Fault::RoleEmpty => (InvalidArgument, "etcdserver: role name is empty"),
        Fault::AuthFailed => (
            InvalidArgument,
            "etcdserver: authentication failed, invalid user ID or password",
        ),
        Fault::PermissionNotGiven => (InvalidArgument, "etcdserver: permission not given"),
        Fault::InvalidAuthManagement => (InvalidArgument, "etcdserver: invalid auth management"),
        Fault::AuthOldRevision => (InvalidArgument, "etcdserver: revision of auth store is old"),
        Fault::WrongDowngradeVersionFormat => (InvalidArgument, "etcdserver: wrong downgrade target version format"),
        Fault::InvalidDowngradeTargetVersion => (InvalidArgument, "etcdserver: invalid downgrade target version"),
        Fault::Compacted => (OutOfRange, "etcdserver: mvcc: required revision has been compacted"),
        Fault::FutureRevision => (OutOfRange, "etcdserver: mvcc: required revision is a future revision"),
        Fault::LeaseTtlTooLarge => (OutOfRange, "etcdserver: too large lease TTL"),
        Fault::NoSpace => (ResourceExhausted, "etcdserver: mvcc: database space exceeded"),
        // Upstream loses the code of these two on the way out (v3rpc/util.go), so clients see Unknown.
        Fault::TooManyRequests => (Unknown, "etcdserver: too many requests"),
        Fault::MemberNotEnoughStarted => (
            Unknown,
            "etcdserver: re-configuration failed due to not enough started members",
        ),
        Fault::LeaseNotFound => (NotFound, "etcdserver: requested lease not found"),
        Fault::MemberNotFound => (NotFound, "etcdserver: member not found"),
        Fault::LeaseExist => (FailedPrecondition, "etcdserver: lease already exists"),
        Fault::MemberExist => (FailedPrecondition, "etcdserver: member ID already exist"),
        Fault::PeerUrlExist => (FailedPrecondition, "etcdserver: Peer URLs already exists"),
        Fault::MemberNotLearner => (FailedPrecondition, "etcdserver: can only promote a learner member"),
        Fault::LearnerNotReady => (
            FailedPrecondition,
            "etcdserver: can only promote a learner member which is in sync with leader",
        ),
        Fault::TooManyLearners => (FailedPrecondition, "etcdserver: too many learner members in cluster"),
        Fault::ClusterIdMismatch => (FailedPrecondition, "etcdserver: cluster ID mismatch"),
        Fault::RootUserNotExist => (FailedPrecondition, "etcdserver: root user does not exist"),
        Fault::RootRoleNotExist => (FailedPrecondition, "etcdserver: root user does not have root role"),
        Fault::UserAlreadyExist => (FailedPrecondition, "etcdserver: user name already exists"),
        Fault::UserNotFound => (FailedPrecondition, "etcdserver: user name not found"),
        Fault::RoleAlreadyExist => (FailedPrecondition, "etcdserver: role name already exists"),
        Fault::RoleNotFound => (FailedPrecondition, "etcdserver: role name not found"),
        Fault::RoleNotGranted => (FailedPrecondition, "etcdserver: role is not granted to the user"),
        Fault::PermissionNotGranted => (FailedPrecondition, "etcdserver: permission is not granted to the role"),
        Fault::AuthNotEnabled => (FailedPrecondition, "etcdserver: authentication is not enabled"),
        Fault::NotLeader => (FailedPrecondition, "etcdserver: not leader"),
        Fault::NotCapable => (FailedPrecondition, "etcdserver: not capable"),
        Fault::NotSupportedForLearner => (FailedPrecondition, "etcdserver: rpc not supported for learner"),
        Fault::BadLeaderTransferee => (FailedPrecondition, "etcdserver: bad leader transferee"),
        Fault::ClusterVersionUnavailable => (
            FailedPrecondition,
            "etcdserver: cluster version not found during downgrade",
        ),
        Fault::DowngradeInProgress => (
            FailedPrecondition,
            "etcdserver: cluster has a downgrade job in progress",
        ),
        Fault::NoInflightDowngrade => (FailedPrecondition, "etcdserver: no inflight downgrade job"),
        Fault::PermissionDenied => (PermissionDenied, "etcdserver: permission denied"),
        Fault::InvalidAuthToken => (Unauthenticated, "etcdserver: invalid auth token"),
        Fault::Corrupt => (DataLoss, "etcdserver: corrupt cluster"),
        Fault::WatchCanceled => (Canceled, "etcdserver: watch canceled"),
        Fault::RequestCanceled => (Canceled, "etcdserver: request canceled"),
        Fault::DeadlineExceeded => (DeadlineExceeded, "etcdserver: context deadline exceeded"),
        Fault::NoLeader => (Unavailable, "etcdserver: no leader"),
        Fault::LeaderChanged => (Unavailable, "etcdserver: leader changed"),
        Fault::Stopped => (Unavailable, "etcdserver: server stopped"),
        Fault::Timeout => (Unavailable, "etcdserver: request timed out"),
        Fault::TimeoutLeaderFailure => (
            Unavailable,
            "etcdserver: request timed out, possibly due to previous leader failure",
        ),
        Fault::TimeoutConnectionLost => (
            Unavailable,
            "etcdserver: request timed out, possibly due to connection lost",
        ),
        Fault::TimeoutWaitAppliedIndex => (
            Unavailable,
            "etcdserver: request timed out, waiting for the applied index took too long",
        ),
        Fault::Unhealthy => (Unavailable, "etcdserver: unhealthy cluster"),
    }
}
