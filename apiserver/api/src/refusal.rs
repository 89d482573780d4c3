//! What is wrong with a field, in upstream's words: the causes of a 422.

use std::collections::HashSet;
use std::fmt::{self, Display};

use crate::go::quote;
use crate::path::Path;
use crate::tree::{Number, Tree};

/// Why a field is refused; printed as the reason of a cause (upstream's `CauseType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// What is named does not exist.
    NotFound,
    /// There must be a value.
    Required,
    /// Another has it.
    Duplicate,
    /// Malformed or out of bounds.
    Invalid,
    /// Not one of those that are known.
    NotSupported,
    /// Well-formed, and not allowed here.
    Forbidden,
    /// Too many bytes.
    TooLong,
    /// Too few characters.
    TooShort,
    /// Too many items.
    TooMany,
    /// Too few items.
    TooFew,
    /// Our failure, not the client's.
    Internal,
    /// Of another type than the schema's.
    TypeInvalid,
}

impl Why {
    /// The reason of a cause.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "FieldValueNotFound",
            Self::Required => "FieldValueRequired",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Invalid => "FieldValueInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooShort => "FieldValueTooShort",
            Self::TooMany => "FieldValueTooMany",
            Self::TooFew => "FieldValueTooFew",
            Self::Internal => "InternalError",
            Self::TypeInvalid => "FieldValueTypeInvalid",
        }
    }

    /// How messages begin.
    const fn words(self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Required => "Required value",
            Self::Duplicate => "Duplicate value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooShort => "Too short",
            Self::TooMany => "Too many",
            Self::TooFew => "Too few",
            Self::Internal => "Internal error",
        }
    }
}

/// One field that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of it.
    pub why: Why,
    /// Its path, `spec.replicas`.
    pub field: String,
    /// The words after the path: `Invalid value: -1: must be greater than or equal to 0`.
    pub message: String,
}

impl Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.field, self.message)
    }
}

/// A value as it is shown in a message: strings in quotes as Go's `%q`, everything else as JSON.
pub struct Shown(String);

impl From<&str> for Shown {
    fn from(text: &str) -> Self {
        Self(quote(text))
    }
}

impl From<&String> for Shown {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<i64> for Shown {
    fn from(value: i64) -> Self {
        Self(value.to_string())
    }
}

impl From<usize> for Shown {
    fn from(value: usize) -> Self {
        Self(value.to_string())
    }
}

impl From<bool> for Shown {
    fn from(value: bool) -> Self {
        Self(value.to_string())
    }
}

impl From<&Number> for Shown {
    fn from(value: &Number) -> Self {
        Self(value.to_string())
    }
}

impl From<&Tree> for Shown {
    fn from(value: &Tree) -> Self {
        match value {
            Tree::Text(text) => text.as_str().into(),
            other => Self(String::from_utf8_lossy(&other.to_json()).into_owned()),
        }
    }
}

impl From<&[Tree]> for Shown {
    fn from(items: &[Tree]) -> Self {
        (&Tree::List(items.to_vec())).into()
    }
}

impl Shown {
    /// Text as it is: what a type of Go prints of itself.
    pub fn raw(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// So many bytes the refusals of one object have, and not many more. Lists there are of which each item is refused with a
/// text that quotes all of them.
const BYTES_MAX: usize = 8 << 20;

/// The refusals of one object, in the order in which its fields are looked at. Where they would be a book, the end is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    list: Vec<Refusal>,
    bytes: usize,
    /// How many are missing.
    untold: usize,
}

impl Refusals {
    /// None yet.
    pub const fn new() -> Self {
        Self {
            list: Vec::new(),
            bytes: 0,
            untold: 0,
        }
    }

    /// Whether nothing is refused.
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are, those that are missing among them.
    pub const fn len(&self) -> usize {
        self.list.len() + self.untold
    }

    /// Whether others would only be counted: whoever has much to do to put one into words need not.
    pub const fn is_full(&self) -> bool {
        self.bytes >= BYTES_MAX
    }

    /// The refusals in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Refusal> {
        self.list.iter()
    }

