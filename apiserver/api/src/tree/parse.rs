//! JSON into a tree, with the messages of Go's decoder, which users know and search for.

use std::collections::{HashMap, HashSet};

use super::syntax::{Place, SyntaxError};
use super::told::Told;
use super::way::Way;
use super::{Map, Text, Tree};

/// How deep lists and objects may stand in each other. Upstream's decoder allows ten times more, which no object of any
/// use needs and which every later walk over the tree would pay for with stack.
pub const MAX_DEPTH: usize = 1_000;

/// So many entries are put into an object one by one.
const FEW: usize = 4;

/// A document and what is odd about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The value. Of keys that stand twice the last counts; objects under the same key are merged, as Go decodes them.
    pub tree: Tree,
    /// The paths of keys that stand more than once, in the order of the document: `metadata.labels.x`,
    /// `spec.containers[0].name`. As many as are [`Told`].
    pub duplicates: Vec<String>,
}

/// Reads one JSON value. Bytes in strings that are not UTF-8 become U+FFFD, as in Go.
///
/// # Errors
/// [`SyntaxError`].
pub fn parse(document: &[u8]) -> Result<Parsed, SyntaxError> {
    let mut reader = Reader::new(document);
    let tree = reader.value()?;
    if let Some(found) = reader.next_token() {
        return Err(wrong(found, Place::AfterAll));
    }
    let mut duplicates = Vec::new();
    if reader.twice {
        // Rare, so the paths are made in a second pass.
        let (mut last, mut told) = (None, Told::default());
        walk(document, Way::new(), &mut |way, again| {
            if again && !told.is_enough() && last.replace(way.hash()) != Some(way.hash()) {
                told.add(way.path().len());
                duplicates.push(way.path().to_owned());
            }
        });
    }
    Ok(Parsed { tree, duplicates })
}

/// Puts things that have paths into the order in which a document has them, which is how a decoder that reads from front
/// to end meets them. What the document does not have comes last.
pub fn rank<T>(document: &[u8], found: &mut [T], path: impl Fn(&T) -> &str) {
    if found.len() < 2 {
        return;
    }
    let way = Way::new();
    let mut places: HashMap<u64, usize> = found.iter().map(|item| (way.hash_of(path(item)), usize::MAX)).collect();
    let mut met = 0;
    walk(document, way.clone(), &mut |way, _| {
        met += 1;
        if let Some(place) = places.get_mut(&way.hash()) {
            *place = met.min(*place);
        }
    });
    found.sort_by_cached_key(|item| places.get(&way.hash_of(path(item))).copied());
}

/// Tells each key and item of a document that parses, with the way to it, and whether its object had that key before.
fn walk(document: &[u8], mut way: Way, tell: &mut dyn FnMut(&Way, bool)) {
    let mut reader = Reader::new(document);
    // What was parsed once parses again.
    let _ = reader.walk(&mut way, tell);
}

pub(super) fn wrong(found: u8, place: Place) -> SyntaxError {
    SyntaxError::Character { found, place }
}

/// Entries as they were read, as a map, and whether a key stood twice.
fn gathered(mut entries: Vec<(Text, Tree)>, sorted: bool) -> (Map, bool) {
    if sorted {
        return (Map::sorted(entries), false);
    }
    // Stable, so that of equal keys the later stays the later.
    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
    let read = entries.len();
    let mut once: Vec<(Text, Tree)> = Vec::with_capacity(read);
    // The values under the last key, but for the first; mostly none.
    let mut later = Vec::new();
    for (key, value) in entries {
        match once.last_mut() {
            Some((last, _)) if *last == key => later.push(value),
            last => {
                if let Some((_, first)) = last {
                    merge(first, std::mem::take(&mut later));
                }
                once.push((key, value));
            }
        }
    }
    if let Some((_, first)) = once.last_mut() {
        merge(first, later);
    }
    let twice = once.len() < read;
    (Map::sorted(once), twice)
}

/// Makes of the values under one key what Go makes of them: the last, or all objects at the end in one. They are put
/// together at once, however many they are.
fn merge(first: &mut Tree, later: Vec<Tree>) {
    let mut objects = Vec::new();
    for value in later {
        if !matches!((&*first, &value), (Tree::Map(_), Tree::Map(_))) {
            objects.clear();
            *first = value;
        } else if let Tree::Map(map) = value {
            objects.push(map);
        }
    }
    let Tree::Map(first) = first else { return };
    let more: usize = objects.iter().map(Map::len).sum();
    let others = objects.into_iter().flatten();
    if more <= FEW {
        for (key, value) in others {
            match first.get_mut(&key) {
                Some(own) => merge(own, vec![value]),
                None => drop(first.insert(&key, value)),
            }
        }
    } else {
        *first = gathered(std::mem::take(first).into_iter().chain(others).collect(), false).0;
    }
}

