//! What a claim asks for: devices of a class, chosen by expressions, with what their drivers are to be told.

use std::collections::{BTreeMap, BTreeSet};

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;
use apiserver_cel::{Environment, Type};

use super::list::{each, each_named, each_string, fully_qualified_name, label};
use super::taint::validate_toleration;
use crate::text::{driver_name, required};

/// The most requests of a claim, and the most devices that it is given.
pub(super) const REQUESTS_MAX: usize = 32;
/// The most configurations of a claim or of a class.
pub(super) const CONFIG_MAX: usize = 32;
const CONSTRAINTS_MAX: usize = 32;
const SELECTORS_MAX: usize = 32;
const ALTERNATIVES_MAX: usize = 8;
/// The most bytes of an expression.
const EXPRESSION_MAX: usize = 10 << 10;
/// The most that an expression may cost.
const EXPRESSION_COST_MAX: u64 = 1_000_000;
/// The most bytes of what a driver is told.
const PARAMETERS_MAX: usize = 10 << 10;

/// One device unless more are asked for.
pub(super) fn default(devices: &mut Tree) {
    let requests = devices.get_mut("requests").and_then(Tree::as_list_mut);
    for request in requests.into_iter().flatten() {
        if let Some(exactly) = request.get_mut("exactly").filter(|exactly| !exactly.is_null()) {
            default_mode(exactly);
        }
        let alternatives = request.get_mut("firstAvailable").and_then(Tree::as_list_mut);
        alternatives.into_iter().flatten().for_each(default_mode);
    }
}

fn default_mode(request: &mut Tree) {
    if request.text("allocationMode").is_empty() {
        request.set("allocationMode", "ExactCount");
    }
    if request.text("allocationMode") == "ExactCount" && request.int("count") == 0 {
        request.set("count", 1_i64);
    }
}

/// The names of requests, and of the alternatives of those that have some.
pub(super) struct Names<'c>(BTreeMap<&'c str, BTreeSet<&'c str>>);

impl<'c> Names<'c> {
    /// Those of a claim's devices.
    pub(super) fn of(devices: &'c Tree) -> Self {
        let names = devices.items("requests").iter().map(|request| {
            let alternatives = request.items("firstAvailable").iter();
            (request.text("name"), alternatives.map(|one| one.text("name")).collect())
        });
        Self(names.collect())
    }

    /// A reference to a request or to an alternative.
    pub(super) fn validate(&self, path: &Path<'_>, name: &str, refusals: &mut Refusals) {
        let detail =
            "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
        let parts: Vec<&str> = name.split('/').collect();
        if parts.len() > 2 {
            return refusals.invalid(path, name, detail);
        }
        for part in &parts {
            label(path, part, refusals);
        }
        let known = match parts[..] {
            [request, alternative] => self.0.get(request).is_some_and(|known| known.contains(alternative)),
            _ => self.0.contains_key(name),
        };
        if !known {
            refusals.invalid(path, name, detail);
        }
    }
}

/// The devices of a claim's spec.
pub(super) fn validate(path: &Path<'_>, devices: &Tree, refusals: &mut Refusals) {
    let names = Names::of(devices);
    let requests = (devices.items("requests"), "name");
    each_named(
        &path.field("requests"),
        requests,
        REQUESTS_MAX,
        refusals,
        validate_request,
    );
    let constraints = devices.items("constraints");
    each(
        &path.field("constraints"),
        constraints,
        CONSTRAINTS_MAX,
        refusals,
        |path, one, refusals| {
            validate_names(path, one, &names, refusals);
            if let Some(name) = one.at("matchAttribute").as_str() {
                fully_qualified_name(&path.field("matchAttribute"), name, refusals);
            } else if let Some(name) = one.at("distinctAttribute").as_str() {
                fully_qualified_name(&path.field("distinctAttribute"), name, refusals);
            } else {
                let detail = r#"exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set"#;
                refusals.required(path, detail);
            }
        },
    );
    let config = devices.items("config");
    each(
        &path.field("config"),
        config,
        CONFIG_MAX,
        refusals,
        |path, one, refusals| {
            validate_names(path, one, &names, refusals);
            validate_config(path, one, refusals);
        },
    );
}

/// The requests that something is for.
pub(super) fn validate_names(path: &Path<'_>, one: &Tree, names: &Names<'_>, refusals: &mut Refusals) {
    let requests = one.items("requests");
    each_string(
        &path.field("requests"),
        requests,
        REQUESTS_MAX,
        refusals,
        |path, name, refusals| {
            names.validate(path, name, refusals);
        },
    );
}

