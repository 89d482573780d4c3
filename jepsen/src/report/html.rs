//! Text inside pages: nothing that a store or a fault says is ever read as markup.

use serde::Serialize;

/// Text between tags, or in an attribute in double quotes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A value as JSON that can stand inside a script element: no end tag, no comment, no line that ends a literal.
///
/// # Errors
/// The value cannot be written as JSON.
pub(super) fn script(value: &impl Serialize) -> serde_json::Result<String> {
    let json = serde_json::to_string(value)?;
    Ok(json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029"))
}

/// The beginning of a text that is too long.
pub(super) fn cut(text: &str, letters: usize) -> String {
    if text.len() <= letters {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(letters).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup() {
        let evil = "</script><b onclick='x(\"1\")'>&";
        let text = escape(evil);
        assert!(!text.contains(['<', '>', '"', '\'']), "{text}");
        assert!(text.ends_with("&gt;&amp;"));
        let json = script(&[evil, "\u{2028}"]).unwrap();
        assert!(!json.contains(['<', '>', '\u{2028}']), "{json}");
        let read: Vec<String> = serde_json::from_str(&json).unwrap();
        assert_eq!(read, [evil, "\u{2028}"]);
    }

    #[test]
    fn long_texts_are_cut_between_letters() {
        assert_eq!(cut("äöü", 2), "äö…");
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("abc", 5), "abc");
    }
}
