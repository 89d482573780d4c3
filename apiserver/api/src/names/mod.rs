//! What names, keys and small values may look like, and what clients are told where they do not.
//!
//! The rules and the words are those of upstream's `util/validation` and `api/validate/content`. Each check returns what is
//! wrong, nothing where all is well; it allocates only to complain. Label keys and values count in bytes where everything
//! else counts in "characters", which are bytes too: the words differ because upstream's do.

mod dns;
mod domain;
mod ip;
mod words;

use std::borrow::Cow;

pub use dns::{
    dns_1035_label, dns_label, dns_subdomain, dns_subdomain_caseless, dns_subdomain_with_underscore, long_name,
    short_name, wildcard_dns_subdomain,
};
pub use domain::{domain_prefixed_key, domain_prefixed_path, fully_qualified_domain_name, fully_qualified_name};
pub use ip::{
    Cidr, Ip, cidr, cidr_canonical, cidr_warnings, interface_address, ip, ip_canonical, ip_v4, ip_v6, ip_warning,
    parse_cidr_sloppy, parse_ip_sloppy,
};
pub use words::{
    c_identifier, condition_reason, config_map_key, env_var_name, env_var_name_relaxed, group_id, http_header_name,
    in_range, label_value, percent, port_name, port_number, prefixed_qualified_name, qualified_name, user_id,
};

/// What is wrong with a value, in upstream's words; empty where it is fine.
pub type Messages = Vec<Cow<'static, str>>;

/// How the names of a kind are checked. The flag says that something will be appended to the name (`generateName`).
pub type NameRule = fn(&str, bool) -> Messages;

/// The most bytes that a DNS label may have (RFC 1123, RFC 1035).
pub const DNS_LABEL_MAX: usize = 63;
/// The most bytes that a DNS subdomain may have (RFC 1123).
pub const DNS_SUBDOMAIN_MAX: usize = 253;
/// The most bytes that the value of a label may have, and the name part of its key.
pub const LABEL_VALUE_MAX: usize = 63;

/// Names that must be DNS subdomains: of most kinds.
pub fn name_is_dns_subdomain(name: &str, prefix: bool) -> Messages {
    masked(name, prefix, dns_subdomain)
}

/// Names that must be DNS labels of RFC 1123: of namespaces.
pub fn name_is_dns_label(name: &str, prefix: bool) -> Messages {
    masked(name, prefix, dns_label)
}

/// Names that must be DNS labels of RFC 1035: of services.
pub fn name_is_dns_1035_label(name: &str, prefix: bool) -> Messages {
    masked(name, prefix, dns_1035_label)
}

/// Names that must only be fit for a path: of RBAC's kinds.
pub fn name_is_path_segment(name: &str, prefix: bool) -> Messages {
    if prefix {
        path_segment_prefix(name)
    } else {
        path_segment(name)
    }
}

/// Whether a name can stand in a URL and in a key of the store; it may be empty and of any length.
pub fn path_segment(name: &str) -> Messages {
    match name {
        "." => vec!["may not be '.'".into()],
        ".." => vec!["may not be '..'".into()],
        _ => path_segment_prefix(name),
    }
}

/// Whether what is generated from this can stand in a URL and in a key of the store.
pub fn path_segment_prefix(name: &str) -> Messages {
    let mut messages = Messages::new();
    if name.contains('/') {
        messages.push("may not contain '/'".into());
    }
    if name.contains('%') {
        messages.push("may not contain '%'".into());
    }
    messages
}

/// Checks a prefix as if its last dash were a letter, since a name may not end with one. Like upstream, this takes away the
/// letter before the dash as well, so that one is not checked.
fn masked(name: &str, prefix: bool, check: fn(&str) -> Messages) -> Messages {
    if prefix && name.len() > 1 && name.ends_with('-') {
        // Where a letter of several bytes stands before the dash the name is refused as it is.
        if let Some(kept) = name.get(..name.len() - 2) {
            return check(&format!("{kept}a"));
        }
    }
    check(name)
}

/// More than so many bytes, which upstream calls characters.
fn too_many_characters(most: usize) -> Cow<'static, str> {
    format!("must be no more than {most} characters").into()
}

/// More than so many bytes.
fn too_many_bytes(most: usize) -> Cow<'static, str> {
    format!("must be no more than {most} bytes").into()
}

/// A number outside of its bounds.
fn outside(least: i64, most: i64) -> Cow<'static, str> {
    format!("must be between {least} and {most}, inclusive").into()
}

#[cfg(test)]
mod tests;
