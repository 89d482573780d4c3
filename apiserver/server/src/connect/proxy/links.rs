//! Links and redirects in what a proxied page says: they lead to the page's own host, and must lead through the proxy.

use super::super::location::{escape_path, join};

/// How links of one page are rewritten.
#[derive(Clone, Debug)]
pub(super) struct Links {
    /// The path of the proxy, escaped: what stands before that of the page.
    pub(super) before: String,
    /// The host and port that were asked behind the proxy.
    pub(super) backend: String,
    /// The host that the client asked.
    pub(super) client: String,
}

impl Links {
    /// Of a request for `path`, which asks `behind` of the backend.
    pub(super) fn new(path: &str, behind: &str, backend: String, client: &str) -> Self {
        let mut end = behind.to_owned();
        if path.ends_with('/') && !end.ends_with('/') {
            end.push('/');
        }
        Self {
            before: escape_path(path.strip_suffix(end.as_str()).unwrap_or(path)),
            backend,
            client: client.to_owned(),
        }
    }

    /// A link as it leads through the proxy. What leads elsewhere stays as it is.
    ///
    /// # Errors
    /// What Go says of a link that is none.
    pub(super) fn rewrite(&self, link: &str) -> Result<String, String> {
        let url = Url::parse(link)?;
        let elsewhere = !url.host.is_empty() && url.host != self.backend && url.host != self.client;
        if elsewhere || !url.path.starts_with('/') {
            return Ok(link.to_owned());
        }
        // A link that names the client's host keeps it.
        let origin = if url.host == self.client { url.origin } else { "" };
        if url.path.starts_with(&self.before) {
            return Ok(format!("{origin}{}{}", url.path, url.rest));
        }
        let mut path = join(&self.before, url.path);
        if url.path.ends_with('/') && !path.ends_with('/') {
            path.push('/');
        }
        Ok(format!("{origin}{path}{}", url.rest))
    }
}

/// A link in parts, as it is written.
struct Url<'l> {
    /// `http://host:80`; empty where neither is said.
    origin: &'l str,
    /// `host:80`.
    host: &'l str,
    /// Empty for links that have none, as those to mailboxes.
    path: &'l str,
    /// The query and what follows it.
    rest: &'l str,
}

impl<'l> Url<'l> {
    fn parse(link: &'l str) -> Result<Self, String> {
        let wrong = |why: &str| format!("parse {}: {why}", apiserver_api::go::quote(link));
        if link.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
            return Err(wrong("net/url: invalid control character in URL"));
        }
        let end = link.find(['?', '#']).unwrap_or(link.len());
        let (main, rest) = link.split_at(end);
        let scheme = scheme(main).map_err(wrong)?;
        let after = &main[scheme..];
        let Some(authority) = after.strip_prefix("//") else {
            if scheme > 0 && !after.starts_with('/') {
                // Of `mailto:x` all behind the scheme is one word.
                return Ok(Self {
                    origin: "",
                    host: "",
                    path: "",
                    rest: link,
                });
            }
            if scheme == 0 && after.split('/').next().is_some_and(|first| first.contains(':')) {
                return Err(wrong("first path segment in URL cannot contain colon"));
            }
            check_escapes(after).map_err(|bad| wrong(&bad))?;
            return Ok(Self {
                origin: "",
                host: "",
                path: after,
                rest,
            });
        };
        let length = authority.find('/').unwrap_or(authority.len());
        let (authority, path) = authority.split_at(length);
        check_escapes(path).map_err(|bad| wrong(&bad))?;
        let host = authority.rsplit('@').next().unwrap_or_default();
        Ok(Self {
            origin: &main[..main.len() - path.len()],
            host,
            path,
            rest,
        })
    }
}

/// How long a link's scheme is, with its colon; 0 where there is none.
fn scheme(link: &str) -> Result<usize, &'static str> {
    for (at, byte) in link.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme"),
            b':' => return Ok(at + 1),
            _ => return Ok(0),
        }
    }
    Ok(0)
}

/// Percent signs must be followed by two digits.
fn check_escapes(path: &str) -> Result<(), String> {
    for (at, _) in path.match_indices('%') {
        let code = path.get(at + 1..at + 3);
        if !code.is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            let shown = path.get(at..at + 3).unwrap_or(&path[at..]);
            return Err(format!("invalid URL escape {}", apiserver_api::go::quote(shown)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Links;

    const BEFORE: &str = "/api/v1/namespaces/n/pods/p/proxy";

    fn links() -> Links {
        let path = format!("{BEFORE}/a/b");
        Links::new(&path, "/a/b", "10.0.0.1:80".to_owned(), "api:6443")
    }

    #[test]
    fn the_proxys_path_is_what_stands_before_the_pages() {
        assert_eq!(links().before, BEFORE);
        let of = |path: &str, behind: &str| Links::new(path, behind, String::new(), "").before;
        assert_eq!(of("/x/proxy/", ""), "/x/proxy");
        assert_eq!(of("/x/proxy/", "/"), "/x/proxy");
        assert_eq!(of("/x/proxy/a/", "/a/"), "/x/proxy");
        assert_eq!(of("/x y/proxy/a", "/a"), "/x%20y/proxy");
    }

    #[test]
    fn links_to_the_pages_own_host_lead_through_the_proxy() {
        let links = links();
        for (link, rewritten) in [
            ("/c?d=/e#f", format!("{BEFORE}/c?d=/e#f")),
            ("/c/", format!("{BEFORE}/c/")),
            ("/", format!("{BEFORE}/")),
            ("http://10.0.0.1:80/c", format!("{BEFORE}/c")),
            ("//10.0.0.1:80/c", format!("{BEFORE}/c")),
            ("https://api:6443/c", format!("https://api:6443{BEFORE}/c")),
            (&format!("{BEFORE}/c"), format!("{BEFORE}/c")),
        ] {
            assert_eq!(links.rewrite(link), Ok(rewritten), "{link}");
        }
    }

    #[test]
    fn links_elsewhere_stay_as_they_are() {
        for link in [
            "c",
            "../c",
            "http://other/c",
            "//other/c",
            "mailto:a@b",
            "javascript:x('/')",
            "#x",
            "?y=/",
            "",
            "10.0.0.1",
        ] {
            assert_eq!(links().rewrite(link).as_deref(), Ok(link));
        }
    }

    #[test]
    fn a_link_that_is_none_is_told_in_gos_words() {
        for (link, why) in [
            ("/%zz", r#"parse "/%zz": invalid URL escape "%zz""#),
            (":x", r#"parse ":x": missing protocol scheme"#),
            ("1:2", r#"parse "1:2": first path segment in URL cannot contain colon"#),
            ("/\u{1}", r#"parse "/\x01": net/url: invalid control character in URL"#),
        ] {
            assert_eq!(links().rewrite(link).unwrap_err(), why);
        }
    }
}
