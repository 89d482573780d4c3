//! Lists as one line of comma-separated values, by the rules of Go's `encoding/csv`.

/// Splits a line at its commas; fields in double quotes may hold commas, and a quote as two.
///
/// # Errors
/// A quote where none may stand; Go's text.
pub(super) fn fields(text: &str) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    let line = text.trim_end_matches(['\r', '\n']);
    let mut rest = line;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => self::quoted(line, quoted)?,
            None => plain(line, rest)?,
        };
        found.push(field);
        match after {
            Some(after) => rest = after,
            None => return Ok(found),
        }
    }
}

/// A field that does not begin with a quote, and what follows its comma.
fn plain<'t>(line: &str, rest: &'t str) -> Result<(String, Option<&'t str>), String> {
    let (field, after) = match rest.split_once(',') {
        Some((field, after)) => (field, Some(after)),
        None => (rest, None),
    };
    match field.find('"') {
        Some(at) => Err(wrong(line, &rest[at..], "bare \" in non-quoted field")),
        None => Ok((field.to_owned(), after)),
    }
}

/// A field after its opening quote, and what follows its comma.
fn quoted<'t>(line: &str, mut rest: &'t str) -> Result<(String, Option<&'t str>), String> {
    let mut field = String::new();
    loop {
        let Some((part, after)) = rest.split_once('"') else {
            return Err(wrong(line, "", "extraneous or missing \" in quoted-field"));
        };
        field.push_str(part);
        if let Some(more) = after.strip_prefix('"') {
            field.push('"');
            rest = more;
        } else if after.is_empty() {
            return Ok((field, None));
        } else if let Some(next) = after.strip_prefix(',') {
            return Ok((field, Some(next)));
        } else {
            let quote = &rest[part.len()..];
            return Err(wrong(line, quote, "extraneous or missing \" in quoted-field"));
        }
    }
}

/// `at` is what is left of `line` where it went wrong.
fn wrong(line: &str, at: &str, what: &str) -> String {
    format!("parse error on line 1, column {}: {what}", line.len() - at.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::fields;

    #[test]
    fn fields_are_split_as_go_splits_them() {
        assert_eq!(fields("a,b,,c").unwrap(), ["a", "b", "", "c"]);
        assert_eq!(fields("a, b").unwrap(), ["a", " b"]);
        assert_eq!(fields(r#""a,b","c""d",e"#).unwrap(), ["a,b", "c\"d", "e"]);
        assert_eq!(fields("\"\"").unwrap(), [""]);
        assert_eq!(fields("a,").unwrap(), ["a", ""]);
    }

    #[test]
    fn stray_quotes_are_told_with_their_column() {
        for (text, expected) in [
            ("ab\"c", "parse error on line 1, column 3: bare \" in non-quoted field"),
            (
                "a,\"b\"c",
                "parse error on line 1, column 5: extraneous or missing \" in quoted-field",
            ),
            (
                "\"a",
                "parse error on line 1, column 3: extraneous or missing \" in quoted-field",
            ),
        ] {
            assert_eq!(fields(text).unwrap_err(), expected);
        }
    }
}
