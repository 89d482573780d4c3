//! Keys, identifiers and small numbers.

use super::{DNS_SUBDOMAIN_MAX, LABEL_VALUE_MAX, Messages, long_name, outside, too_many_bytes, too_many_characters};

const KEY: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric \
    character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must \
    start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
    '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const C_IDENTIFIER: &str = "a valid C identifier must start with alphabetic character or '_', followed by a string of \
    alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is \
    '[A-Za-z_][A-Za-z0-9_]*')";

const ENV_VAR_NAME: &str = "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and \
    must not start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is \
    '[-._a-zA-Z][-._a-zA-Z0-9]*')";

const CONFIG_MAP_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
    'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

const CONDITION_REASON: &str = "a condition reason must start with alphabetic character, optionally followed by a string of \
    alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or \
    'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')";

const PERCENT: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex \
    used for validation is '[0-9]+%')";

const HTTP_HEADER_NAME: &str = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex \
    used for validation is '[-A-Za-z0-9]+')";

/// The most bytes of a port's name (IANA's service names, RFC 6335).
const PORT_NAME_MAX: usize = 15;

const fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// `([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]`
fn is_key(text: &str) -> bool {
    match text.as_bytes() {
        [one] => one.is_ascii_alphanumeric(),
        [first, middle @ .., last] => {
            first.is_ascii_alphanumeric()
                && last.is_ascii_alphanumeric()
                && middle.iter().all(|byte| is_key_byte(*byte))
        }
        [] => false,
    }
}

/// The key of a label, with a domain or without: `example.com/name`.
pub fn qualified_name(key: &str) -> Messages {
    let (prefix, name) = match key.split_once('/') {
        None => (None, key),
        Some((_, name)) if name.contains('/') => {
            let tail = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a valid label key {KEY}{tail}").into()];
        }
        Some((prefix, name)) => (Some(prefix), name),
    };
    let mut messages = Messages::new();
    if let Some(prefix) = prefix {
        if prefix.is_empty() {
            messages.push("prefix part must be non-empty".into());
        } else {
            let wrong = long_name(prefix);
            messages.extend(wrong.iter().map(|message| format!("prefix part {message}").into()));
        }
    }
    if name.is_empty() {
        messages.push("name part must be non-empty".into());
    } else if name.len() > LABEL_VALUE_MAX {
        messages.push(format!("name part {}", too_many_bytes(LABEL_VALUE_MAX)).into());
    }
    if !is_key(name) {
        messages.push(format!("name part {KEY}").into());
    }
    messages
}

/// The key of a label, with a domain.
pub fn prefixed_qualified_name(key: &str) -> Messages {
    let messages = qualified_name(key);
    if messages.is_empty() && !key.contains('/') {
        return vec!["must include a prefix (e.g. 'example.com/key')".into()];
    }
    messages
}

/// The value of a label, which may be empty.
pub fn label_value(value: &str) -> Messages {
    let mut messages = Messages::new();
    if value.len() > LABEL_VALUE_MAX {
        messages.push(too_many_bytes(LABEL_VALUE_MAX));
    }
    if !value.is_empty() && !is_key(value) {
        messages.push(LABEL_VALUE.into());
    }
    messages
}

/// An identifier of C: `my_name`.
pub fn c_identifier(value: &str) -> Messages {
    let fine = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !value.is_empty()
        && !value.starts_with(|first: char| first.is_ascii_digit());
    unless(fine, C_IDENTIFIER)
}

/// The name of an environment variable by the strict rule.
pub fn env_var_name(value: &str) -> Messages {
    let fine =
        value.bytes().all(is_key_byte) && !value.is_empty() && !value.starts_with(|first: char| first.is_ascii_digit());
    let mut messages = unless(fine, ENV_VAR_NAME);
    messages.extend(upward(value));
    messages
}

/// The name of an environment variable by the rule that pods have: any printable ASCII but `=`.
pub fn env_var_name_relaxed(value: &str) -> Messages {
    let words = "a valid environment variable name must consist only of printable ASCII characters other than '='";
    if value.is_empty() {
        return vec!["environment variable name must be non-empty".into()];
    }
    unless(
        value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'='),
        words,
    )
}

/// A key of a config map or of a secret.
pub fn config_map_key(value: &str) -> Messages {
    let mut messages = Messages::new();
    if value.len() > DNS_SUBDOMAIN_MAX {
        messages.push(too_many_characters(DNS_SUBDOMAIN_MAX));
    }
    messages.extend(unless(
        !value.is_empty() && value.bytes().all(is_key_byte),
        CONFIG_MAP_KEY,
    ));
    messages.extend(upward(value));
    messages
}

/// A key becomes the name of a file: it must not lead out of its folder.
fn upward(value: &str) -> Messages {
    match value {
        "." => vec!["must not be '.'".into()],
        ".." => vec!["must not be '..'".into()],
        _ => unless(!value.starts_with(".."), "must not start with '..'"),
    }
}

/// The reason of a condition: `MinimumReplicasAvailable`.
pub fn condition_reason(value: &str) -> Messages {
    let fine = match value.as_bytes() {
        [first, .., last] => {
            let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            first.is_ascii_alphabetic()
                && word(*last)
                && value.bytes().all(|byte| word(byte) || matches!(byte, b',' | b':'))
        }
        [one] => one.is_ascii_alphabetic(),
        [] => false,
    };
    unless(fine, CONDITION_REASON)
}

/// The name of a port, an IANA service name in lower case: `http-alt`.
pub fn port_name(value: &str) -> Messages {
    let mut messages = Messages::new();
    if value.len() > PORT_NAME_MAX {
        messages.push(too_many_characters(PORT_NAME_MAX));
    }
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let words = "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
    messages.extend(unless(!value.is_empty() && value.bytes().all(allowed), words));
    let words = "must contain at least one letter (a-z)";
    messages.extend(unless(value.bytes().any(|byte| byte.is_ascii_lowercase()), words));
    messages.extend(unless(!value.contains("--"), "must not contain consecutive hyphens"));
    let words = "must not begin or end with a hyphen";
    messages.extend(unless(!value.starts_with('-') && !value.ends_with('-'), words));
    messages
}

/// The number of a port.
pub fn port_number(port: i64) -> Messages {
    in_range(port, 1, 65535)
}

/// A number between two, both included.
pub fn in_range(value: i64, least: i64, most: i64) -> Messages {
    if (least..=most).contains(&value) {
        Messages::new()
    } else {
        vec![outside(least, most)]
    }
}

/// The id of a Unix user.
pub fn user_id(id: i64) -> Messages {
    in_range(id, 0, i64::from(i32::MAX))
}

/// The id of a Unix group.
pub fn group_id(id: i64) -> Messages {
    in_range(id, 0, i64::from(i32::MAX))
}

/// A share: `93%`.
pub fn percent(value: &str) -> Messages {
    let digits = value.strip_suffix('%').unwrap_or_default();
    let fine = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    unless(fine, PERCENT)
}

/// The name of an HTTP header: `X-Header-Name`.
pub fn http_header_name(value: &str) -> Messages {
    let fine = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    unless(fine, HTTP_HEADER_NAME)
}

fn unless(fine: bool, words: &'static str) -> Messages {
    if fine { Messages::new() } else { vec![words.into()] }
}
