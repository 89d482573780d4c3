//! The most bytes that a message of each call may have. Room for a message is made when its length is announced, which
//! anybody can do in five bytes, so each call gets what it has to carry and no more.

/// What asks for little: a vote, a number, a few flags.
const ASK: usize = 4 << 10;
/// An answer as short as that, or the text of a failure.
const ANSWER: usize = 64 << 10;
/// Lists that grow with the cluster or with the database (members, files, hashes), pieces of a snapshot, and the small
/// commands or entries that stand around a large one.
const MANY: usize = 4 << 20;
/// A command of this size passes whatever this member's own limit is: others may have been started with another, and a
/// log keeps what was taken under an earlier one. Upstream advises against more than a third of it.
const COMMAND: usize = 32 << 20;
/// The keys of one lease, which nothing else limits.
const KEYS: usize = 256 << 20;

/// The limit of a request, by the path of its call, at a member that takes clients' requests of this size.
pub(super) fn request(path: &str, max_request_bytes: usize) -> usize {
    match path.rsplit('/').next().unwrap_or_default() {
        "Append" | "Propose" => max_request_bytes.max(COMMAND).saturating_add(MANY),
        "SnapshotOffer" | "Snapshot" => MANY,
        _ => ASK,
    }
}

/// What a call is answered with.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// A vote, a position.
    Short,
    /// Members, files, hashes, refused commands.
    Many,
    /// The keys of a lease.
    Keys,
}

impl Answer {
    /// The limit of such an answer.
    pub(super) const fn limit(self) -> usize {
        match self {
            Self::Short => ANSWER,
            Self::Many => MANY,
            Self::Keys => KEYS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{COMMAND, MANY, request};

    #[test]
    fn a_member_that_takes_larger_requests_takes_them_from_its_peers_too() {
        for (own, carried) in [(1 << 20, COMMAND), (COMMAND + 1, COMMAND + 1)] {
            assert_eq!(request("/keelson.peer.v1.Peer/Append", own), carried + MANY);
            assert_eq!(request("/keelson.peer.v1.Peer/Propose", own), carried + MANY);
            assert_eq!(request("/keelson.peer.v1.Peer/Snapshot", own), MANY);
        }
        assert_eq!(request("/keelson.peer.v1.Peer/Append", usize::MAX), usize::MAX);
    }
}
