//! Domains as owners of names: these checks say which part of the value they refuse, so they write refusals.

use super::{dns_label, dns_subdomain, qualified_name};
use crate::path::Path;
use crate::refusal::Refusals;

/// A domain of at least three parts without a dot at its end: `a.example.com`.
pub fn fully_qualified_name(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    if name.is_empty() {
        return refusals.required(path, "");
    }
    let messages = dns_subdomain(name);
    if !messages.is_empty() {
        refusals.invalid(path, name, &messages.join(","));
    } else if name.split('.').count() < 3 {
        let detail = "should be a domain with at least three segments separated by dots";
        refusals.invalid(path, name, detail);
    }
}

/// A domain of at least two parts, with a dot at its end or without: `example.com`.
pub fn fully_qualified_domain_name(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    if name.is_empty() {
        return refusals.required(path, "");
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let messages = dns_subdomain(name);
    if !messages.is_empty() {
        return refusals.invalid(path, name, &messages.join(","));
    }
    if name.split('.').count() < 2 {
        let detail = "should be a domain with at least two segments separated by dots";
        return refusals.invalid(path, name, detail);
    }
    for label in name.split('.') {
        let messages = dns_label(label);
        if !messages.is_empty() {
            return refusals.invalid(path, label, &messages.join(","));
        }
    }
}

/// A path below a domain: `acme.io/foo`.
pub fn domain_prefixed_path(path: &Path<'_>, value: &str, refusals: &mut Refusals) {
    if value.is_empty() {
        return refusals.required(path, "");
    }
    let (host, rest) = match value.split_once('/') {
        Some((host, rest)) if !host.is_empty() && !rest.is_empty() => (host, rest),
        _ => {
            let detail = r#"must be a domain-prefixed path (such as "acme.io/foo")"#;
            return refusals.invalid(path, value, detail);
        }
    };
    for message in dns_subdomain(host) {
        refusals.invalid(path, host, &message);
    }
    if !rest.bytes().all(is_path_byte) {
        let detail = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')";
        refusals.invalid(path, rest, detail);
    }
}

/// A label's key that has a domain: `acme.io/foo`.
pub fn domain_prefixed_key(path: &Path<'_>, key: &str, refusals: &mut Refusals) {
    if key.is_empty() {
        return refusals.required(path, "");
    }
    let messages = qualified_name(key);
    if messages.is_empty() && !key.contains('/') {
        let detail = r#"must be a domain-prefixed key (such as "acme.io/foo")"#;
        return refusals.invalid(path, key, detail);
    }
    for message in messages {
        refusals.invalid(path, key, &message);
    }
}

/// What may stand in the path of a URL (RFC 3986).
const fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'/' | b'-' | b'.' | b'_' | b'~' | b'%' | b'!' | b'$' | b'&'..=b',' | b';' | b'=' | b':'
        )
}
