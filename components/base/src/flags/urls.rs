//! Lists of URLs with the rules that etcd has for them.

use std::collections::BTreeMap;

use url::Url;

use super::Error;

const EXPECTED: &str = "URLs separated by commas, each http, https, unix or unixs, with host:port and without a path (http://10.0.0.1:2379)";

/// Reads a list of URLs, sorted and each once, as the texts that members compare and show: `scheme://host:port`.
///
/// # Errors
/// A scheme, path or host that etcd's members do not take.
pub fn urls(flag: &str, text: &str) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for part in text.split(',').map(str::trim) {
        found.push(one(part).ok_or_else(|| Error::new(flag, text, EXPECTED))?);
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn one(text: &str) -> Option<String> {
    // The parser forgives what etcd's refuses: it drops line breaks, and reads `http:a` and `http:\\a` as `http://a`.
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    match url.scheme() {
        "http" | "https" => {
            // The parser drops a port that is its scheme's usual one, so look for it in the text.
            let (scheme, authority) = text.split_once("://")?;
            if !scheme.eq_ignore_ascii_case(url.scheme()) {
                return None;
            }
            let (host, port) = authority.rsplit_once(':')?;
            let plain = url.username().is_empty() && url.query().is_none() && url.fragment().is_none();
            let good_port = !port.is_empty() && port.parse::<u16>().is_ok();
            (plain && good_port && !host.is_empty() && !host.contains(['/', '\\']))
                .then(|| format!("{}://{authority}", url.scheme()))
        }
        "unix" | "unixs" => (!text.split_once(':')?.1.trim_start_matches('/').is_empty()).then(|| text.to_owned()),
        _ => None,
    }
}

/// Host (an IPv6 address without brackets) and port of a URL that [`urls`] has read; `None` for a Unix socket.
pub fn host_port(url: &str) -> Option<(String, u16)> {
    let (scheme, authority) = url.split_once("://")?;
    let (host, port) = authority.rsplit_once(':').filter(|_| scheme.starts_with("http"))?;
    Some((
        host.trim_start_matches('[').trim_end_matches(']').to_owned(),
        port.parse().ok()?,
    ))
}

/// Reads `name=url` pairs, where a name may come more than once: the value of `--initial-cluster`.
///
/// # Errors
/// A pair without a name or with a URL that [`urls`] refuses.
pub fn name_urls(flag: &str, text: &str) -> Result<BTreeMap<String, Vec<String>>, Error> {
    let mut members: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, url) = pair
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| {
                Error::new(
                    flag,
                    pair,
                    "name=url pairs separated by commas (a=http://10.0.0.1:2380,...)",
                )
            })?;
        members.entry(name.to_owned()).or_default().extend(urls(flag, url)?);
    }
    for urls in members.values_mut() {
        urls.sort();
        urls.dedup();
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_lists_are_sorted_and_unique() {
        let read = urls("--x", "http://b:2, http://a:1,http://b:2,https://[::1]:443").unwrap();
        assert_eq!(read, ["http://a:1", "http://b:2", "https://[::1]:443"]);
        assert_eq!(host_port(&read[2]), Some(("::1".into(), 443)));
        assert!(urls("--x", "unix:///run/etcd.sock,unixs://localhost:1").is_ok());
    }

    #[test]
    fn bad_urls_are_refused() {
        for text in [
            "",
            "a:1",
            "http://a",
            "http://a:",
            "http://a:99999",
            "http://a:1/path",
            "http://a:1/",
            "ftp://a:1",
            "http://:1",
            "http://a:1,",
            "http://u@a:1",
            "unix:",
            "http://a:1?x=y",
            "http:a://[:::1]:2",
            "http:http://h::3",
            "http://a\n:1",
            "http://a\\:1",
        ] {
            assert!(urls("--x", text).is_err(), "{text}");
        }
    }

    #[test]
    fn clusters_are_read_by_name() {
        let members = name_urls("--initial-cluster", "a=http://h:1,b=http://h:2,a=http://h:3").unwrap();
        assert_eq!(members["a"].len(), 2);
        assert_eq!(members["b"].len(), 1);
        for text in ["http://h:1", "=http://h:1", "a=h:1", "a"] {
            assert!(name_urls("--initial-cluster", text).is_err(), "{text}");
        }
        assert!(name_urls("--initial-cluster", "").unwrap().is_empty());
    }
}