pub(super) struct Reader<'i> {
    pub(super) input: &'i [u8],
    pub(super) at: usize,
    depth: usize,
    /// Whether a key stood twice in an object.
    twice: bool,
    /// What is read of the objects and lists that are open, so that each gets memory once, when its size is known.
    entries: Vec<(Text, Tree)>,
    items: Vec<Tree>,
}

impl<'i> Reader<'i> {
    const fn new(input: &'i [u8]) -> Self {
        Self {
            input,
            at: 0,
            depth: 0,
            twice: false,
            entries: Vec::new(),
            items: Vec::new(),
        }
    }

    /// The first byte that is not white space, left where it is.
    fn next_token(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.input.get(self.at) {
            self.at += 1;
        }
        self.input.get(self.at).copied()
    }

    /// The next token's byte, taken.
    fn token(&mut self) -> Result<u8, SyntaxError> {
        let found = self.next_token().ok_or(SyntaxError::End)?;
        self.at += 1;
        Ok(found)
    }

    /// The next byte, taken.
    pub(super) fn byte(&mut self) -> Result<u8, SyntaxError> {
        let found = *self.input.get(self.at).ok_or(SyntaxError::End)?;
        self.at += 1;
        Ok(found)
    }

    fn value(&mut self) -> Result<Tree, SyntaxError> {
        match self.token()? {
            b'{' => {
                let outer = self.entries.len();
                let mut sorted = true;
                self.object(|reader, key| {
                    let value = reader.value()?;
                    sorted = sorted && reader.entries[outer..].last().is_none_or(|(last, _)| *last < key);
                    reader.entries.push((key, value));
                    Ok(())
                })?;
                let (map, twice) = gathered(self.entries.drain(outer..).collect(), sorted);
                self.twice |= twice;
                Ok(Tree::Map(map))
            }
            b'[' => {
                let outer = self.items.len();
                self.array(|reader| {
                    let item = reader.value()?;
                    reader.items.push(item);
                    Ok(())
                })?;
                Ok(Tree::List(self.items.drain(outer..).collect()))
            }
            first => self.scalar(first),
        }
    }

    /// Reads a value that is not kept.
    fn walk(&mut self, way: &mut Way, tell: &mut dyn FnMut(&Way, bool)) -> Result<(), SyntaxError> {
        match self.token()? {
            b'{' => {
                let (mut seen, outer) = (HashSet::new(), way.mark());
                self.object(|reader, key| {
                    way.enter_key(&key);
                    tell(way, !seen.insert(key));
                    reader.walk(way, tell)?;
                    way.leave_to(&outer);
                    Ok(())
                })
            }
            b'[' => {
                let (mut at, outer) = (0, way.mark());
                self.array(|reader| {
                    way.enter_item(at);
                    at += 1;
                    tell(way, false);
                    reader.walk(way, tell)?;
                    way.leave_to(&outer);
                    Ok(())
                })
            }
            first => self.scalar(first).map(|_| ()),
        }
    }

    fn inside(&mut self) -> Result<(), SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            Err(SyntaxError::Depth)
        } else {
            Ok(())
        }
    }

    /// What follows `{`.
    fn object(&mut self, mut entry: impl FnMut(&mut Self, Text) -> Result<(), SyntaxError>) -> Result<(), SyntaxError> {
        self.inside()?;
        let mut first = true;
        loop {
            match self.token()? {
                b'"' => {}
                b'}' if first => break,
                found => return Err(wrong(found, Place::Key)),
            }
            let key = self.string()?;
            match self.token()? {
                b':' => entry(self, key)?,
                found => return Err(wrong(found, Place::AfterKey)),
            }
            match self.token()? {
                b',' => first = false,
                b'}' => break,
                found => return Err(wrong(found, Place::AfterPair)),
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// What follows `[`.
    fn array(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), SyntaxError>) -> Result<(), SyntaxError> {
        self.inside()?;
        if self.next_token() == Some(b']') {
            self.at += 1;
        } else {
            loop {
                item(self)?;
                match self.token()? {
                    b',' => {}
                    b']' => break,
                    found => return Err(wrong(found, Place::AfterElement)),
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }
}
