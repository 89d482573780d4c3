//! A device of a slice: what it is, what it can give, who may use it and where it is.

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Map, Tree};

use super::list::{QUALIFIED_MAX, each, each_named, label, qualified_name};
use super::{binding, capacity, taint};
use crate::check::same_at;
use crate::internal::shown;
use crate::node_selector;
use crate::text::{required, tell};

/// The most attributes and capacities together, and the most attributes with several values counted.
const NAMES_MAX: usize = 32;
const VALUES_MAX: usize = 48;
/// The most bytes of an attribute.
const VALUE_MAX: usize = 64;
const TAINTS_MAX: usize = 16;
const COUNTERS_MAX: usize = 32;
const CONSUMED_MAX: usize = 2;
/// What attributes have that are lists.
const LISTS: [&str; 4] = ["bools", "ints", "strings", "versions"];
const MAPPINGS: &str = "nodeAllocatableResourceMappings";
const ONE_PLACE: &str = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when \
                         `perDeviceNodeSelection` is set to true in the ResourceSlice spec";

/// An attribute as messages show it.
const DEVICE: &str = "io.k8s.api.resource.v1.Device";
const ATTRIBUTE: &str = "io.k8s.api.resource.v1.DeviceAttribute";

/// What of the fields whose features are off as released a slice has already.
pub(super) struct Gated {
    lists: bool,
    mappings: bool,
}

impl Gated {
    /// That of devices.
    pub(super) fn of(devices: &[Tree]) -> Self {
        let lists = |attribute: &Tree| LISTS.iter().any(|field| attribute.has(field));
        let attributes = |device: &Tree| device.entries("attributes").iter().any(|(_, one)| lists(one));
        Self {
            lists: devices.iter().any(attributes),
            mappings: devices.iter().any(|device| !device.entries(MAPPINGS).is_empty()),
        }
    }

    /// Clears the others.
    pub(super) fn clear(&self, device: &mut Tree) {
        if !self.mappings {
            device.remove(MAPPINGS);
        }
        let attributes = device.get_mut("attributes").and_then(Tree::as_map_mut);
        for (_, attribute) in attributes.filter(|_| !self.lists).into_iter().flat_map(Map::iter_mut) {
            for field in LISTS {
                attribute.remove(field);
            }
        }
    }
}

/// Checks a device; what did not change since `old` is not looked at again where that may cost much. `chosen` says that
/// each device of the slice says where it is.
pub(super) fn validate(path: &Path<'_>, device: &Tree, old: Option<&Tree>, chosen: bool, refusals: &mut Refusals) {
    label(&path.field("name"), device.text("name"), refusals);
    let (attributes, capacities) = (device.entries("attributes"), device.entries("capacity"));
    validate_counts(path, attributes, capacities.len(), refusals);
    let at = path.field("attributes");
    for (name, attribute) in attributes.iter() {
        qualified_name(&at, name, refusals);
        validate_attribute(&at.key(&shortened(name)), attribute, refusals);
    }
    let changed = |field: &str| old.is_none_or(|old| !same_at(DEVICE, &[field], device, old));
    if changed("capacity") {
        let (at, shared) = (path.field("capacity"), device.flag("allowMultipleAllocations"));
        for (name, one) in capacities.iter() {
            qualified_name(&at, name, refusals);
            capacity::validate(&at.key(&shortened(name)), one, shared, refusals);
        }
    }
    if changed("taints") {
        each(
            &path.field("taints"),
            device.items("taints"),
            TAINTS_MAX,
            refusals,
            |path, one, refusals| {
                taint::validate(path, one, None, refusals);
            },
        );
    }
    let consumed = (device.items("consumesCounters"), "counterSet");
    each_named(
        &path.field("consumesCounters"),
        consumed,
        CONSUMED_MAX,
        refusals,
        |path, one, refusals| {
            let set = one.text("counterSet");
            required(&path.field("counterSet"), set, names::dns_label, refusals);
            validate_counters(&path.field("counters"), one.entries("counters"), refusals);
        },
    );
    validate_place(path, device, chosen, refusals);
    binding::validate(path, device, refusals);
}

