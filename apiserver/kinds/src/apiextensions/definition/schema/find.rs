//! Paths of fields in schemas: `.spec.replicas`, `.metadata['a b']`.

use apiserver_api::tree::Tree;

/// The schema of the field that a path names. Names in brackets may be used if `brackets` says so.
pub(in super::super) fn find<'s>(schema: &'s Tree, path: &str, brackets: bool) -> Result<&'s Tree, String> {
    let mut found = schema;
    let mut rest = path;
    while let Some((token, after)) = token(rest) {
        rest = after;
        match token {
            "[" if !brackets => return Err("array notation is not allowed".to_owned()),
            "[" => {
                let quoted = next(&mut rest)?;
                let name = quoted.strip_prefix('\'').and_then(|name| name.strip_suffix('\''));
                let name = name.filter(|_| quoted.len() > 1);
                let name = name.ok_or_else(|| format!("expected single quoted string but got {quoted}"))?;
                found = step(found, &unescaped(name)?)?;
                let end = next(&mut rest)?;
                if end != "]" {
                    return Err(format!("expected ] but got {end}"));
                }
            }
            "." => found = step(found, next(&mut rest)?)?,
            other => return Err(format!("expected [ or . but got: {other}")),
        }
    }
    Ok(found)
}

fn next<'p>(rest: &mut &'p str) -> Result<&'p str, String> {
    let (token, after) = token(rest).ok_or_else(|| "unexpected end of JSON path".to_owned())?;
    *rest = after;
    Ok(token)
}

/// The first delimiter, quoted string or name, and what follows it.
fn token(path: &str) -> Option<(&str, &str)> {
    let first = path.chars().next()?;
    let end = match first {
        '.' | '[' | ']' => 1,
        '\'' => {
            let bytes = path.as_bytes();
            let closes = |at: &usize| bytes[*at] == b'\'' && bytes[*at - 1] != b'\\';
            (1..bytes.len()).find(closes).map_or(path.len(), |at| at + 1)
        }
        _ => path.find(['.', '[', ']']).unwrap_or(path.len()),
    };
    Some(path.split_at(end))
}

fn step<'s>(schema: &'s Tree, name: &str) -> Result<&'s Tree, String> {
    let none = || "does not refer to a valid field".to_owned();
    let properties = schema.entries("properties");
    if !properties.is_empty() {
        return properties.get(name).ok_or_else(none);
    }
    match schema.at("additionalProperties") {
        Tree::Null => Err(none()),
        additional => Ok(additional),
    }
}

/// What stands between quotes, without its backslashes.
fn unescaped(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '\\' => match letters.next() {
                Some('a') => '\u{7}',
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('v') => '\u{b}',
                Some(same @ ('\'' | '\\')) => same,
                _ => return Err("invalid string literal: invalid escape sequence".to_owned()),
            },
            other => other,
        });
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree;

    use super::find;

    #[test]
    fn a_path_walks_through_properties_and_maps() {
        let schema = r#"{"properties":{"a":{"properties":{"b c":{"type":"string"}}},"m":{"additionalProperties":{"type":"integer"}}}}"#;
        let schema = tree::parse(schema.as_bytes()).unwrap().tree;
        for (path, found) in [
            (".a['b c']", Ok("string")),
            (".m.x", Ok("integer")),
            (".m['it\\'s']", Ok("integer")),
            ("a", Err("expected [ or . but got: a")),
            (".x", Err("does not refer to a valid field")),
            (".a.x", Err("does not refer to a valid field")),
            (".m.x.y", Err("does not refer to a valid field")),
            (".a[", Err("unexpected end of JSON path")),
            (".a[b]", Err("expected single quoted string but got b")),
            (".a['b c'.", Err("expected ] but got .")),
            (".", Err("unexpected end of JSON path")),
        ] {
            let said = find(&schema, path, true).map(|schema| schema.text("type").to_owned());
            assert_eq!(said, found.map(str::to_owned).map_err(str::to_owned), "{path}");
        }
        assert_eq!(
            find(&schema, ".a['b c']", false),
            Err("array notation is not allowed".to_owned())
        );
    }
}
