//! Reading a database: every number in it is doubted, so that no file can make this panic, loop or eat memory.

use std::io::{Read, Seek, SeekFrom};

use bytes::Bytes;

use crate::page::{BUCKET, ELEMENT, FIRST_PAGE, HEADER, Header, Kind, Meta, u32_at, u64_at};
use crate::{Error, Result};

/// Deeper than any tree of this world: a page has two children or more.
const DEEPEST: usize = 64;
const SMALLEST_PAGE: u32 = 1 << 10;
const LARGEST_PAGE: u32 = 1 << 24;

/// A database in a file.
#[derive(Debug)]
pub struct Database<R> {
    file: R,
    meta: Meta,
}

/// A bucket: where its tree starts.
#[derive(Clone, Debug)]
pub struct Bucket {
    root: Root,
}

#[derive(Clone, Debug)]
enum Root {
    Page(u64),
    /// A small bucket's only page, kept in its parent.
    Inline(Bytes),
}

/// A walk over one bucket, in key order. It yields keys and values and ends after the first error.
pub struct Cursor<'a, R> {
    database: &'a mut Database<R>,
    stack: Vec<Frame>,
    last: Option<Bytes>,
    /// Whether the entries wanted are buckets.
    buckets: bool,
}

struct Page {
    header: Header,
    data: Bytes,
}

/// A page on the way down, with the bounds that its parent gives to its keys.
struct Frame {
    page: Page,
    next: usize,
    low: Option<Bytes>,
    high: Option<Bytes>,
}

impl<R: Read + Seek> Database<R> {
    /// Opens the database in the first `bytes` of a file.
    ///
    /// # Errors
    /// `Corrupt` when neither meta page is valid or the file is shorter than they say.
    pub fn open(mut file: R, bytes: u64) -> Result<Self> {
        let meta = read_meta(&mut file, bytes)?;
        if meta
            .pages
            .checked_mul(u64::from(meta.page_size))
            .is_none_or(|needed| needed > bytes)
        {
            return Err(Error::corrupt(format!(
                "{} pages do not fit into {bytes} bytes",
                meta.pages
            )));
        }
        Ok(Self { file, meta })
    }

    /// The size of its pages in use.
    pub fn bytes(&self) -> u64 {
        self.meta.pages * u64::from(self.meta.page_size)
    }

    /// The names and places of all buckets, in order.
    ///
    /// # Errors
    /// `Corrupt`; those of the file.
    pub fn buckets(&mut self) -> Result<Vec<(Bytes, Bucket)>> {
        let root = Bucket {
            root: Root::Page(self.meta.root),
        };
        let mut cursor = self.cursor(&root)?;
        cursor.buckets = true;
        cursor
            .map(|entry| entry.and_then(|(name, value)| Ok((name, Bucket::decode(value)?))))
            .collect()
    }

    /// A bucket by its name.
    ///
    /// # Errors
    /// `Corrupt`; those of the file.
    pub fn bucket(&mut self, name: &[u8]) -> Result<Option<Bucket>> {
        Ok(self
            .buckets()?
            .into_iter()
            .find(|(found, _)| found == name)
            .map(|(_, bucket)| bucket))
    }

    /// A walk over a bucket's entries.
    ///
    /// # Errors
    /// `Corrupt`; those of the file.
    pub fn cursor(&mut self, bucket: &Bucket) -> Result<Cursor<'_, R>> {
        let page = match &bucket.root {
            Root::Page(id) => self.page(*id)?,
            Root::Inline(data) => Page {
                header: Header::decode(data)?,
                data: data.clone(),
            },
        };
        let frame = Frame {
            page,
            next: 0,
            low: None,
            high: None,
        };
        Ok(Cursor {
            database: self,
            stack: vec![frame],
            last: None,
            buckets: false,
        })
    }

    fn page(&mut self, id: u64) -> Result<Page> {
        let size = u64::from(self.meta.page_size);
        let inside = |id: u64| (FIRST_PAGE..self.meta.pages).contains(&id);
        if !inside(id) {
            return Err(Error::corrupt(format!("page {id} does not exist")));
        }
        self.file.seek(SeekFrom::Start(id * size))?;
        let mut data = vec![0; self.meta.page_size as usize];
        self.file.read_exact(&mut data)?;
        let header = Header::decode(&data)?;
        if header.id != id || !inside(id + u64::from(header.overflow)) {
            return Err(Error::corrupt(format!("page {id} has a wrong number or overflow")));
        }
        // Not more than the file holds, as was just seen.
        data.resize(data.len() * (header.overflow as usize + 1), 0);
        let (_, more) = data.split_at_mut(self.meta.page_size as usize);
        self.file.read_exact(more)?;
        Ok(Page {
            header,
            data: data.into(),
        })
    }
}

fn read_meta<R: Read + Seek>(file: &mut R, bytes: u64) -> Result<Meta> {
    let first = meta_at(file, bytes, 0);
    // The second page's place depends on the page size, which only a valid first page tells.
    let second = match &first {
        Ok(meta) => meta_at(file, bytes, u64::from(meta.page_size)).ok(),
        Err(_) => (10..=24).find_map(|shift| meta_at(file, bytes, 1 << shift).ok()),
    };
    match (first, second) {
        (Ok(first), Some(second)) if second.transaction > first.transaction => Ok(second),
        (Err(_), Some(second)) => Ok(second),
        (first, _) => first,
    }
}