fn validate_counts(path: &Path<'_>, attributes: &Map, capacities: usize, refusals: &mut Refusals) {
    let names = attributes.len() + capacities;
    if names > NAMES_MAX {
        let detail = format!("the total number of attributes and capacities must not exceed {NAMES_MAX}");
        refusals.invalid(path, names, &detail);
    }
    let count = |attribute: &Tree| {
        LISTS
            .iter()
            .map(|field| attribute.items(field).len())
            .sum::<usize>()
            .max(1)
    };
    let values = attributes.iter().map(|(_, attribute)| count(attribute)).sum::<usize>();
    if values > VALUES_MAX {
        let detail = format!("the total number of attribute values must not exceed {VALUES_MAX}");
        refusals.invalid(path, values, &detail);
    }
}

/// A key as paths show it: its middle left out where it is too long.
fn shortened(key: &str) -> String {
    let rest = QUALIFIED_MAX - 3;
    let (head, tail) = (rest.div_ceil(2), key.len().saturating_sub(rest / 2));
    match (key.get(..head), key.get(tail..)) {
        (Some(head), Some(tail)) if key.len() > QUALIFIED_MAX => format!("{head}...{tail}"),
        _ => key.to_owned(),
    }
}

fn validate_attribute(path: &Path<'_>, attribute: &Tree, refusals: &mut Refusals) {
    for (field, list, version) in [("string", "strings", false), ("version", "versions", true)] {
        if let Some(value) = attribute.at(field).as_str() {
            validate_value(&path.field(field), value, version, refusals);
        }
        let path = path.field(list);
        for (at, value) in attribute.items(list).iter().enumerate() {
            validate_value(&path.index(at), value.as_str().unwrap_or_default(), version, refusals);
        }
    }
    let fields = ["int", "bool", "string", "version"].into_iter().chain(LISTS);
    match fields.filter(|field| attribute.has(field)).count() {
        0 => refusals.invalid(path, "", "exactly one value must be specified"),
        1 => {}
        _ => refusals.invalid(path, shown(ATTRIBUTE, attribute), "exactly one value must be specified"),
    }
}

fn validate_value(path: &Path<'_>, value: &str, version: bool, refusals: &mut Refusals) {
    if version && !is_version(value) {
        refusals.invalid(path, value, "must be a string compatible with semver.org spec 2.0.0");
    }
    if value.len() > VALUE_MAX {
        refusals.too_long(path, VALUE_MAX);
    }
}

