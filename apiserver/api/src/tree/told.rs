//! How much is told of what is odd about a document.

/// How many findings of a sort are told; upstream's decoders stop counting there too.
pub const MAX_DUPLICATES: usize = 100;
/// Once findings have so many bytes, no other is told: a key may be as long as a document and have many others below it, each
/// of which is told with its whole path.
const BYTES_MAX: usize = 128 << 10;

/// What was told until now. The first finding is told however long it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    count: usize,
    bytes: usize,
}

impl Told {
    /// After which nothing more is told.
    pub const ENOUGH: Self = Self {
        count: MAX_DUPLICATES,
        bytes: BYTES_MAX,
    };

    /// Whether others are left out.
    pub const fn is_enough(self) -> bool {
        self.count >= MAX_DUPLICATES || self.bytes >= BYTES_MAX
    }

    /// One more, of so many bytes.
    pub const fn add(&mut self, bytes: usize) {
        self.count += 1;
        self.bytes += bytes;
    }
}
