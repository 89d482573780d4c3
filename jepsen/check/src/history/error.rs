//! What can be wrong with a history, and with a line of one.

/// Why a history cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The reader or the writer failed.
    #[error("the history cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// A line is wrong.
    #[error("line {line}: {problem}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        problem: Problem,
    },
    /// An operation has no words in the format that was asked for.
    #[error("operation {operation} cannot be written as {format}")]
    NoWords {
        /// Its index.
        operation: usize,
        /// The format.
        format: &'static str,
    },
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is no line of a history.
    #[error("not a line of a history: {0}")]
    Malformed(String),
    /// It is older than the line before it.
    #[error("its time {time} is before {before}, the time of an earlier line")]
    Backwards {
        /// The earlier line's time.
        before: u64,
        /// Its own.
        time: u64,
    },
    /// It says that it was set about later than now.
    #[error("its time is {time}, and it was set about at {since}")]
    Ahead {
        /// When it says that it was set about.
        since: u64,
        /// Its own time.
        time: u64,
    },
    /// The process calls while its last call is open.
    #[error("process {0} calls while its last call is open")]
    Busy(u64),
    /// The process has no open call that this could belong to.
    #[error("process {0} has no open call")]
    Idle(u64),
    /// The answer is not one to the call.
    #[error("process {process} asked {call} and cannot be answered {reply}")]
    Misfit {
        /// Who.
        process: u64,
        /// What was asked.
        call: String,
        /// What was answered.
        reply: String,
    },
    /// Only watches deliver responses.
    #[error("process {0} has a response, but no open watch")]
    NoWatch(u64),
}
