//! What it may cost to hold names against limits.

/// How many names are held against how many limits, over all ways to an authority together: as many as Go's verifier
/// compared for each certificate, before it sorted them.
const MOST: usize = 250_000;
/// How many bytes that are compared are a further step. Names of common length cost one alone.
const BYTES: usize = 64;

/// Why a name was not held against a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Uncompared {
    /// One of the two is no name of its kind.
    Malformed,
    /// There are no steps left.
    Spent,
}

/// The steps that are left.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Steps(pub(super) usize);

impl Steps {
    /// Those of one search.
    pub(super) const ALL: Self = Self(MOST);

    /// Looks at another limit.
    pub(super) fn look(&mut self) -> Result<(), Uncompared> {
        self.take(1)
    }

    /// Compares more bytes, after some of the same limit that are counted up.
    pub(super) fn compare(&mut self, compared: &mut usize, more: usize) -> Result<(), Uncompared> {
        let before = *compared / BYTES;
        *compared += more;
        self.take(*compared / BYTES - before)
    }

    fn take(&mut self, count: usize) -> Result<(), Uncompared> {
        self.0 = self.0.checked_sub(count).ok_or(Uncompared::Spent)?;
        Ok(())
    }
}