fn validate_request(path: &Path<'_>, request: &Tree, refusals: &mut Refusals) {
    label(&path.field("name"), request.text("name"), refusals);
    let alternatives = request.items("firstAvailable");
    match (request.has("exactly"), alternatives.is_empty()) {
        (false, true) => {
            refusals.required(path, "exactly one of `exactly` or `firstAvailable` is required");
        }
        (true, false) => {
            let detail = "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set";
            refusals.invalid(path, &Tree::Null, detail);
        }
        (true, true) => validate_wanted(&path.field("exactly"), request.at("exactly"), refusals),
        (false, false) => {
            let (path, alternatives) = (path.field("firstAvailable"), (alternatives, "name"));
            each_named(
                &path,
                alternatives,
                ALTERNATIVES_MAX,
                refusals,
                |path, one, refusals| {
                    label(&path.field("name"), one.text("name"), refusals);
                    validate_wanted(path, one, refusals);
                },
            );
        }
    }
}

/// A class, how many of it, and which.
fn validate_wanted(path: &Path<'_>, wanted: &Tree, refusals: &mut Refusals) {
    let class = wanted.text("deviceClassName");
    required(&path.field("deviceClassName"), class, names::dns_subdomain, refusals);
    validate_selectors(&path.field("selectors"), wanted.items("selectors"), refusals);
    let (count, count_path) = (wanted.int("count"), path.field("count"));
    match wanted.text("allocationMode") {
        "All" if count != 0 => {
            refusals.invalid(&count_path, count, "must not be specified when allocationMode is 'All'");
        }
        "ExactCount" if count <= 0 => refusals.invalid(&count_path, count, "must be greater than zero"),
        "All" | "ExactCount" => {}
        other => refusals.not_supported(&path.field("allocationMode"), other, &["All", "ExactCount"]),
    }
    let tolerations = path.field("tolerations");
    for (at, toleration) in wanted.items("tolerations").iter().enumerate() {
        validate_toleration(&tolerations.index(at), toleration, refusals);
    }
}

/// Expressions that choose devices.
pub(super) fn validate_selectors(path: &Path<'_>, selectors: &[Tree], refusals: &mut Refusals) {
    each(path, selectors, SELECTORS_MAX, refusals, |path, selector, refusals| {
        let cel = path.field("cel");
        if !selector.has("cel") {
            return refusals.required(&cel, "");
        }
        let (text, path) = (selector.at("cel").text("expression"), cel.field("expression"));
        if text.len() > EXPRESSION_MAX {
            refusals.too_long(&path, EXPRESSION_MAX);
        } else {
            validate_expression(&path, text, refusals);
        }
    });
}

/// An expression that says yes or no of a device.
fn validate_expression(path: &Path<'_>, text: &str, refusals: &mut Refusals) {
    let environment = Environment::device();
    let compiled = match environment.compile(text) {
        Ok(compiled) => compiled,
        Err(wrong) => return refusals.invalid(path, text, &format!("compilation failed: {wrong}")),
    };
    let found = compiled.output();
    if !matches!(found, Type::Bool | Type::Any) {
        let detail = format!("must evaluate to bool or the unknown type, not {found}");
        refusals.invalid(path, text, &detail);
    } else if let Some(fault) = compiled.fault() {
        refusals.internal(path, &format!("program instantiation failed: {fault}"));
    } else if environment.cost(&compiled) > EXPRESSION_COST_MAX {
        refusals.forbidden(path, "too complex, exceeds cost limit");
    }
}

/// What a driver is told.
pub(super) fn validate_config(path: &Path<'_>, config: &Tree, refusals: &mut Refusals) {
    let (opaque, path) = (config.at("opaque"), path.field("opaque"));
    if opaque.is_null() {
        return refusals.required(&path, "");
    }
    driver_name(&path.field("driver"), opaque.text("driver"), refusals);
    validate_raw(
        &path.field("parameters"),
        opaque.at("parameters"),
        PARAMETERS_MAX,
        refusals,
    );
}