    /// Adds one.
    pub fn push(&mut self, refusal: Refusal) {
        self.push_made(|| refusal);
    }

    /// Adds one that is put into words only if it is told.
    pub fn push_made(&mut self, make: impl FnOnce() -> Refusal) {
        if self.is_full() {
            self.untold += 1;
            return;
        }
        let refusal = make();
        self.bytes += size_of::<Refusal>() + refusal.field.len() + refusal.message.len();
        self.list.push(refusal);
    }

    /// Adds another list's.
    pub fn extend(&mut self, others: Self) {
        self.untold += others.untold;
        for refusal in others.list {
            self.push(refusal);
        }
    }

    fn add(&mut self, why: Why, path: &Path<'_>, value: impl FnOnce() -> Option<Shown>, detail: &str) {
        self.push_made(|| worded(why, path, value(), detail));
    }

    /// What the value names is not there.
    pub fn not_found(&mut self, path: &Path<'_>, value: impl Into<Shown>) {
        self.add(Why::NotFound, path, || Some(value.into()), "");
    }

    /// There must be a value; `detail` may be empty.
    pub fn required(&mut self, path: &Path<'_>, detail: &str) {
        self.add(Why::Required, path, || None, detail);
    }

    /// The value stands elsewhere already.
    pub fn duplicate(&mut self, path: &Path<'_>, value: impl Into<Shown>) {
        self.add(Why::Duplicate, path, || Some(value.into()), "");
    }

    /// The same, with the rule that it breaks.
    pub fn duplicate_because(&mut self, path: &Path<'_>, value: impl Into<Shown>, detail: &str) {
        self.add(Why::Duplicate, path, || Some(value.into()), detail);
    }

    /// The value breaks the rule that `detail` states.
    pub fn invalid(&mut self, path: &Path<'_>, value: impl Into<Shown>, detail: &str) {
        self.add(Why::Invalid, path, || Some(value.into()), detail);
    }

    /// The same where value and rule are much to put into words, which is done only if they are told.
    pub fn invalid_made(&mut self, path: &Path<'_>, make: impl FnOnce() -> (Shown, String)) {
        self.push_made(|| {
            let (value, detail) = make();
            worded(Why::Invalid, path, Some(value), &detail)
        });
    }

    /// The same where the value is not shown.
    pub fn invalid_unseen(&mut self, path: &Path<'_>, detail: &str) {
        self.add(Why::Invalid, path, || None, detail);
    }

    /// The value is of a type that the schema does not have here.
    pub fn type_invalid(&mut self, path: &Path<'_>, value: impl Into<Shown>, detail: &str) {
        self.add(Why::TypeInvalid, path, || Some(value.into()), detail);
    }

    /// The value is none of these, which are shown in the order given.
    pub fn not_supported(&mut self, path: &Path<'_>, value: impl Into<Shown>, known: &[&str]) {
        let known: Vec<String> = known.iter().map(|value| quote(value)).collect();
        let detail = if known.is_empty() {
            String::new()
        } else {
            format!("supported values: {}", known.join(", "))
        };
        self.add(Why::NotSupported, path, || Some(value.into()), &detail);
    }

    /// A value is not allowed here.
    pub fn forbidden(&mut self, path: &Path<'_>, detail: &str) {
        self.add(Why::Forbidden, path, || None, detail);
    }

    /// More bytes than `most`.
    pub fn too_long(&mut self, path: &Path<'_>, most: usize) {
        let unit = if most == 1 { "byte" } else { "bytes" };
        self.add(
            Why::TooLong,
            path,
            || None,
            &format!("may not be more than {most} {unit}"),
        );
    }

    /// More characters than `most`.
    pub fn too_many_characters(&mut self, path: &Path<'_>, most: usize) {
        let unit = if most == 1 { "character" } else { "characters" };
        self.add(
            Why::TooLong,
            path,
            || None,
            &format!("may not be more than {most} {unit}"),
        );
    }

    /// Fewer characters than `least`.
    pub fn too_short(&mut self, path: &Path<'_>, least: usize) {
        let unit = if least == 1 { "character" } else { "characters" };
        self.add(
            Why::TooShort,
            path,
            || None,
            &format!("must be at least {least} {unit}"),
        );
    }