fn meta_at<R: Read + Seek>(file: &mut R, bytes: u64, at: u64) -> Result<Meta> {
    let mut data = [0; 128];
    if at + data.len() as u64 > bytes {
        return Err(Error::corrupt("too short for a database"));
    }
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut data)?;
    let meta = Meta::decode(&data)?;
    if !meta.page_size.is_power_of_two() || !(SMALLEST_PAGE..=LARGEST_PAGE).contains(&meta.page_size) {
        return Err(Error::corrupt(format!("page size {}", meta.page_size)));
    }
    Ok(meta)
}

impl Bucket {
    fn decode(value: Bytes) -> Result<Self> {
        let root = u64_at(&value, 0)?;
        let inline = value.get(ELEMENT..).ok_or_else(|| Error::corrupt("bucket cut short"))?;
        let root = if root == 0 {
            Root::Inline(value.slice_ref(inline))
        } else {
            Root::Page(root)
        };
        Ok(Self { root })
    }
}

impl Page {
    fn count(&self) -> usize {
        usize::from(self.header.count)
    }

    fn piece(&self, start: usize, len: usize) -> Result<Bytes> {
        let end = start.checked_add(len);
        let piece = end.and_then(|end| self.data.get(start..end));
        let outside = || Error::corrupt(format!("page {} has an element that reaches out of it", self.header.id));
        piece.map(|piece| self.data.slice_ref(piece)).ok_or_else(outside)
    }

    /// Key and page of a branch element.
    fn branch(&self, index: usize) -> Result<(Bytes, u64)> {
        let at = HEADER + ELEMENT * index;
        let key = self.piece(
            at.saturating_add(u32_at(&self.data, at)? as usize),
            u32_at(&self.data, at + 4)? as usize,
        )?;
        Ok((key, u64_at(&self.data, at + 8)?))
    }

    /// Flags, key and value of a leaf element.
    fn leaf(&self, index: usize) -> Result<(u32, Bytes, Bytes)> {
        let at = HEADER + ELEMENT * index;
        let flags = u32_at(&self.data, at)?;
        let start = at.saturating_add(u32_at(&self.data, at + 4)? as usize);
        let (key, value) = (
            u32_at(&self.data, at + 8)? as usize,
            u32_at(&self.data, at + 12)? as usize,
        );
        Ok((
            flags,
            self.piece(start, key)?,
            self.piece(start.saturating_add(key), value)?,
        ))
    }
}

impl<R: Read + Seek> Cursor<'_, R> {
    /// The next entry that is a bucket, or is not, as wanted.
    fn step(&mut self) -> Result<Option<(Bytes, Bytes)>> {
        while let Some(frame) = self.stack.last_mut() {
            let index = frame.next;
            if index == frame.page.count() {
                self.stack.pop();
                continue;
            }
            frame.next += 1;
            match frame.page.header.kind {
                Kind::Branch => self.descend(index)?,
                Kind::Leaf => {
                    let (flags, key, value) = frame.page.leaf(index)?;
                    frame.check(&key)?;
                    if self.last.as_ref().is_some_and(|last| *last >= key) {
                        return Err(Error::corrupt("keys out of order"));
                    }
                    self.last = Some(key.clone());
                    if (flags & BUCKET != 0) == self.buckets {
                        return Ok(Some((key, value)));
                    }
                }
                Kind::Meta | Kind::Freelist => {
                    return Err(Error::corrupt(format!(
                        "page {} is not part of a tree",
                        frame.page.header.id
                    )));
                }
            }
        }
        Ok(None)
    }

    /// Goes down to a branch element's page. A page reached twice, or in a circle, fails on the bounds of its keys, so
    /// that the walk ends after as many steps as the file has elements.
    fn descend(&mut self, index: usize) -> Result<()> {
        let depth = self.stack.len();
        let Some(frame) = self.stack.last() else { return Ok(()) };
        let (low, id) = frame.page.branch(index)?;
        frame.check(&low)?;
        let high = if index + 1 < frame.page.count() {
            Some(frame.page.branch(index + 1)?.0)
        } else {
            frame.high.clone()
        };
        if high.as_ref().is_some_and(|high| *high <= low) || depth == DEEPEST {
            return Err(Error::corrupt(format!("page {} is out of order", frame.page.header.id)));
        }
        let page = self.database.page(id)?;
        if page.header.kind == Kind::Branch && page.count() == 0 {
            return Err(Error::corrupt(format!("page {id} is a branch without children")));
        }
        self.stack.push(Frame {
            page,
            next: 0,
            low: Some(low),
            high,
        });
        Ok(())
    }
}

impl Frame {
    /// A key must lie between the parent's keys.
    fn check(&self, key: &Bytes) -> Result<()> {
        let low = self.low.as_ref().is_none_or(|low| low <= key);
        let high = self.high.as_ref().is_none_or(|high| key < high);
        if low && high {
            return Ok(());
        }
        Err(Error::corrupt(format!(
            "page {} holds a key that belongs elsewhere",
            self.page.header.id
        )))
    }
}

impl<R: Read + Seek> Iterator for Cursor<'_, R> {
    type Item = Result<(Bytes, Bytes)>;

    fn next(&mut self) -> Option<Self::Item> {
        let outcome = self.step();
        if outcome.is_err() {
            self.stack.clear();
        }
        outcome.transpose()
    }
}
