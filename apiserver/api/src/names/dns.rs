//! Names of the DNS.

use super::{DNS_LABEL_MAX, DNS_SUBDOMAIN_MAX, Messages, too_many_bytes, too_many_characters};

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and \
    end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

const LABEL_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
    character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is \
    '[a-z]([-a-z0-9]*[a-z0-9])?')";

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
    start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const SUBDOMAIN_CASELESS: &str = "an RFC 1123 subdomain must consist of alphanumeric characters, '-' or '.', and must start and \
    end with an alphanumeric character (e.g. 'Example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const SUBDOMAIN_WITH_UNDERSCORE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \
    '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";

const WILDCARD: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist \
    of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used \
    for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const fn is_lower(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9')
}

/// `[a-z0-9]([-a-z0-9]*[a-z0-9])?`
fn is_label(text: &str) -> bool {
    match text.as_bytes() {
        [one] => is_lower(*one),
        [first, middle @ .., last] => {
            is_lower(*first) && is_lower(*last) && middle.iter().all(|byte| is_lower(*byte) || *byte == b'-')
        }
        [] => false,
    }
}

/// `_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?`
fn is_label_with_underscore(text: &str) -> bool {
    match text.strip_prefix('_').unwrap_or(text).as_bytes() {
        [one] => is_lower(*one),
        [first, middle @ .., last] => {
            is_lower(*first)
                && is_lower(*last)
                && middle.iter().all(|byte| is_lower(*byte) || matches!(byte, b'-' | b'_'))
        }
        [] => false,
    }
}

pub(super) fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

/// A label of RFC 1123: `my-name`.
pub fn dns_label(text: &str) -> Messages {
    let mut messages = Messages::new();
    if text.len() > DNS_LABEL_MAX {
        messages.push(too_many_characters(DNS_LABEL_MAX));
    }
    if !is_label(text) {
        let dotted = is_subdomain(text);
        messages.push(if dotted { "must not contain dots" } else { LABEL }.into());
    }
    messages
}

/// A label of RFC 1035, which must begin with a letter: `my-name`.
pub fn dns_1035_label(text: &str) -> Messages {
    let mut messages = Messages::new();
    if text.len() > DNS_LABEL_MAX {
        messages.push(too_many_characters(DNS_LABEL_MAX));
    }
    if !is_label(text) || text.starts_with(|first: char| first.is_ascii_digit()) {
        messages.push(LABEL_1035.into());
    }
    messages
}

/// A subdomain of RFC 1123: `my.example.com`.
pub fn dns_subdomain(text: &str) -> Messages {
    subdomain(text, is_subdomain(text), SUBDOMAIN)
}

/// A subdomain that may have capitals: `My.Example.com`.
pub fn dns_subdomain_caseless(text: &str) -> Messages {
    subdomain(text, is_subdomain(&text.to_ascii_lowercase()), SUBDOMAIN_CASELESS)
}

/// A subdomain that may have underscores: `_my._tcp.example.com`.
pub fn dns_subdomain_with_underscore(text: &str) -> Messages {
    let fine = text.split('.').all(is_label_with_underscore);
    subdomain(text, fine, SUBDOMAIN_WITH_UNDERSCORE)
}

/// A subdomain below which any name is meant: `*.example.com` (RFC 1034, 4.3.3).
pub fn wildcard_dns_subdomain(text: &str) -> Messages {
    subdomain(text, text.strip_prefix("*.").is_some_and(is_subdomain), WILDCARD)
}

/// As [`dns_subdomain`], but the length is told in bytes: declarative validation's `k8s-long-name`, and the domain of a
/// label's key.
pub fn long_name(text: &str) -> Messages {
    let mut messages = Messages::new();
    if text.len() > DNS_SUBDOMAIN_MAX {
        messages.push(too_many_bytes(DNS_SUBDOMAIN_MAX));
    }
    if !is_subdomain(text) {
        messages.push(SUBDOMAIN.into());
    }
    messages
}

/// As [`dns_label`], but the length is told in bytes: declarative validation's `k8s-short-name`.
pub fn short_name(text: &str) -> Messages {
    let mut messages = dns_label(text);
    if text.len() > DNS_LABEL_MAX {
        messages[0] = too_many_bytes(DNS_LABEL_MAX);
    }
    messages
}

fn subdomain(text: &str, fine: bool, words: &'static str) -> Messages {
    let mut messages = Messages::new();
    if text.len() > DNS_SUBDOMAIN_MAX {
        messages.push(too_many_characters(DNS_SUBDOMAIN_MAX));
    }
    if !fine {
        messages.push(words.into());
    }
    messages
}