    /// More items than `most`.
    pub fn too_many(&mut self, path: &Path<'_>, count: usize, most: usize) {
        let unit = if most == 1 { "item" } else { "items" };
        let detail = format!("must have at most {most} {unit}");
        self.add(Why::TooMany, path, || Some(count.into()), &detail);
    }

    /// Something failed here that was not the client's doing.
    pub fn internal(&mut self, path: &Path<'_>, error: &str) {
        self.add(Why::Internal, path, || None, error);
    }
}

fn worded(why: Why, path: &Path<'_>, value: Option<Shown>, detail: &str) -> Refusal {
    let mut message = why.words().to_owned();
    let value = value.map(|value| value.0);
    let detail = (!detail.is_empty()).then_some(detail);
    for part in value.as_deref().into_iter().chain(detail) {
        message.push_str(": ");
        message.push_str(part);
    }
    let field = path.to_string();
    Refusal { why, field, message }
}

impl<'r> IntoIterator for &'r Refusals {
    type Item = &'r Refusal;
    type IntoIter = std::slice::Iter<'r, Refusal>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Refusals {
    type Item = Refusal;
    type IntoIter = std::vec::IntoIter<Refusal>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

/// As the message of a 422 lists them: one alone, several in brackets, each once.
impl Display for Refusals {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.list.iter().map(ToString::to_string).collect();
        let mut seen = HashSet::with_capacity(texts.len());
        let once: Vec<&str> = texts
            .iter()
            .map(String::as_str)
            .filter(|text| seen.insert(*text))
            .collect();
        match once.as_slice() {
            [one] => out.write_str(one),
            many => write!(out, "[{}]", many.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Refusals, Tree, Why};
    use crate::path::Path;

    #[test]
    fn messages_read_as_upstream_s() {
        let mut refusals = Refusals::new();
        let path = Path::of("spec");
        refusals.invalid(&path.field("replicas"), -1_i64, "must be greater than or equal to 0");
        refusals.required(&path.field("selector"), "");
        refusals.not_supported(&path.field("type"), "a\"b", &["X", "Y"]);
        refusals.duplicate(
            &path.field("ports").index(1),
            &Tree::from_iter([("port", 80)].map(|(k, _)| k)),
        );
        refusals.too_long(&path, 63);
        refusals.too_many(&path, 11, 10);
        let texts: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
                "spec.selector: Required value",
                r#"spec.type: Unsupported value: "a\"b": supported values: "X", "Y""#,
                r#"spec.ports[1]: Duplicate value: ["port"]"#,
                "spec: Too long: may not be more than 63 bytes",
                "spec: Too many: 11: must have at most 10 items",
            ]
        );
        assert_eq!(refusals.iter().next().map(|first| first.why), Some(Why::Invalid));
    }

    #[test]
    fn what_would_be_a_book_has_no_end() {
        let (mut refusals, made) = (Refusals::new(), std::cell::Cell::new(0));
        let list = Tree::from_iter(vec!["x"; 1000]);
        for _ in 0..10_000 {
            refusals.invalid(&Path::of("a"), &list, "each");
        }
        let told = refusals.iter().count();
        assert!((1000..3000).contains(&told) && refusals.is_full(), "{told}");
        assert_eq!(refusals.len(), 10_000);
        let mut others = Refusals::new();
        others.required(&Path::of("b"), "");
        others.extend(refusals);
        others.push_made(|| {
            made.set(1);
            unreachable!("nobody reads it")
        });
        assert_eq!((others.len(), made.get()), (10_002, 0));
    }

    #[test]
    fn a_list_prints_each_once() {
        let mut refusals = Refusals::new();
        refusals.required(&Path::of("a"), "");
        assert_eq!(refusals.to_string(), "a: Required value");
        refusals.required(&Path::of("b"), "x");
        refusals.required(&Path::of("a"), "");
        assert_eq!(refusals.to_string(), "[a: Required value, b: Required value: x]");
    }
}
