//! URLs as Go takes them apart, as far as flags ask.

/// The scheme of a URL, empty where it has none.
///
/// # Errors
/// What Go's `net/url` does not take; its text.
pub(super) fn scheme(text: &str) -> Result<&str, String> {
    let wrong = |why: &str| Err(format!("parse {text:?}: {why}"));
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return wrong("net/url: invalid control character in URL");
    }
    let (scheme, rest) = split(text);
    if scheme.is_empty() && text.starts_with(':') {
        return wrong("missing protocol scheme");
    }
    let Some(authority) = rest.strip_prefix("//") else {
        let first = rest.split('/').next().unwrap_or_default();
        if scheme.is_empty() && first.contains(':') {
            return wrong("first path segment in URL cannot contain colon");
        }
        return Ok(scheme);
    };
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = match host.strip_prefix('[') {
        Some(host) => match host.split_once(']') {
            Some((_, port)) => port,
            None => return wrong("missing ']' in host"),
        },
        None => host.find(':').map_or("", |at| &host[at..]),
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    if port.is_empty() || port.starts_with(':') && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(scheme)
    } else {
        wrong(&format!("invalid port {port:?} after host"))
    }
}

/// The scheme and what follows its colon.
fn split(text: &str) -> (&str, &str) {
    let letters = text.starts_with(|c: char| c.is_ascii_alphabetic());
    match text.split_once(':') {
        Some((scheme, rest)) if letters && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) => {
            (scheme, rest)
        }
        _ => ("", text),
    }
}

#[cfg(test)]
mod tests {
    use super::scheme;

    #[test]
    fn schemes_are_found_and_what_is_no_url_is_told_as_go_tells_it() {
        for (text, expected) in [
            ("https://a.example:443/x?y#z", Ok("https")),
            ("https://u:p@[::1]:6443", Ok("https")),
            ("api", Ok("")),
            ("/a:b", Ok("")),
            ("mailto:x", Ok("mailto")),
            (":x", Err("parse \":x\": missing protocol scheme")),
            (
                "1a:b",
                Err("parse \"1a:b\": first path segment in URL cannot contain colon"),
            ),
            (
                "http://a:b",
                Err("parse \"http://a:b\": invalid port \":b\" after host"),
            ),
            ("http://[::1", Err("parse \"http://[::1\": missing ']' in host")),
            (
                "http://a\n",
                Err("parse \"http://a\\n\": net/url: invalid control character in URL"),
            ),
        ] {
            assert_eq!(scheme(text), expected.map_err(str::to_owned), "{text}");
        }
    }
}
