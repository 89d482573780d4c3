//! URLs as Go reads them, whose errors upstream's messages carry.

use apiserver_api::go::quote;

/// What a URL says, as far as anyone asks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Url {
    /// In lower case; empty where there is none.
    pub(super) scheme: String,
    /// The user and the password before the host.
    pub(super) user: Option<String>,
    /// With its port.
    pub(super) host: String,
    /// What stands after the question mark.
    pub(super) query: String,
    /// What stands after the hash.
    pub(super) fragment: String,
}

/// Reads a URL as Go's `url.Parse`.
pub(super) fn parse(text: &str) -> Result<Url, String> {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let mut url = read(rest).map_err(|error| format!("parse {}: {error}", quote(rest)))?;
    unescaped(fragment).map_err(|error| format!("parse {}: {error}", quote(text)))?;
    fragment.clone_into(&mut url.fragment);
    Ok(url)
}

fn read(text: &str) -> Result<Url, String> {
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let mut url = Url::default();
    if text == "*" {
        return Ok(url);
    }
    let (scheme, rest) = scheme(text)?;
    url.scheme = scheme.to_ascii_lowercase();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    query.clone_into(&mut url.query);
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            // What comes after the scheme is opaque.
            return Ok(url);
        }
        let segment = rest.split('/').next().unwrap_or_default();
        if segment.contains(':') {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
    }
    let mut path = rest;
    let has_authority = !scheme.is_empty() || !rest.starts_with("///");
    if let Some(authority) = rest.strip_prefix("//").filter(|_| has_authority) {
        let end = authority.find('/').unwrap_or(authority.len());
        let (authority, after) = authority.split_at(end);
        path = after;
        read_authority(authority, &mut url)?;
    }
    unescaped(path)?;
    Ok(url)
}

/// The scheme and what follows its colon.
fn scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            b':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

fn read_authority(authority: &str, url: &mut Url) -> Result<(), String> {
    let Some((user, host)) = authority.rsplit_once('@') else {
        return read_host(authority, url);
    };
    read_host(host, url)?;
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.bytes().all(fine) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    unescaped(user)?;
    url.user = Some(user.to_owned());
    Ok(())
}

fn read_host(host: &str, url: &mut Url) -> Result<(), String> {
    let port = if host.starts_with('[') {
        let Some(end) = host.rfind(']') else {
            return Err("missing ']' in host".to_owned());
        };
        &host[end + 1..]
    } else {
        host.find(':').map_or("", |at| &host[at..])
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    let fine = port.is_empty() || (port.starts_with(':') && digits.bytes().all(|byte| byte.is_ascii_digit()));
    if !fine {
        return Err(format!("invalid port {} after host", quote(port)));
    }
    for (at, byte) in host.bytes().enumerate() {
        match byte {
            b'%' => host_escape(&host.as_bytes()[at..])?,
            0x80.. => {}
            _ if byte.is_ascii_alphanumeric() || br#"-_.~!$&'()*+,;=:[]<>""#.contains(&byte) => {}
            _ => {
                let shown = quote(&char::from(byte).to_string());
                return Err(format!("invalid character {shown} in host name"));
            }
        }
    }
    host.clone_into(&mut url.host);
    Ok(())
}

/// In hosts only what is not ASCII may be escaped, and the percent of a zone.
fn host_escape(rest: &[u8]) -> Result<(), String> {
    escape(rest)?;
    if rest[1] < b'8' && !rest.starts_with(b"%25") {
        return Err(bad_escape(rest));
    }
    Ok(())
}

fn unescaped(text: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    for at in 0..bytes.len() {
        if bytes[at] == b'%' {
            escape(&bytes[at..])?;
        }
    }
    Ok(())
}

/// The escape with which this begins.
fn escape(rest: &[u8]) -> Result<(), String> {
    match rest {
        [_, first, second, ..] if first.is_ascii_hexdigit() && second.is_ascii_hexdigit() => Ok(()),
        _ => Err(bad_escape(rest)),
    }
}

fn bad_escape(rest: &[u8]) -> String {
    let shown = String::from_utf8_lossy(&rest[..rest.len().min(3)]);
    format!("invalid URL escape {}", quote(&shown))
}

#[cfg(test)]
mod tests {
    use super::{Url, parse};

    #[test]
    fn the_parts_of_a_url_are_told_apart() {
        for (text, scheme, host) in [
            ("", "", ""),
            ("*", "", ""),
            ("a", "", ""),
            ("HTTPS://h:443/x", "https", "h:443"),
            ("https://[::1]:1", "https", "[::1]:1"),
            ("https:opaque", "https", ""),
            ("//h/x", "", "h"),
            ("///h", "", ""),
            ("1a/b", "", ""),
        ] {
            let url = parse(text).unwrap();
            assert_eq!((url.scheme.as_str(), url.host.as_str()), (scheme, host), "{text}");
        }
        let url = parse("https://u:p@h/?q#f").unwrap();
        let expected = Url {
            scheme: "https".into(),
            user: Some("u:p".into()),
            host: "h".into(),
            query: "q".into(),
            fragment: "f".into(),
        };
        assert_eq!(url, expected);
    }

    #[test]
    fn what_is_no_url_is_told_as_go_tells_it() {
        for (text, error) in [
            ("a\tb", r#"parse "a\tb": net/url: invalid control character in URL"#),
            (":x", r#"parse ":x": missing protocol scheme"#),
            (
                "1a:b",
                r#"parse "1a:b": first path segment in URL cannot contain colon"#,
            ),
            ("https://h:x/", r#"parse "https://h:x/": invalid port ":x" after host"#),
            ("https://[::1", r#"parse "https://[::1": missing ']' in host"#),
            (
                "https://a b/",
                r#"parse "https://a b/": invalid character " " in host name"#,
            ),
            ("https://%41/", r#"parse "https://%41/": invalid URL escape "%41""#),
            ("https://h/%z", r#"parse "https://h/%z": invalid URL escape "%z""#),
            ("https://a^@h/", r#"parse "https://a^@h/": net/url: invalid userinfo"#),
            ("h#%", r#"parse "h#%": invalid URL escape "%""#),
        ] {
            assert_eq!(parse(text).unwrap_err(), error);
        }
    }
}
