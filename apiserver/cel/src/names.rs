//! How names of fields are written where only identifiers may stand.

/// Words that name nothing else.
const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Whether a word is none that may name something.
pub fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

/// The identifier that stands for the name of a field; nothing if none can.
pub fn escape(name: &str) -> Option<String> {
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if is_reserved(name) {
        return Some(format!("__{name}__"));
    }
    let mut escaped = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(one) = rest.chars().next() {
        let (word, length) = match one {
            '_' if rest.starts_with("__") => ("__underscores__", 2),
            '.' => ("__dot__", 1),
            '-' => ("__dash__", 1),
            '/' => ("__slash__", 1),
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => (&rest[..1], 1),
            _ => return None,
        };
        escaped.push_str(word);
        rest = &rest[length..];
    }
    Some(escaped)
}

/// The reserved word that an escaped name stands for.
pub(crate) fn reserved_of(escaped: &str) -> Option<&str> {
    let word = escaped.strip_prefix("__")?.strip_suffix("__")?;
    is_reserved(word).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_identifiers() {
        for (name, escaped) in [
            ("a_1", Some("a_1")),
            ("a-b.c/d", Some("a__dash__b__dot__c__slash__d")),
            ("a__b", Some("a__underscores__b")),
            ("namespace", Some("__namespace__")),
            ("1a", None),
            ("", None),
            ("a b", None),
            ("é", None),
        ] {
            assert_eq!(escape(name).as_deref(), escaped, "{name}");
        }
        assert_eq!(reserved_of("__namespace__"), Some("namespace"));
        assert_eq!(reserved_of("__a__"), None);
    }
}
