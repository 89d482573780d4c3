//! Lists of limited length whose items are told apart, and the names that stand in them.

use std::collections::BTreeSet;

use apiserver_api::go::quote;
use apiserver_api::names::{self, Messages};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::text::{driver_name, tell};

/// The most bytes of the name of an attribute or of a capacity, without its domain.
const ID_MAX: usize = 32;
/// The most bytes of such a name with its domain.
pub(super) const QUALIFIED_MAX: usize = 63 + 1 + ID_MAX;
/// The most bytes of a pool's name.
const POOL_MAX: usize = names::DNS_SUBDOMAIN_MAX;

/// Checks the items of a list, none of them where it is too long.
pub(super) fn each(
    path: &Path<'_>,
    items: &[Tree],
    most: usize,
    refusals: &mut Refusals,
    mut check: impl FnMut(&Path<'_>, &Tree, &mut Refusals),
) -> bool {
    if items.len() > most {
        refusals.too_many(path, items.len(), most);
        return false;
    }
    for (at, item) in items.iter().enumerate() {
        check(&path.index(at), item, refusals);
    }
    true
}

/// The same for a list of which no two items may have the same name.
pub(super) fn each_named(
    path: &Path<'_>,
    (items, key): (&[Tree], &str),
    most: usize,
    refusals: &mut Refusals,
    check: impl FnMut(&Path<'_>, &Tree, &mut Refusals),
) {
    if each(path, items, most, refusals, check) {
        unique(path, items.iter().map(|item| item.text(key)), refusals);
    }
}

/// The same for a list of strings.
pub(super) fn each_string(
    path: &Path<'_>,
    items: &[Tree],
    most: usize,
    refusals: &mut Refusals,
    check: impl Fn(&Path<'_>, &str, &mut Refusals),
) {
    let text = |item: &Tree| item.as_str().unwrap_or_default().to_owned();
    if each(path, items, most, refusals, |path, item, refusals| {
        check(path, &text(item), refusals);
    }) {
        unique(
            path,
            items.iter().map(|item| item.as_str().unwrap_or_default()),
            refusals,
        );
    }
}

/// Tells of names that are there already.
pub(super) fn unique<'n>(path: &Path<'_>, names: impl Iterator<Item = &'n str>, refusals: &mut Refusals) {
    let mut seen = BTreeSet::new();
    for (at, name) in names.enumerate() {
        if !seen.insert(name) {
            refusals.duplicate(&path.index(at), name);
        }
    }
}

/// A name that must be a label: of requests, devices, counters.
pub(super) fn label(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    tell(path, name, names::dns_label(name), refusals);
}

/// A pool's name: domains between slashes.
pub(super) fn pool_name(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    if name.is_empty() {
        return refusals.required(path, "");
    }
    if name.len() > POOL_MAX {
        refusals.too_long(path, POOL_MAX);
    }
    for part in name.split('/') {
        tell(path, part, names::dns_subdomain(part), refusals);
    }
}

/// The name of an attribute or of a capacity: an identifier, with the domain of who gave it or without.
pub(super) fn qualified_name(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    let parts: Vec<&str> = name.split('/').collect();
    match parts[..] {
        [id] => identifier(path, id, refusals),
        [domain, id] => {
            if domain.is_empty() {
                refusals.invalid(path, "", "the domain must not be empty");
            } else {
                driver_name(path, domain, refusals);
            }
            if id.is_empty() {
                refusals.invalid(path, "", "the name must not be empty");
            } else {
                identifier(path, id, refusals);
            }
        }
        _ => {}
    }
}

/// The same with a domain.
pub(super) fn fully_qualified_name(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    qualified_name(path, name, refusals);
    if !name.contains('/') {
        let detail = "a fully qualified name must be a domain and a name separated by a slash";
        refusals.invalid(path, name, detail);
    }
}

fn identifier(path: &Path<'_>, id: &str, refusals: &mut Refusals) {
    if id.len() > ID_MAX {
        refusals.too_long(path, ID_MAX);
    }
    tell(path, id, names::c_identifier(id), refusals);
}

/// The part of an allocated device that a claim shares with others.
pub(super) fn share_id(path: &Path<'_>, id: &str, refusals: &mut Refusals) {
    let messages: Messages = if let Some(wrong) = uuid_mistake(id) {
        vec![format!("error validating uid: {wrong}").into()]
    } else if id.len() != 36 || id.bytes().any(|byte| byte.is_ascii_uppercase()) {
        vec![
            "uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal \
             characters"
                .into(),
        ]
    } else {
        Messages::new()
    };
    tell(path, id, messages, refusals);
}

/// What is wrong with a UUID in any of its forms: plain, with a prefix, in braces, or only digits.
fn uuid_mistake(id: &str) -> Option<String> {
    let format = || Some("invalid UUID format".to_owned());
    let body = match id.len() {
        36 => id,
        45 if id.get(..9).is_some_and(|head| head.eq_ignore_ascii_case("urn:uuid:")) => id.get(9..)?,
        45 => {
            return Some(format!(
                "invalid urn prefix: {}",
                quote(id.get(..9).unwrap_or_default())
            ));
        }
        38 if id.starts_with('{') && id.ends_with('}') => id.get(1..37)?,
        38 => return Some("invalid bracketed UUID format".to_owned()),
        32 => {
            return if id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                None
            } else {
                format()
            };
        }
        length => return Some(format!("invalid UUID length: {length}")),
    };
    let dashes = [8, 13, 18, 23];
    let sound = body.bytes().enumerate().all(|(at, byte)| {
        if dashes.contains(&at) {
            byte == b'-'
        } else {
            byte.is_ascii_hexdigit()
        }
    });
    if sound { None } else { format() }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;

    use super::{each_string, fully_qualified_name, label, pool_name, share_id};
    use crate::trial::tree;

    type Check = fn(&Path<'_>, &str, &mut Refusals);

    #[test]
    fn names_are_told_when_they_are_wrong() {
        let (pool, name, id): (Check, Check, Check) = (pool_name, fully_qualified_name, share_id);
        for (check, text, wrong) in [
            (pool, "a/b.c", 0),
            (pool, "", 1),
            (pool, "a//B", 2),
            (name, "d.example.com/model", 0),
            (name, "model", 1),
            (name, "/", 2),
            (name, "d/a-b", 1),
            (id, "00000000-0000-0000-0000-00000000000a", 0),
            (id, "00000000-0000-0000-0000-00000000000A", 1),
            (id, "0000000000000000000000000000000a", 1),
            (id, "x", 1),
        ] {
            let mut refusals = Refusals::new();
            check(&Path::of("name"), text, &mut refusals);
            assert_eq!(refusals.len(), wrong, "{text}: {refusals}");
        }
    }

    #[test]
    fn a_list_that_is_too_long_is_not_read() {
        for (list, wrong) in [
            (r#"["a"]"#, 0),
            (r#"["a","a"]"#, 1),
            (r#"["A","B","C"]"#, 1),
            (r#"["A"]"#, 1),
        ] {
            let mut refusals = Refusals::new();
            let list = tree(list);
            each_string(&Path::of("list"), list.as_list().unwrap(), 2, &mut refusals, label);
            assert_eq!(refusals.len(), wrong, "{list:?}");
        }
    }
}
