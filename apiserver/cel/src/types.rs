//! Types of expressions, and how upstream's messages name them.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

/// The name of what may hold a value or none.
pub(crate) const OPTIONAL: &str = "optional_type";

/// The type of an expression. `Display` is the name in messages of the apiserver; messages of the compiler have their
/// own, `Type::format`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// What could not be typed.
    Error,
    /// What is known only when the expression runs.
    Dyn,
    /// A value of any type, as fields of some objects have.
    Any,
    /// The type of `null`.
    Null,
    /// Yes or no.
    Bool,
    /// A whole number of 64 bits.
    Int,
    /// A whole number of 64 bits that is not negative.
    Uint,
    /// A number of double precision.
    Double,
    /// Text.
    String,
    /// Bytes.
    Bytes,
    /// A span of time.
    Duration,
    /// A point of time.
    Timestamp,
    /// A list of one type.
    List(Arc<Type>),
    /// A map from one type to another.
    Map(Arc<(Type, Type)>),
    /// An object with fields, by its name.
    Struct(Arc<str>),
    /// A type of some library, by its name and what it is made of.
    Opaque(Arc<str>, Arc<[Type]>),
    /// The type of a type.
    Type(Option<Arc<Type>>),
    /// A type that is open: by name in a declaration.
    Param(char),
    /// A type that is open: by number while an expression is checked.
    Var(usize),
}

impl Type {
    /// A list of some type.
    pub fn list(of: Self) -> Self {
        Self::List(Arc::new(of))
    }

    /// A map from one type to another.
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Arc::new((key, value)))
    }

    /// An object by its name.
    pub fn object(name: &str) -> Self {
        Self::Struct(name.into())
    }

    /// What may be there or not.
    pub fn optional(of: Self) -> Self {
        Self::Opaque(OPTIONAL.into(), [of].into())
    }

    /// What an optional holds; nothing if this is no optional.
    pub(crate) fn held(&self) -> Option<&Self> {
        match self {
            Self::Opaque(name, of) if &**name == OPTIONAL => of.first(),
            _ => None,
        }
    }

    /// Whether the type is made of no others, not even of what an open type stands for.
    pub(crate) fn is_simple(&self) -> bool {
        !matches!(
            self,
            Self::List(_) | Self::Map(_) | Self::Opaque(..) | Self::Type(_) | Self::Var(_)
        )
    }

    pub(crate) fn is_dyn(&self) -> bool {
        matches!(self, Self::Dyn | Self::Any)
    }

    pub(crate) fn is_dyn_or_error(&self) -> bool {
        self.is_dyn() || *self == Self::Error
    }

    /// What the type is made of.
    pub(crate) fn parameters(&self) -> Vec<&Self> {
        match self {
            Self::List(of) | Self::Type(Some(of)) => vec![of],
            Self::Map(both) => vec![&both.0, &both.1],
            Self::Opaque(_, of) => of.iter().collect(),
            _ => Vec::new(),
        }
    }

    /// The same type made of other types.
    pub(crate) fn with(&self, mut change: impl FnMut(&Self) -> Self) -> Self {
        match self {
            Self::List(of) => Self::list(change(of)),
            Self::Map(both) => Self::map(change(&both.0), change(&both.1)),
            Self::Opaque(name, of) => Self::Opaque(name.clone(), of.iter().map(change).collect()),
            Self::Type(Some(of)) => Self::Type(Some(Arc::new(change(of)))),
            other => other.clone(),
        }
    }

    fn name(&self) -> String {
        let name = match self {
            Self::Error => "*error*",
            Self::Dyn => "dyn",
            Self::Any => "google.protobuf.Any",
            Self::Null => "null_type",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Duration => "google.protobuf.Duration",
            Self::Timestamp => "google.protobuf.Timestamp",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Struct(name) | Self::Opaque(name, _) => name,
            Self::Type(_) => "type",
            Self::Param(name) => return name.to_string(),
            Self::Var(number) => return format!("_var{number}"),
        };
        name.to_owned()
    }

    /// The name of the type without what it is made of.
    pub(crate) fn base(&self) -> String {
        self.name()
    }

    fn spell(&self, spell: fn(&Self) -> String) -> String {
        let parameters: Vec<String> = self.parameters().into_iter().map(spell).collect();
        match parameters.as_slice() {
            [] => self.name(),
            of => format!("{}({})", self.name(), of.join(", ")),
        }
    }

    /// The name in messages of the compiler.
    pub(crate) fn format(&self) -> String {
        match self {
            Self::Any => "any".to_owned(),
            Self::Duration => "duration".to_owned(),
            Self::Error => "!error!".to_owned(),
            Self::Null => "null".to_owned(),
            Self::Timestamp => "timestamp".to_owned(),
            other => other.spell(Self::format),
        }
    }
}

impl Display for Type {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&self.spell(Self::to_string))
    }
}

/// Reads a type as declarations write it; one capital letter is an open type, a name with a dot an object.
pub(crate) fn read(text: &str) -> Type {
    let text = text.trim();
    if let Some((name, of)) = text.strip_suffix(')').and_then(|rest| rest.split_once('(')) {
        let mut of: Vec<Type> = split(of).into_iter().map(read).collect();
        return match (name, of.len()) {
            ("list", 1) => Type::list(of.remove(0)),
            ("map", 2) => Type::map(of.remove(0), of.remove(0)),
            ("optional", 1) => Type::optional(of.remove(0)),
            ("type", 1) => Type::Type(Some(Arc::new(of.remove(0)))),
            _ => Type::Error,
        };
    }
    match text {
        "dyn" => Type::Dyn,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "duration" => Type::Duration,
        "timestamp" => Type::Timestamp,
        "net.IP" | "net.CIDR" => Type::Opaque(text.into(), [].into()),
        _ if text.contains('.') => Type::object(text),
        _ => match text.chars().next() {
            Some(one @ 'A'..='Z') if text.len() == 1 => Type::Param(one),
            _ => Type::Error,
        },
    }
}

/// The parts of a list that commas part, not those within parentheses.
pub(crate) fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, one) in text.char_indices() {
        match one {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = &text[start..];
    if !last.trim().is_empty() {
        parts.push(last);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_apiserver_and_the_compiler_name_types_differently() {
        for (text, ours, compiler) in [
            ("list(dyn)", "list(dyn)", "list(dyn)"),
            (
                "map(string, list(int))",
                "map(string, list(int))",
                "map(string, list(int))",
            ),
            ("duration", "google.protobuf.Duration", "duration"),
            (
                "optional(timestamp)",
                "optional_type(google.protobuf.Timestamp)",
                "optional_type(timestamp)",
            ),
            ("kubernetes.URL", "kubernetes.URL", "kubernetes.URL"),
            ("type(int)", "type(int)", "type(int)"),
        ] {
            let one = read(text);
            assert_eq!((one.to_string().as_str(), one.format().as_str()), (ours, compiler));
        }
        assert_eq!(
            (Type::Null.to_string(), Type::Null.format()),
            ("null_type".into(), "null".into())
        );
    }
}
