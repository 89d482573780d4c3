//! The one error of the programs: a line for the user and an exit code.

use base::flags::ParseError;

/// Why a program ends without having done its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Error {
    /// 1: it cannot be done; 2: the command line cannot be read. As etcd and etcdutl.
    pub(crate) code: u8,
    /// What was wrong, what was expected, what to do; usually one line.
    pub(crate) text: String,
}

impl Error {
    /// Something that cannot be done.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            code: 1,
            text: text.into(),
        }
    }

    /// A command line that cannot be read.
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self {
            code: 2,
            text: text.into(),
        }
    }

    /// Any error with all its causes on one line.
    pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> Self {
        let causes = std::iter::successors(Some(error), |error| error.source());
        let mut text = String::new();
        for cause in causes.map(ToString::to_string) {
            // Some errors already say their cause.
            if text.is_empty() {
                text = cause;
            } else if !text.contains(&cause) {
                text.extend([": ", &cause]);
            }
        }
        Self::new(text)
    }
}

impl From<base::flags::Error> for Error {
    fn from(error: base::flags::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<ParseError> for Error {
    fn from(error: ParseError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<base::tls::Error> for Error {
    fn from(error: base::tls::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<base::telemetry::Error> for Error {
    fn from(error: base::telemetry::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<base::certs::Error> for Error {
    fn from(error: base::certs::Error) -> Self {
        Self::new(error.to_string())
    }
}

/// What programs return.
pub(crate) type Result<T> = std::result::Result<T, Error>;
