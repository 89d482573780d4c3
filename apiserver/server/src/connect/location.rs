//! Where something is: a URL in parts, and how Go cleans, joins and escapes them.

use std::fmt::Write;
use std::net::Ipv6Addr;

/// Where something is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Location {
    /// `https`.
    pub(super) secure: bool,
    /// A name or an address, without brackets.
    pub(super) host: String,
    /// As it was written; empty for that of the scheme.
    pub(super) port: String,
    /// Not escaped; may be empty.
    pub(super) path: String,
    /// Escaped.
    pub(super) query: String,
}

impl Location {
    pub(super) const fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    /// `10.0.0.1:80`, `[fd00::1]:80`.
    pub(super) fn authority(&self) -> String {
        let host = if self.host.parse::<Ipv6Addr>().is_ok() {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        if self.port.is_empty() {
            host
        } else {
            format!("{host}:{}", self.port)
        }
    }

    /// The port, where it is one.
    pub(super) fn port_number(&self) -> Option<u16> {
        match self.port.as_str() {
            "" if self.secure => Some(443),
            "" => Some(80),
            text => text.parse().ok(),
        }
    }

    /// The path and the query as requests hold them.
    pub(super) fn target(&self) -> String {
        let path = escape_path(&self.path);
        let path = if path.is_empty() { "/" } else { &path };
        if self.query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{}", self.query)
        }
    }

    /// As messages show it.
    pub(super) fn url(&self) -> String {
        let target = self.target();
        let target = if self.path.is_empty() { &target[1..] } else { &target };
        format!("{}://{}{target}", self.scheme(), self.authority())
    }
}

/// A name of the form `name`, `name:port` or `scheme:name:port`, which proxies take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named<'n> {
    pub(super) secure: bool,
    pub(super) name: &'n str,
    /// A number or a name; may be empty.
    pub(super) port: &'n str,
}

impl<'n> Named<'n> {
    pub(super) fn parse(text: &'n str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (scheme, name, port) = match parts[..] {
            [name] => ("", name, ""),
            [name, port] => ("", name, port),
            [scheme, name, port] => (scheme, name, port),
            _ => return None,
        };
        let valid = !name.is_empty() && matches!(scheme, "" | "http" | "https");
        valid.then_some(Self {
            secure: scheme == "https",
            name,
            port,
        })
    }
}

/// The shortest path that leads to the same (`path.Clean`); an empty one stays empty.
pub(super) fn clean(path: &str) -> String {
    if path.is_empty() {
        return String::new();
    }
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// Joins paths and cleans what comes of it (`path.Join`); empty where both are.
pub(super) fn join(first: &str, second: &str) -> String {
    match (first, second) {
        ("", one) | (one, "") => clean(one),
        (first, second) => clean(&format!("{first}/{second}")),
    }
}

/// The same, with the slash at the end that the last part has.
pub(super) fn join_with_slash(first: &str, second: &str) -> String {
    let mut joined = join(first, second);
    let last = if second.is_empty() { first } else { second };
    if last.ends_with('/') && !joined.ends_with('/') {
        joined.push('/');
    }
    joined
}

/// A path as `url.URL` writes it.
pub(super) fn escape_path(path: &str) -> String {
    escaped(path, |byte| b"-_.~$&+,/:;=@".contains(&byte))
}

/// A value in a query as `url.QueryEscape` writes it.
fn escape_query(text: &str) -> String {
    escaped(text, |byte| b"-_.~ ".contains(&byte)).replace(' ', "+")
}

fn escaped(text: &str, plain: impl Fn(u8) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A query as `url.Values` writes it: by its keys, of one key in their order.
pub(super) fn query(mut pairs: Vec<(&str, String)>) -> String {
    pairs.sort_by_key(|(key, _)| *key);
    let pairs = pairs
        .iter()
        .map(|(key, value)| format!("{key}={}", escape_query(value)));
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::{Location, Named, clean, escape_path, join_with_slash, query};

    #[test]
    fn a_location_is_written_as_go_writes_urls() {
        let mut location = Location {
            secure: true,
            host: "fd00::1".to_owned(),
            port: "10250".to_owned(),
            path: "/a b/ü?".to_owned(),
            query: "x=1".to_owned(),
        };
        assert_eq!(location.url(), "https://[fd00::1]:10250/a%20b/%C3%BC%3F?x=1");
        location = Location {
            host: "n".to_owned(),
            ..Location::default()
        };
        assert_eq!(
            (
                location.url().as_str(),
                location.target().as_str(),
                location.port_number()
            ),
            ("http://n", "/", Some(80))
        );
        location.port = "web".to_owned();
        assert_eq!((location.authority().as_str(), location.port_number()), ("n:web", None));
    }

    #[test]
    fn a_name_may_say_its_scheme_and_port() {
        let parse = |text| Named::parse(text).map(|named| (named.secure, named.name, named.port));
        for (text, named) in [
            ("p", Some((false, "p", ""))),
            ("p:80", Some((false, "p", "80"))),
            ("https:p:web", Some((true, "p", "web"))),
            ("http:p:", Some((false, "p", ""))),
            ("ftp:p:1", None),
            (":80", None),
            ("a:b:c:d", None),
        ] {
            assert_eq!(parse(text), named, "{text}");
        }
    }

    #[test]
    fn paths_are_cleaned_and_keep_their_last_slash() {
        for (path, cleaned) in [
            ("", ""),
            ("/", "/"),
            ("//a//b/", "/a/b"),
            ("/../a/./b/..", "/a"),
            ("a/../..", ".."),
            ("./", "."),
        ] {
            assert_eq!(clean(path), cleaned, "{path}");
        }
        assert_eq!(join_with_slash("", "/a//b/"), "/a/b/");
        assert_eq!(join_with_slash("", ""), "");
        assert_eq!(join_with_slash("/x/", ""), "/x/");
        assert_eq!(escape_path("/a!*'()[]%"), "/a%21%2A%27%28%29%5B%5D%25");
    }

    #[test]
    fn a_query_is_sorted_by_its_keys() {
        let pairs = vec![
            ("tty", "1".to_owned()),
            ("command", "a b".to_owned()),
            ("command", "*~".to_owned()),
        ];
        assert_eq!(query(pairs), "command=a+b&command=%2A~&tty=1");
    }
}
