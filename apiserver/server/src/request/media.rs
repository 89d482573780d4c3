//! Media types as Go reads them (`mime.ParseMediaType`), where all that is asked for is whether it can, and which type it is.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The type that a header names, in small letters; nothing where the header cannot be read to its end.
pub(super) fn type_of(header: &str) -> Option<String> {
    let (base, _) = header.split_once(';').unwrap_or((header, ""));
    let name = base.trim().to_ascii_lowercase();
    let (main, sub) = name.split_once('/').unwrap_or((&name, "x"));
    if !(is_token(main) && is_token(sub)) {
        return None;
    }
    // Looked up by name, since there may be very many.
    let mut parameters: HashMap<String, String> = HashMap::new();
    let mut rest = header[base.len()..].trim();
    // A semicolon at the end is no mistake.
    while !rest.is_empty() && rest != ";" {
        let (key, value, after) = parameter(rest)?;
        match parameters.entry(key) {
            Entry::Occupied(own) if *own.get() != value => return None,
            Entry::Occupied(_) => {}
            Entry::Vacant(place) => {
                place.insert(value);
            }
        }
        rest = after.trim_start();
    }
    Some(name)
}

/// The parameter with which a text begins, and what follows it.
fn parameter(text: &str) -> Option<(String, String, &str)> {
    let rest = text.strip_prefix(';')?.trim_start();
    let (key, rest) = token(rest);
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let (value, after) = if let Some(quoted) = rest.strip_prefix('"') {
        unquoted(quoted)?
    } else {
        let (value, after) = token(rest);
        (value.to_owned(), after)
    };
    let is_given = after.len() < rest.len();
    (is_given && !key.is_empty()).then(|| (key.to_ascii_lowercase(), value, after))
}

/// What stands before the next quotation mark, and what behind it.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        let rest = &text[at + letter.len_utf8()..];
        match letter {
            '"' => return Some((value, rest)),
            '\r' | '\n' => return None,
            '\\' if rest.starts_with(is_special) => value.extend(letters.next().map(|(_, letter)| letter)),
            _ => value.push(letter),
        }
    }
    None
}

fn token(text: &str) -> (&str, &str) {
    text.split_at(text.find(|letter| !is_of_token(letter)).unwrap_or(text.len()))
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_of_token)
}

fn is_of_token(letter: char) -> bool {
    letter.is_ascii_graphic() && !is_special(letter)
}

const fn is_special(letter: char) -> bool {
    matches!(
        letter,
        '(' | ')' | '<' | '>' | '@' | ',' | ';' | ':' | '\\' | '"' | '/' | '[' | ']' | '?' | '='
    )
}

#[cfg(test)]
mod tests {
    use super::type_of;

    #[test]
    fn a_type_is_read_with_all_that_may_follow_it() {
        for header in ["a/b", " A/B ;", "a/b; ", "a/b;c=d;e=\"f;\\\"\"; c=d", "a/b ; c = \"\""] {
            assert_eq!(type_of(header).as_deref(), Some("a/b"), "{header}");
        }
        assert_eq!(type_of("a"), Some("a".to_owned()));
    }

    #[test]
    fn what_go_cannot_read_is_no_type() {
        for header in [
            ";;;",
            "",
            " ",
            "a/",
            "/b",
            "a/b/c",
            "a b",
            "a/b;;",
            "a/b;c",
            "a/b;c=",
            "a/b;=d",
            "a/b;c=d;c=e",
            "a/b;c=\"d",
            "a/b;c=d e",
            "a/b, c/d",
            "a/b;c=d; ;",
            "\u{fffd}",
            "a/b;c=\u{fc}",
        ] {
            assert_eq!(type_of(header), None, "{header:?}");
        }
    }

    #[test]
    fn each_of_very_many_parameters_is_looked_at_once() {
        // Where each is compared with all before it, or the end is trimmed behind each, this takes many minutes.
        let many: Vec<String> = (0..300_000).map(|at| format!(";k{at}=v")).collect();
        let many = many.concat();
        let header = format!("a/b{many}{}", " ".repeat(1_000_000));
        assert_eq!(type_of(&header).as_deref(), Some("a/b"));
        let quoted = format!("a/b{many}; k0 = \"v\" ; ");
        assert_eq!(type_of(&quoted).as_deref(), Some("a/b"));
        assert_eq!(type_of(&format!("a/b{many};K0=w")), None);
        // A name with an asterisk is another one, whatever Go puts it together with.
        assert_eq!(type_of("a/b;c=d;c*=e;c*0=f").as_deref(), Some("a/b"));
        assert_eq!(type_of("a/b;c*0=d;c*0=e"), None);
    }
}
