//! Which styles a scalar can be written in.

/// How a scalar is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// The style that is wanted, or the next that a text can have: plain, in single quotes, in double quotes.
pub(super) fn allowed(text: &str, wanted: Style, key: bool) -> Style {
    let mut indicators = text.starts_with("---") || text.starts_with("...");
    let mut special = false;
    let mut before = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let ends_word = letters.peek().is_none_or(|next| *next == ' ');
        indicators |= match letter {
            '#' => before.is_none_or(|before| matches!(before, ' ' | '\n')),
            ':' => ends_word,
            '?' | '-' => before.is_none() && ends_word,
            ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => {
                before.is_none()
            }
            _ => false,
        };
        special |= !is_printable(letter) || (letter == '\n' && before == Some(' '));
        before = Some(letter);
    }
    let lines = text.contains('\n');
    let padded = text.starts_with([' ', '\n']) || text.ends_with([' ', '\n']);
    match wanted {
        Style::Literal if !special && !key && !text.ends_with(' ') => Style::Literal,
        Style::Literal | Style::Double => Style::Double,
        Style::Plain | Style::Single if special || lines => Style::Double,
        Style::Plain if !indicators && !padded && !text.is_empty() => Style::Plain,
        Style::Plain | Style::Single => Style::Single,
    }
}

/// What stands in a document as it is. Go's package has no plane but the first. It writes the line breaks of Unicode as they
/// are, which YAML 1.2 no longer takes for line breaks; here they are escaped, so that both read the same.
pub(super) const fn is_printable(letter: char) -> bool {
    match letter {
        '\u{2028}' | '\u{2029}' => false,
        _ => matches!(letter, '\n' | ' '..='~' | '\u{a0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}'),
    }
}

/// Whether YAML 1.1 takes this for a number of base 60, `1:30`: `[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?`.
pub(super) fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let Some((first, rest)) = unsigned.split_once(':') else {
        return false;
    };
    let (parts, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    first.starts_with(|digit: char| digit.is_ascii_digit())
        && digits(first)
        && digits(fraction)
        && parts
            .split(':')
            .all(|part| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']))
}
