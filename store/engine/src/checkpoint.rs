//! Point-in-time images of an engine, on their way from one member to another.

use bytes::Bytes;

use crate::Result;

/// One file of a checkpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    /// Its name, without folders; safe in the sense of [`is_safe_name`].
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// CRC-32C of its bytes.
    pub crc: u32,
}

/// An image of an engine's contents that later writes do not change. It is removed when the last handle is dropped.
pub trait Checkpoint: Send + Sync {
    /// Its files, in a fixed order.
    fn files(&self) -> &[File];

    /// At most `len` bytes of the file with this number from `offset` on; fewer only at its end.
    ///
    /// # Errors
    /// `Io` with `InvalidInput` for a file that does not exist; others from the system.
    fn read(&self, file: usize, offset: u64, len: usize) -> Result<Bytes>;
}

/// A checkpoint being received. Dropping it keeps what it holds; the same id resumes.
pub trait Incoming: Send {
    /// The id under which it was opened.
    fn id(&self) -> &str;

    /// How many bytes of the file are held, from its start.
    ///
    /// # Errors
    /// `Io`.
    fn held(&self, name: &str) -> Result<u64>;

    /// Writes at `offset`, which is at most what is held: a gap is an error, an overlap is written again and what was
    /// held behind it is cut off.
    ///
    /// # Errors
    /// `Io` with `InvalidInput` for a gap or an unsafe name; `NoSpace`; others from the system.
    fn write(&mut self, name: &str, offset: u64, data: &[u8]) -> Result<()>;

    /// Checks that exactly these files are held, each with its length and CRC, and makes them durable. Files that are
    /// not in the list are removed. A file that fails its check is emptied, so that it is fetched again.
    ///
    /// # Errors
    /// `Corrupt` for a wrong length or CRC.
    fn finish(&mut self, files: &[File]) -> Result<()>;
}

/// Whether a name may become a file name: 1 to 128 letters, digits, dots, dashes and underscores, not starting with a
/// dot. Names of incoming checkpoints come from other machines.
pub fn is_safe_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (1..=128).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_folder() {
        for good in ["CURRENT", "000012.sst", "MANIFEST-000005", "7_3-1"] {
            assert!(is_safe_name(good), "{good}");
        }
        for bad in ["", ".", "..", "../x", "a/b", "a\\b", "a\0", ".hidden", "ä"] {
            assert!(!is_safe_name(bad), "{bad}");
        }
    }
}
