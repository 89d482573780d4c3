//! Sorted keys in one allocation, their common beginning kept once.

/// Immutable; every change makes a new one.
#[derive(Debug)]
pub(super) struct Block {
    /// The common beginning, then the rest of each key.
    bytes: Box<[u8]>,
    /// Where the rest of each key ends in `bytes`.
    ends: Box<[u32]>,
    prefix: u32,
}

impl Block {
    /// Takes the keys that `write` appends to an empty buffer, one a place, in strictly ascending order.
    pub(super) fn build(len: usize, mut write: impl FnMut(usize, &mut Vec<u8>)) -> Self {
        let (mut first, mut scratch) = (Vec::new(), Vec::new());
        if len > 0 {
            write(0, &mut first);
            write(len - 1, &mut scratch);
        }
        let prefix = common(&first, &scratch);
        let mut bytes = Vec::with_capacity(prefix + len * (scratch.len() - prefix));
        bytes.extend_from_slice(&first[..prefix]);
        let ends = (0..len)
            .map(|at| {
                scratch.clear();
                write(at, &mut scratch);
                bytes.extend_from_slice(&scratch[prefix..]);
                bytes.len() as u32
            })
            .collect();
        Self {
            bytes: bytes.into_boxed_slice(),
            ends,
            prefix: prefix as u32,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    fn rest(&self, at: usize) -> &[u8] {
        let start = if at == 0 { self.prefix } else { self.ends[at - 1] };
        &self.bytes[start as usize..self.ends[at] as usize]
    }

    /// Appends the key at a place.
    pub(super) fn write(&self, at: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes[..self.prefix as usize]);
        out.extend_from_slice(self.rest(at));
    }

    pub(super) fn key(&self, at: usize) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(at, &mut out);
        out
    }

    /// The place of the key, or the place where it belongs.
    pub(super) fn search(&self, key: &[u8]) -> Result<usize, usize> {
        let prefix = &self.bytes[..self.prefix as usize];
        let Some(rest) = key.strip_prefix(prefix) else {
            return Err(if key < prefix { 0 } else { self.len() });
        };
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            match self.rest(middle).cmp(rest) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }

    pub(super) fn with(&self, place: usize, key: &[u8]) -> Self {
        Self::build(self.len() + 1, |at, out| match at.cmp(&place) {
            std::cmp::Ordering::Less => self.write(at, out),
            std::cmp::Ordering::Equal => out.extend_from_slice(key),
            std::cmp::Ordering::Greater => self.write(at - 1, out),
        })
    }

    pub(super) fn without(&self, place: usize) -> Self {
        Self::build(self.len() - 1, |at, out| {
            self.write(if at < place { at } else { at + 1 }, out);
        })
    }

    pub(super) fn slice(&self, places: std::ops::Range<usize>) -> Self {
        Self::build(places.len(), |at, out| self.write(places.start + at, out))
    }

    /// Both blocks' keys, with one between them where given.
    pub(super) fn join(&self, middle: Option<&[u8]>, right: &Self) -> Self {
        let behind = self.len() + usize::from(middle.is_some());
        Self::build(behind + right.len(), |at, out| {
            if at < self.len() {
                self.write(at, out);
            } else if at < behind {
                out.extend_from_slice(middle.unwrap_or_default());
            } else {
                right.write(at - behind, out);
            }
        })
    }
}

/// How many bytes two keys begin with alike.
pub(super) fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The shortest key that is greater than `left` and not greater than `right`.
pub(super) fn separator(left: &[u8], right: &[u8]) -> Vec<u8> {
    right[..right.len().min(common(left, right) + 1)].to_vec()
}

#[cfg(test)]
impl Block {
    /// Heap bytes, with 16 for each allocation.
    pub(super) fn heap(&self) -> usize {
        16 * 3 + size_of::<Self>() + self.bytes.len() + self.ends.len() * 4
    }
}
