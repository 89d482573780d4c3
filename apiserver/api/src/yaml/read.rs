//! The events of a YAML document as a tree.

use std::collections::{HashMap, HashSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::events::{Event, Events};
use super::flow;
use super::key::{Key, Named, key_of, merged};
use super::resolve::{self, Scalar, float_key};
use super::syntax::{encoding, is_control, syntax};
use super::{Error, Parsed};
use crate::tree::{Text, Told, Tree};

/// How deep lists and maps may stand in each other, aliases followed.
pub const MAX_DEPTH: usize = crate::tree::MAX_DEPTH;
/// The most bytes of a tree that may come of aliases.
pub const ALIASED_MAX: usize = 8 << 20;

const CORE: &str = "tag:yaml.org,2002:";

pub(super) fn parse(document: &[u8]) -> Result<Parsed, Error> {
    if let Some(tree) = flow::read(document) {
        let duplicates = Vec::new();
        return Ok(Parsed { tree, duplicates });
    }
    load(document)
}

/// Reads a document event by event.
pub(super) fn load(document: &[u8]) -> Result<Parsed, Error> {
    let text = str::from_utf8(document).map_err(|error| Error::yaml(encoding(document, error)))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains(is_control) {
        return Err(Error::yaml("control characters are not allowed"));
    }
    let mut loader = Loader {
        frames: Vec::new(),
        anchors: HashMap::new(),
        aliased: 0,
        duplicates: Vec::new(),
        told: Told::default(),
        fault: None,
    };
    let tree = loader.document(Events::new(text))?;
    // What cannot be decoded is told when the syntax is known to be right.
    match loader.fault {
        Some(fault) => Err(fault),
        None => Ok(Parsed {
            tree,
            duplicates: loader.duplicates,
        }),
    }
}

/// A value that was read.
struct Value {
    tree: Tree,
    /// What it means, where it is a scalar.
    scalar: Option<Scalar>,
    /// Whether it is `<<`, which as a key merges.
    merge: bool,
    /// How many lists and maps stand in each other.
    height: usize,
    /// Where it begins.
    line: usize,
}

enum Holder {
    List(Vec<Tree>),
    Map {
        entries: Vec<(Text, Tree)>,
        seen: HashSet<Named>,
        key: Option<Key>,
    },
}

/// A list or map that is not complete.
struct Frame {
    holder: Holder,
    anchor: Option<String>,
    height: usize,
    line: usize,
}

/// What an alias stands for.
struct Anchored {
    tree: Tree,
    scalar: Option<Scalar>,
    height: usize,
    weight: usize,
}

struct Loader {
    frames: Vec<Frame>,
    /// What names stand for; nothing yet where the value is not complete.
    anchors: HashMap<String, Option<Anchored>>,
    aliased: usize,
    duplicates: Vec<String>,
    /// How much the duplicates are.
    told: Told,
    fault: Option<Error>,
}

impl Loader {
    fn document(&mut self, mut events: Events<'_>) -> Result<Tree, Error> {
        let mut document = Tree::Null;
        loop {
            let (event, line) = events.next().map_err(syntax)?;
            // Lines are counted from 1.
            let value = match event {
                Event::End => return Ok(document),
                event => self.event(event, line + 1)?,
            };
            if let Some(root) = value.and_then(|value| self.deliver(value)) {
                document = root;
            }
        }
    }

    /// Takes an event; gives a value that is complete.
    fn event(&mut self, event: Event, line: usize) -> Result<Option<Value>, Error> {
        match event {
            Event::Scalar {
                anchor,
                tag,
                text,
                plain,
            } => {
                let value = self.scalar(&text, plain, tag.as_deref(), line);
                self.remember(anchor, &value)?;
                Ok(Some(value))
            }
            Event::Alias(name) => self.alias(&name, line).map(Some),
            Event::SequenceStart(anchor) => self.open(Holder::List(Vec::new()), anchor, line),
            Event::MappingStart(anchor) => {
                let holder = Holder::Map {
                    entries: Vec::new(),
                    seen: HashSet::new(),
                    key: None,
                };
                self.open(holder, anchor, line)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::End => Ok(None),
        }
    }

    fn open(&mut self, holder: Holder, anchor: Option<String>, line: usize) -> Result<Option<Value>, Error> {
        deep_enough(self.frames.len() + 1)?;
        if let Some(name) = &anchor {
            self.anchors.insert(name.clone(), None);
        }
        self.frames.push(Frame {
            holder,
            anchor,
            height: 1,
            line,
        });
        Ok(None)
    }

    fn close(&mut self) -> Result<Option<Value>, Error> {
        let Some(frame) = self.frames.pop() else {
            return Ok(None);
        };
        let tree = match frame.holder {
            Holder::List(items) => Tree::List(items),
            Holder::Map { entries, .. } => Tree::Map(entries.into_iter().collect()),
        };
        let value = Value {
            tree,
            scalar: None,
            merge: false,
            height: frame.height,
            line: frame.line,
        };
        self.remember(frame.anchor, &value)?;
        Ok(Some(value))
    }

    /// Keeps what has an anchor.
    fn remember(&mut self, anchor: Option<String>, value: &Value) -> Result<(), Error> {
        let Some(name) = anchor else {
            return Ok(());
        };
        let weight = value.tree.weight();
        self.aliased = room(self.aliased, weight)?;
        let anchored = Anchored {
            tree: value.tree.clone(),
            scalar: value.scalar,
            height: value.height,
            weight,
        };
        self.anchors.insert(name, Some(anchored));
        Ok(())
    }

    fn alias(&mut self, name: &str, line: usize) -> Result<Value, Error> {
        let anchored = match self.anchors.get(name) {
            Some(Some(anchored)) => anchored,
            Some(None) => {
                let fault = Error::yaml(format!("anchor '{name}' value contains itself"));
                self.fault.get_or_insert(fault);
                return Ok(Value {
                    tree: Tree::Null,
                    scalar: Some(Scalar::Null),
                    merge: false,
                    height: 0,
                    line,
                });
            }
            None => return Err(Error::yaml(format!("unknown anchor '{name}' referenced"))),
        };
        deep_enough(self.frames.len() + anchored.height)?;
        self.aliased = room(self.aliased, anchored.weight)?;
        Ok(Value {
            tree: anchored.tree.clone(),
            scalar: anchored.scalar,
            merge: false,
            height: anchored.height,
            line,
        })
    }

    /// Puts a value where it belongs; gives it back where that is the document.
    fn deliver(&mut self, value: Value) -> Option<Tree> {
        let Self {
            frames,
            duplicates,
            told,
            fault,
            ..
        } = self;
        let Some(frame) = frames.last_mut() else {
            return Some(value.tree);
        };
        frame.height = frame.height.max(value.height + 1);
        let (entries, seen, key) = match &mut frame.holder {
            Holder::List(items) => {
                items.push(value.tree);
                return None;
            }
            Holder::Map { entries, seen, key } => (entries, seen, key),
        };
        let mut add = |name: Named, tree: Tree| {
            entries.push((name.text.clone(), tree));
            if !seen.contains(&name) {
                seen.insert(name);
            } else if !told.is_enough() {
                let text = name.twice(value.line);
                told.add(text.len());
                duplicates.push(text);
            }
        };
        match key.take() {
            Some(Key::Broken) => {}
            Some(Key::Named(name)) => add(name, value.tree),
            Some(Key::Merge) => {
                if let Some(maps) = merged(value.tree) {
                    for (text, tree) in maps.into_iter().flatten() {
                        add(Named { tag: "str", text }, tree);
                    }
                } else {
                    let message = "map merge requires map or sequence of maps as the value";
                    fault.get_or_insert(Error::yaml(message));
                }
            }
            // One fault is told, and that of a key that is a list or a map quotes it all.
            None if fault.is_some() && value.scalar.is_none() => *key = Some(Key::Broken),
            None => {
                *key = Some(key_of(value.scalar, value.merge, &value.tree).unwrap_or_else(|error| {
                    fault.get_or_insert(error);
                    Key::Broken
                }));
            }
        }
        None
    }

    fn scalar(&mut self, text: &str, plain: bool, tag: Option<&str>, line: usize) -> Value {
        let mut merge = false;
        let mut tree = None;
        let scalar = match tag.map(|tag| tag.strip_prefix(CORE).unwrap_or(tag)) {
            None if !plain => Scalar::Text,
            None => {
                merge = text == "<<";
                resolve::plain(text)
            }
            Some("merge") => {
                merge = true;
                Scalar::Text
            }
            Some("binary") => {
                tree = Some(self.binary(text));
                Scalar::Text
            }
            Some(tag @ ("bool" | "int" | "float" | "null" | "timestamp")) => self.tagged(text, tag),
            // Strings, and what only programs know.
            Some(_) => Scalar::Text,
        };
        if let Scalar::Float(value) = scalar
            && !value.is_finite()
        {
            let shown = float_key(value).replace(".nan", "NaN").replace(".inf", "Inf");
            let sign = if value > 0.0 { "+" } else { "" };
            self.fault
                .get_or_insert(Error(format!("json: unsupported value: {sign}{shown}")));
        }
        Value {
            tree: tree.unwrap_or_else(|| scalar.to_tree(text)),
            scalar: Some(scalar),
            merge,
            height: 0,
            line,
        }
    }

    /// A scalar that says itself what it is; it must be so.
    fn tagged(&mut self, text: &str, tag: &str) -> Scalar {
        match (resolve::plain(text), tag) {
            (Scalar::Int(value), "float") => {
                #[expect(clippy::cast_precision_loss, reason = "it is what the tag asks for")]
                let value = value as f64;
                Scalar::Float(value)
            }
            (scalar, tag) if scalar.tag() == tag => scalar,
            (scalar, tag) => {
                let found = scalar.tag();
                let message = format!("cannot decode !!{found} `{text}` as a !!{tag}");
                self.fault.get_or_insert(Error::yaml(message));
                Scalar::Null
            }
        }
    }

    fn binary(&mut self, text: &str) -> Tree {
        let text = text.replace(['\r', '\n'], "");
        if let Ok(bytes) = STANDARD.decode(text) {
            return String::from_utf8_lossy(&bytes).into_owned().into();
        }
        let message = "!!binary value contains invalid base64 data";
        self.fault.get_or_insert(Error::yaml(message));
        Tree::Null
    }
}

/// The bytes copied with these, where that is not too many.
fn room(aliased: usize, weight: usize) -> Result<usize, Error> {
    match aliased.saturating_add(weight) {
        sum if sum > ALIASED_MAX => Err(Error::yaml("document contains excessive aliasing")),
        sum => Ok(sum),
    }
}

fn deep_enough(depth: usize) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(Error::yaml(format!("exceeded max depth of {MAX_DEPTH}")));
    }
    Ok(())
}