/// Whether a string is a version by semver.org: `1.2.3-rc.1+build.5`.
fn is_version(text: &str) -> bool {
    let (text, build) = text
        .split_once('+')
        .map_or((text, None), |(text, build)| (text, Some(build)));
    let (core, pre) = text
        .split_once('-')
        .map_or((text, None), |(core, pre)| (core, Some(pre)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let number = |part: &str| digits(part) && (part.len() == 1 || !part.starts_with('0'));
    let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    core.split('.').count() == 3
        && core.split('.').all(number)
        && pre.is_none_or(|pre| pre.split('.').all(|part| word(part) && (!digits(part) || number(part))))
        && build.is_none_or(|build| build.split('.').all(word))
}

/// Counters, of which there is one at least.
pub(super) fn validate_counters(path: &Path<'_>, counters: &Map, refusals: &mut Refusals) {
    if counters.is_empty() {
        return refusals.required(path, "");
    }
    if counters.len() > COUNTERS_MAX {
        return refusals.too_many(path, counters.len(), COUNTERS_MAX);
    }
    for name in counters.keys() {
        label(path, name, refusals);
    }
}

/// Where a device is, if the slice leaves that to its devices.
fn validate_place(path: &Path<'_>, device: &Tree, chosen: bool, refusals: &mut Refusals) {
    if !chosen {
        if ["nodeName", "nodeSelector", "allNodes"]
            .iter()
            .any(|field| device.has(field))
        {
            let detail = "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to \
                          true in the ResourceSlice spec";
            refusals.invalid(path, &Tree::Null, detail);
        }
        return;
    }
    let mut ways = Vec::new();
    match device.at("nodeName").as_str() {
        Some("") => refusals.invalid(&path.field("nodeName"), "", "must not be empty"),
        Some(node) => {
            ways.push("`nodeName`");
            tell(&path.field("nodeName"), node, names::dns_subdomain(node), refusals);
        }
        None => {}
    }
    if device.has("nodeSelector") {
        ways.push("`nodeSelector`");
        node_selector::validate(&path.field("nodeSelector"), device.at("nodeSelector"), false, refusals);
    }
    match device.at("allNodes").as_bool() {
        Some(true) => ways.push("`allNodes`"),
        Some(false) => refusals.invalid(&path.field("allNodes"), false, "must be either unset or set to true"),
        None => {}
    }
    if ways.is_empty() {
        refusals.required(path, ONE_PLACE);
    } else if ways.len() > 1 {
        refusals.invalid(path, &*format!("{{{}}}", ways.join(", ")), ONE_PLACE);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;

    use super::{is_version, shortened, validate};
    use crate::trial::tree;

    fn wrong(device: &str, chosen: bool) -> usize {
        let mut refusals = Refusals::new();
        validate(&Path::of("device"), &tree(device), None, chosen, &mut refusals);
        refusals.len()
    }

    #[test]
    fn a_device_says_each_thing_once_and_soundly() {
        for (device, count) in [
            (
                r#"{"name":"d","attributes":{"a":{"int":1},"d.io/b":{"version":"1.0.0"}}}"#,
                0,
            ),
            (r#"{"name":"D","attributes":{"a-b":{},"c":{"int":1,"bool":true}}}"#, 4),
            (r#"{"name":"d","attributes":{"a":{"version":"1.0"}}}"#, 1),
            (r#"{"name":"d","capacity":{"c":{"value":"1"}}}"#, 0),
            (r#"{"name":"d","capacity":{"c":{"value":"1","requestPolicy":{}}}}"#, 1),
            (r#"{"name":"d","taints":[{"key":"k","effect":"None"}]}"#, 0),
            (
                r#"{"name":"d","consumesCounters":[{"counterSet":"c","counters":{"a":{}}}]}"#,
                0,
            ),
            (r#"{"name":"d","consumesCounters":[{}]}"#, 2),
            (r#"{"name":"d","allNodes":true}"#, 1),
        ] {
            assert_eq!(wrong(device, false), count, "{device}");
        }
        let many: Vec<String> = (0..50).map(|at| format!(r#""a{at}":{{"int":1}}"#)).collect();
        assert_eq!(
            wrong(&format!(r#"{{"name":"d","attributes":{{{}}}}}"#, many.join(",")), false),
            2
        );
    }

    #[test]
    fn a_device_says_where_it_is_if_its_slice_does_not() {
        for (device, count) in [
            (r#"{"name":"d","nodeName":"n"}"#, 0),
            (r#"{"name":"d","allNodes":true,"nodeName":"n"}"#, 1),
            (r#"{"name":"d","nodeName":""}"#, 2),
            (r#"{"name":"d"}"#, 1),
        ] {
            assert_eq!(wrong(device, true), count, "{device}");
        }
    }

    #[test]
    fn versions_are_semantic() {
        for (text, is) in [
            ("1.2.3", true),
            ("1.2.3-rc.1+b.01", true),
            ("1.2", false),
            ("01.2.3", false),
            ("1.2.3-01", false),
            ("1.2.3-", false),
        ] {
            assert_eq!(is_version(text), is, "{text}");
        }
        assert_eq!(shortened(&"a".repeat(97)).len(), 96);
    }
}
