//! Writing a database from sorted input to a stream.
//!
//! The meta pages come first in the file but say where the root is and how many pages there are. So writing takes two
//! passes over the same data: one that measures, one that writes. Neither holds more than a page a tree level.

use std::io::{self, Write};

use crate::page::{BUCKET, FIRST_PAGE, Header, Kind, Meta, PAGE};
use crate::tree::Tree;
use crate::{Error, Result};

const FREELIST: u64 = FIRST_PAGE;
/// The meta page of the higher transaction counts; both say the same.
const TRANSACTIONS: [u64; 2] = [2, 1];

/// What the first pass finds out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    root: u64,
    pages: u64,
}

impl Layout {
    /// The file's size.
    pub fn bytes(&self) -> u64 {
        self.pages * PAGE as u64
    }
}

/// A database being written, or measured.
pub struct Writer<W> {
    pages: Pages<W>,
    root: Tree,
    planned: Option<Layout>,
}

/// One bucket being written. It must be finished to be part of the database.
pub struct BucketWriter<'a, W> {
    writer: &'a mut Writer<W>,
    name: Vec<u8>,
    tree: Tree,
}

/// Where pages go, and the number of the next.
pub(crate) struct Pages<W> {
    out: W,
    next: u64,
    scratch: Vec<u8>,
}

impl Writer<io::Sink> {
    /// The first pass: takes everything and keeps nothing but the layout.
    ///
    /// # Errors
    /// None in practice: the sink takes everything.
    pub fn measure() -> Result<Self> {
        Self::start(io::sink(), None)
    }
}

impl<W: Write> Writer<W> {
    /// The second pass, with what the first found out.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn new(mut out: W, layout: Layout) -> Result<Self> {
        let mut metas = Vec::with_capacity(2 * PAGE);
        for transaction in TRANSACTIONS {
            let Layout { root, pages } = layout;
            Meta {
                page_size: PAGE as u32,
                root,
                freelist: FREELIST,
                pages,
                transaction,
            }
            .encode(&mut metas);
        }
        out.write_all(&metas)?;
        Self::start(out, Some(layout))
    }

    fn start(out: W, planned: Option<Layout>) -> Result<Self> {
        let mut pages = Pages {
            out,
            next: FREELIST,
            scratch: Vec::new(),
        };
        let freelist = |id, overflow, page: &mut Vec<u8>| {
            Header {
                id,
                kind: Kind::Freelist,
                count: 0,
                overflow,
            }
            .encode(page);
            Ok(())
        };
        pages.write(freelist, PAGE)?;
        Ok(Self {
            pages,
            root: Tree::new(),
            planned,
        })
    }

    /// Starts the next bucket. Names come in ascending order.
    pub fn bucket(&mut self, name: &[u8]) -> BucketWriter<'_, W> {
        BucketWriter {
            name: name.to_vec(),
            tree: Tree::new(),
            writer: self,
        }
    }

    /// Ends the file and returns what it was written to, and its layout.
    ///
    /// # Errors
    /// `Changed` when the two passes saw different data; those of the output.
    pub fn finish(mut self) -> Result<(W, Layout)> {
        let root = self.root.finish(&mut self.pages)?;
        let layout = Layout {
            root,
            pages: self.pages.next,
        };
        if self.planned.is_some_and(|planned| planned != layout) {
            return Err(Error::Changed);
        }
        self.pages.out.flush()?;
        Ok((self.pages.out, layout))
    }
}

impl<W: Write> BucketWriter<'_, W> {
    /// Adds an entry. Keys come in ascending order.
    ///
    /// # Errors
    /// `Order`; those of the output.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.tree.put(&mut self.writer.pages, key, value, 0)
    }

    /// Ends the bucket.
    ///
    /// # Errors
    /// `Order` when its name does not come after the one before; those of the output.
    pub fn finish(self) -> Result<()> {
        let root = self.tree.finish(&mut self.writer.pages)?;
        let mut value = [0; 16];
        let (place, _sequence) = value.split_at_mut(8);
        place.copy_from_slice(&root.to_le_bytes());
        self.writer.root.put(&mut self.writer.pages, &self.name, &value, BUCKET)
    }
}

impl<W: Write> Pages<W> {
    /// Writes a page of `bytes`, which `fill` encodes from its number and overflow. Returns its number.
    pub(crate) fn write(
        &mut self,
        fill: impl FnOnce(u64, u32, &mut Vec<u8>) -> Result<()>,
        bytes: usize,
    ) -> Result<u64> {
        let (id, count) = (self.next, bytes.div_ceil(PAGE).max(1));
        let overflow = u32::try_from(count - 1).map_err(|_| Error::Order("an entry of more than 4 GiB".into()))?;
        self.scratch.clear();
        fill(id, overflow, &mut self.scratch)?;
        self.scratch.resize(count * PAGE, 0);
        self.out.write_all(&self.scratch)?;
        self.next += count as u64;
        Ok(id)
    }
}
