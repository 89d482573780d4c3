//! An object as it was sent, defaulted, checked and stored: a JSON tree whose maps are sorted by key.

mod map;
mod number;
mod order;
mod parse;
mod scalar;
mod syntax;
mod told;
mod way;
mod write;

pub use map::Map;
pub use number::Number;
pub use order::Order;
pub use parse::{MAX_DEPTH, Parsed, parse, rank};
pub use syntax::{Place, SyntaxError};
pub use told::{MAX_DUPLICATES, Told};
pub use write::{bare, quoted};

/// A string of a tree; up to 24 bytes stand in the tree itself.
pub type Text = compact_str::CompactString;

/// A JSON value.
///
/// Upstream decodes into Go structs, where what is absent is the zero value of its type. The readers here
/// ([`Tree::text`], [`Tree::int`], [`Tree::flag`], [`Tree::items`], [`Tree::entries`]) do the same: what is absent, null
/// or of another type reads as empty. Types were checked before (`apiserver-schema`).
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Tree {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number without fraction and exponent that fits.
    Int(i64),
    /// Any other number.
    Number(Number),
    /// A string.
    Text(Text),
    /// An array.
    List(Vec<Self>),
    /// An object.
    Map(Map),
}

/// What an absent part reads as.
static NULL: Tree = Tree::Null;
static NOTHING: Map = Map::new();

impl Tree {
    /// An empty object.
    pub const fn map() -> Self {
        Self::Map(Map::new())
    }

    /// Whether this is `null`.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether Go's `omitempty` leaves this out: null, false, zero, or an empty string, list or map.
    pub fn is_zero(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(value) => !value,
            Self::Int(value) => *value == 0,
            Self::Number(value) => value.as_f64() == 0.0,
            Self::Text(value) => value.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Map(map) => map.is_empty(),
        }
    }

    /// What JSON calls this type, as Go's messages do.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::List(_) => "array",
            Self::Map(_) => "object",
        }
    }

    /// The value under a key, where this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_map()?.get(key)
    }

    /// The value under a key, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        self.as_map_mut()?.get_mut(key)
    }

    /// The value under a key; `null` where there is none.
    pub fn at(&self, key: &str) -> &Self {
        self.get(key).unwrap_or(&NULL)
    }

    /// The value below several keys; `null` where there is none.
    pub fn below(&self, keys: &[&str]) -> &Self {
        keys.iter().fold(self, |tree, key| tree.at(key))
    }

    /// Whether there is anything but `null` under a key.
    pub fn has(&self, key: &str) -> bool {
        !self.at(key).is_null()
    }

    /// The string under a key.
    pub fn text(&self, key: &str) -> &str {
        self.at(key).as_str().unwrap_or_default()
    }

    /// The whole number under a key.
    pub fn int(&self, key: &str) -> i64 {
        self.at(key).as_int().unwrap_or_default()
    }

    /// The truth under a key.
    pub fn flag(&self, key: &str) -> bool {
        matches!(self.at(key), Self::Bool(true))
    }

    /// The list under a key.
    pub fn items(&self, key: &str) -> &[Self] {
        self.at(key).as_list().unwrap_or_default()
    }

    /// The object under a key.
    pub fn entries(&self, key: &str) -> &Map {
        self.at(key).as_map().unwrap_or(&NOTHING)
    }

    /// The string, where this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, where this is one.
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The truth, where this is one.
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The list, where this is one.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The list, to change, where this is one.
    pub const fn as_list_mut(&mut self) -> Option<&mut Vec<Self>> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The object, where this is one.
    pub const fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The object, to change, where this is one.
    pub const fn as_map_mut(&mut self) -> Option<&mut Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Writes under a key; whatever this was becomes an object first.
    pub fn set(&mut self, key: &str, value: impl Into<Self>) {
        self.make_map().insert(key, value.into());
    }

    /// Writes under a key where nothing but `null` is; says whether it did.
    pub fn set_default(&mut self, key: &str, value: impl Into<Self>) -> bool {
        let missing = !self.has(key);
        if missing {
            self.set(key, value);
        }
        missing
    }

    /// Takes away what is under a key.
    pub fn remove(&mut self, key: &str) -> Option<Self> {
        self.as_map_mut()?.remove(key)
    }

    /// The object that this is; whatever else it was is gone.
    pub fn make_map(&mut self) -> &mut Map {
        if !matches!(self, Self::Map(_)) {
            *self = Self::map();
        }
        match self {
            Self::Map(map) => map,
            _ => unreachable!("it was made a map above"),
        }
    }

    /// The object under a key, which is made where there is none.
    pub fn child(&mut self, key: &str) -> &mut Self {
        let child = self.make_map().entry(key);
        child.make_map();
        child
    }

    /// The bytes that a tree takes, roughly: what memory limits count.
    pub fn weight(&self) -> usize {
        let held = match self {
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Number(_) => 0,
            Self::Text(text) => text.len(),
            Self::List(items) => items.iter().map(Self::weight).sum(),
            Self::Map(map) => map
                .iter()
                .map(|(key, value)| size_of::<Text>() + key.len() + value.weight())
                .sum(),
        };
        held + size_of::<Self>()
    }
}

impl From<bool> for Tree {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Tree {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Tree {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<&str> for Tree {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Tree {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}

impl From<Text> for Tree {
    fn from(value: Text) -> Self {
        Self::Text(value)
    }
}

impl From<Map> for Tree {
    fn from(value: Map) -> Self {
        Self::Map(value)
    }
}

impl From<Vec<Self>> for Tree {
    fn from(value: Vec<Self>) -> Self {
        Self::List(value)
    }
}

impl<T: Into<Self>> FromIterator<T> for Tree {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests;
