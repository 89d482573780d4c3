//! Bulk building of one bucket's B+tree from sorted input, holding one open page a level.

use std::io::Write;

use crate::page::{ELEMENT, HEADER, Header, Kind, PAGE};
use crate::writer::Pages;
use crate::{Error, Result};

/// A branch page must end up with at least two children, or bbolt fails when it later merges them. So a full page keeps
/// its last element for the page after it, and gives up a page only when two remain.
const FEWEST_TO_SPLIT: usize = 3;

/// A tree under construction: its open pages, leaf first.
pub(crate) struct Tree {
    levels: Vec<Node>,
    last: Vec<u8>,
}

/// An open page.
struct Node {
    kind: Kind,
    elements: Vec<Element>,
    /// Keys and values, in element order.
    data: Vec<u8>,
}

struct Element {
    /// A leaf element's flags, or a branch element's page.
    word: u64,
    key: usize,
    value: usize,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self {
            levels: vec![Node::new(Kind::Leaf)],
            last: Vec::new(),
        }
    }

    /// Adds an entry behind all others.
    pub(crate) fn put<W: Write>(&mut self, pages: &mut Pages<W>, key: &[u8], value: &[u8], flags: u32) -> Result<()> {
        if key <= self.last.as_slice() {
            return Err(Error::Order(format!("{key:02x?} after {:02x?}", self.last)));
        }
        self.last.clear();
        self.last.extend_from_slice(key);
        let Some(leaf) = self.levels.first_mut() else {
            return Err(Error::Changed);
        };
        if !leaf.elements.is_empty() && leaf.bytes() + ELEMENT + key.len() + value.len() > PAGE {
            let (first, id) = leaf.write(pages)?;
            self.add_child(pages, 1, first, id)?;
        }
        let Some(leaf) = self.levels.first_mut() else {
            return Err(Error::Changed);
        };
        leaf.push(u64::from(flags), key, value);
        Ok(())
    }

    /// Writes what is open and returns the root page's number.
    pub(crate) fn finish<W: Write>(mut self, pages: &mut Pages<W>) -> Result<u64> {
        let mut level = 0;
        loop {
            let Some(node) = self.levels.get_mut(level) else {
                return Err(Error::Changed);
            };
            let (first, id) = node.write(pages)?;
            level += 1;
            if level == self.levels.len() {
                return Ok(id);
            }
            self.add_child(pages, level, first, id)?;
        }
    }

    /// Enters a written page, and those that this fills, into the levels above it.
    fn add_child<W: Write>(&mut self, pages: &mut Pages<W>, level: usize, first: Vec<u8>, id: u64) -> Result<()> {
        let (mut level, mut child) = (level, (first, id));
        loop {
            if self.levels.len() == level {
                self.levels.push(Node::new(Kind::Branch));
            }
            let Some(node) = self.levels.get_mut(level) else {
                return Err(Error::Changed);
            };
            let full = node.bytes() + ELEMENT + child.0.len() > PAGE && node.elements.len() >= FEWEST_TO_SPLIT;
            let kept = if full { node.pop() } else { None };
            let Some((kept, page)) = kept else {
                node.push(child.1, &child.0, b"");
                return Ok(());
            };
            let written = node.write(pages)?;
            node.push(page, &kept, b"");
            node.push(child.1, &child.0, b"");
            child = written;
            level += 1;
        }
    }
}

impl Node {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            elements: Vec::new(),
            data: Vec::new(),
        }
    }

    fn bytes(&self) -> usize {
        HEADER + ELEMENT * self.elements.len() + self.data.len()
    }

    fn push(&mut self, word: u64, key: &[u8], value: &[u8]) {
        self.elements.push(Element {
            word,
            key: key.len(),
            value: value.len(),
        });
        self.data.extend_from_slice(key);
        self.data.extend_from_slice(value);
    }

    /// Takes the last element of a branch out.
    fn pop(&mut self) -> Option<(Vec<u8>, u64)> {
        let element = self.elements.pop()?;
        let key = self.data.split_off(self.data.len().saturating_sub(element.key));
        Some((key, element.word))
    }

    /// Writes the page and empties the node. Returns its first key and its number.
    fn write<W: Write>(&mut self, pages: &mut Pages<W>) -> Result<(Vec<u8>, u64)> {
        let first = self.elements.first().map_or(0, |element| element.key);
        let first = self.data.get(..first).unwrap_or_default().to_vec();
        let count = u16::try_from(self.elements.len()).map_err(|_| Error::Order("too many keys in a page".into()))?;
        let too_large = |_| Error::Order("an entry of more than 4 GiB".into());
        let id = pages.write(
            |id, overflow, page| {
                Header {
                    id,
                    kind: self.kind,
                    count,
                    overflow,
                }
                .encode(page);
                let mut position = ELEMENT * self.elements.len();
                for element in &self.elements {
                    let at = u32::try_from(position).map_err(too_large)?.to_le_bytes();
                    let key = u32::try_from(element.key).map_err(too_large)?.to_le_bytes();
                    if self.kind == Kind::Leaf {
                        let value = u32::try_from(element.value).map_err(too_large)?.to_le_bytes();
                        let flags = (element.word as u32).to_le_bytes();
                        page.extend_from_slice([flags, at, key, value].as_flattened());
                    } else {
                        page.extend_from_slice([at, key].as_flattened());
                        page.extend_from_slice(&element.word.to_le_bytes());
                    }
                    // Positions count from the element's own start.
                    position = position + element.key + element.value - ELEMENT;
                }
                page.extend_from_slice(&self.data);
                Ok(())
            },
            self.bytes(),
        )?;
        self.elements.clear();
        self.data.clear();
        Ok((first, id))
    }
}