/// An object of any fields, and of limited size.
pub(super) fn validate_raw(path: &Path<'_>, raw: &Tree, most: usize, refusals: &mut Refusals) {
    match raw {
        Tree::Null => refusals.required(path, ""),
        raw if raw.to_json().len() > most => refusals.too_long(path, most),
        Tree::Map(_) => {}
        _ => refusals.invalid(path, "<value omitted>", "must be a valid JSON object"),
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;

    use super::{default, validate};
    use crate::trial::tree;

    const EXACTLY: &str = r#"{"name":"r","exactly":{"deviceClassName":"c"}}"#;

    fn told(devices: &str) -> Vec<String> {
        let mut devices = tree(devices);
        default(&mut devices);
        let mut refusals = Refusals::new();
        validate(&Path::of("devices"), &devices, &mut refusals);
        refusals.iter().map(|refusal| refusal.field.clone()).collect()
    }

    #[test]
    fn a_request_is_for_one_class_or_the_first_of_several() {
        let field = "devices.requests[0]";
        for (request, wrong) in [
            (EXACTLY, vec![]),
            (r#"{"name":"r"}"#, vec![field.to_owned()]),
            (
                r#"{"name":"r","firstAvailable":[{"name":"s","deviceClassName":"c"}]}"#,
                vec![],
            ),
            (
                r#"{"name":"r","exactly":{"deviceClassName":"c","allocationMode":"All","count":1}}"#,
                vec![format!("{field}.exactly.count")],
            ),
            (
                r#"{"name":"A","exactly":{"selectors":[{}]}}"#,
                vec![
                    format!("{field}.name"),
                    format!("{field}.exactly.deviceClassName"),
                    format!("{field}.exactly.selectors[0].cel"),
                ],
            ),
        ] {
            assert_eq!(told(&format!(r#"{{"requests":[{request}]}}"#)), wrong, "{request}");
        }
        assert_eq!(
            told(&format!(r#"{{"requests":[{EXACTLY},{EXACTLY}]}}"#)),
            ["devices.requests[1]"]
        );
    }

    #[test]
    fn constraints_and_configurations_are_for_requests_that_there_are() {
        for (more, wrong) in [
            (r#""constraints":[{"requests":["r"],"matchAttribute":"d.io/a"}]"#, 0),
            (r#""constraints":[{"requests":["r/s"],"matchAttribute":"d.io/a"}]"#, 1),
            (r#""constraints":[{"requests":["x"]}]"#, 2),
            (
                r#""config":[{"requests":["r"],"opaque":{"driver":"d.io","parameters":{"a":1}}}]"#,
                0,
            ),
            (
                r#""config":[{"requests":["a/b/c"],"opaque":{"driver":"d.io","parameters":"x"}}]"#,
                2,
            ),
            (r#""config":[{}]"#, 1),
        ] {
            let told = told(&format!(r#"{{"requests":[{EXACTLY}],{more}}}"#));
            assert_eq!(told.len(), wrong, "{more}: {told:?}");
        }
    }

    #[test]
    fn selectors_say_yes_or_no_of_a_device_at_a_bounded_cost() {
        let told = |expression: &str| {
            let mut refusals = Refusals::new();
            super::validate_expression(&Path::of("e"), expression, &mut refusals);
            refusals.iter().map(ToString::to_string).collect::<String>()
        };
        for good in [
            "device.driver == 'd.example.com' && device.allowMultipleAllocations",
            "device.attributes['d.io'].healthy",
            "cel.bind(d, device.attributes['d.io'], d.model == 'a' && d.size > 3)",
            "device.capacity['d.io'].memory.isGreaterThan(quantity('1Gi'))",
            "device.attributes['d.io'].version.isLessThan(semver('1.2.3'))",
            "'d.io' in device.attributes && 'x' in device.attributes['d.io']",
        ] {
            assert_eq!(told(good), "", "{good}");
        }
        for (wrong, expected) in [
            (
                "",
                "e: Invalid value: \"\": compilation failed: ERROR: <input>:1:0: Syntax error: mismatched input '<EOF>' expecting \
              {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}",
            ),
            (
                "1",
                r#"e: Invalid value: "1": must evaluate to bool or the unknown type, not int"#,
            ),
            (
                "device.driver.find('(') == ''",
                "e: Internal error: program instantiation failed: error parsing regexp: missing closing ): `(`",
            ),
            (
                "device.drivers",
                "e: Invalid value: \"device.drivers\": compilation failed: ERROR: <input>:1:7: undefined field \
              'drivers'\n | device.drivers\n | ......^",
            ),
            (
                "device.attributes.all(a, device.attributes.all(b, device.attributes.all(c, device.attributes.all(d, a + b == c + d))))",
                "e: Forbidden: too complex, exceeds cost limit",
            ),
        ] {
            assert_eq!(told(wrong), expected, "{wrong}");
        }
    }
}
