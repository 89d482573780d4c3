//! Why a log could not be opened, and what to do about it.

use std::io;

/// A log that must not be used as it is. Nothing on disk was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The disk refused.
    #[error("raft log: cannot {action} {file}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        file: String,
        /// The disk's answer.
        source: io::Error,
    },
    /// Bytes that had been synced are not what was written: a failing disk or an edited file. Going on would forget
    /// votes and entries that this member has vouched for.
    #[error(
        "raft log file {file} is damaged at byte {offset}: {what}. Nothing was changed. Do not delete the tail by hand: \
         this member promised what stood there. Remove the member from its cluster, move its data directory away and \
         add it again; for the only member, restore from a snapshot"
    )]
    Damaged {
        /// Name of the file within the log's directory.
        file: String,
        /// Where the first bad record starts.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A segment between others, or the oldest, is not there.
    #[error(
        "raft log: entries {from} to {to} are missing, their segment file is gone. Put the file back, or remove the \
         member from its cluster, move its data directory away and add it again"
    )]
    Missing {
        /// First index that should be there.
        from: u64,
        /// Last index that should be there.
        to: u64,
    },
    /// The log belongs to another member or cluster.
    #[error(
        "raft log file {file} belongs to member {member:x} of cluster {cluster:x}, not to this member: the data \
         directory is another's"
    )]
    Stranger {
        /// Name of the file.
        file: String,
        /// Member id in its header.
        member: u64,
        /// Cluster id in its header.
        cluster: u64,
    },
    /// Written by a newer program.
    #[error("raft log file {file} has format {found}; this program reads format {known}: start a newer one")]
    Format {
        /// Name of the file.
        file: String,
        /// Format number found.
        found: u32,
        /// Format number that this program writes.
        known: u32,
    },
    /// The writer thread could not be started.
    #[error("raft log: cannot start the writer thread: {0}")]
    Thread(io::Error),
}

impl OpenError {
    pub(crate) fn io(action: &'static str, file: &str) -> impl FnOnce(io::Error) -> Self {
        move |source| OpenError::Io {
            action,
            file: file.to_owned(),
            source,
        }
    }
}
