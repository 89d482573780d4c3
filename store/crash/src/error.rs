//! Why a case failed, in words.

use std::fmt::{Debug, Display};

/// What went wrong; one or more lines for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub String);

/// The result of what may go wrong.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// Puts words before another crate's error.
pub(crate) trait OrFail<T> {
    fn or_fail(self, what: &str) -> Result<T>;
}

impl<T, E: Display> OrFail<T> for std::result::Result<T, E> {
    fn or_fail(self, what: &str) -> Result<T> {
        self.map_err(|error| Error(format!("{what}: {error}")))
    }
}

/// Holds what was found against what must be there.
///
/// # Errors
/// Where they differ.
pub(crate) fn equal<T: PartialEq + Debug>(what: &str, found: T, wanted: T) -> Result<()> {
    if found == wanted {
        return Ok(());
    }
    Err(Error::new(format!("{what} is {found:?}, not {wanted:?}")))
}
