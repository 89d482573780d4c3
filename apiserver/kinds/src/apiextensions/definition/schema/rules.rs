//! Rules of schemas: expressions that are compiled with the types of what they stand at, and bounded in what they cost.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;
use apiserver_cel::names::escape;
use apiserver_cel::{Declared, Environment, Type};

use super::super::shown;
use super::declared::declared;

/// The most that one expression may cost over all values that it is run for.
const COST_MAX: u64 = 10_000_000;
/// The most that all expressions of a schema may cost.
const TOTAL_COST_MAX: u64 = 100_000_000;
/// How many of the most expensive expressions are told.
const TOLD_MAX: usize = 4;
/// The largest request.
const REQUEST_MAX: u64 = 3 << 20;
/// What the object at hand is called in messages.
const NAME: &str = "selfType";

/// What is found in the rules of a schema.
pub(super) struct Rules<'r> {
    /// Paths of what is wrong in the schema itself, sorted; rules at and above them are not compiled.
    wrong: &'r [String],
    /// Whether each expression is bounded by itself.
    costs: bool,
    total: u64,
    /// The most expensive expressions, by path.
    dear: Vec<(String, u64)>,
    found: Refusals,
}

/// Where a schema stands.
#[derive(Clone, Copy)]
struct Place<'p> {
    /// What rules see here, if that follows from the schema around.
    declared: Option<&'p Declared>,
    is_object: bool,
    /// How many values of this there may be in an object; nothing if nothing bounds it.
    count: Option<u64>,
    /// The outermost schema within which old values cannot be found.
    uncorrelated: Option<&'p Path<'p>>,
}

/// Checks the rules of a schema and of those within it. `wrong` is sorted.
pub(super) fn validate(path: &Path<'_>, schema: &Tree, wrong: &[String], costs: bool, refusals: &mut Refusals) {
    let mut rules = Rules {
        wrong,
        costs,
        total: 0,
        dear: Vec::new(),
        found: Refusals::new(),
    };
    let root = Place {
        declared: None,
        is_object: true,
        count: Some(1),
        uncorrelated: None,
    };
    rules.walk(path, schema, root);
    refusals.extend(rules.found);
    if rules.total <= TOTAL_COST_MAX {
        return;
    }
    for (path, _) in &rules.dear {
        let detail = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
        refusals.forbidden(&Path::of(path), detail);
    }
    let what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
    refusals.forbidden(path, &too_dear(what, rules.total, TOTAL_COST_MAX));
}

impl Rules<'_> {
    fn walk(&mut self, path: &Path<'_>, schema: &Tree, place: Place<'_>) {
        let has_rules = !schema.items("x-kubernetes-validations").is_empty();
        let own;
        let seen = match place.declared {
            None if has_rules => {
                own = declared(schema, place.is_object);
                own.as_ref()
            }
            seen => seen,
        };
        self.walk_parts(path, schema, place, seen);
        if !has_rules || self.is_wrong(path) {
            return;
        }
        let path = path.field("x-kubernetes-validations");
        let Some(seen) = seen else {
            let error = "internal error: failed to construct type information for x-kubernetes-validations rules: unable \
                         to convert structural schema to CEL declarations";
            return self.found.internal(&path, error);
        };
        let mut node = Node::of(seen, place);
        for (at, rule) in schema.items("x-kubernetes-validations").iter().enumerate() {
            self.rule(&path.index(at), rule, &mut node);
        }
    }

    /// Whether anything is wrong at a path or within it.
    fn is_wrong(&self, path: &Path<'_>) -> bool {
        if self.wrong.is_empty() {
            return false;
        }
        let text = path.to_string();
        let begins = |start: &str| {
            let at = self.wrong.partition_point(|field| field.as_str() < start);
            self.wrong.get(at).is_some_and(|field| field.starts_with(start))
        };
        let is = self.wrong.binary_search(&text).is_ok();
        is || begins(&format!("{text}.")) || begins(&format!("{text}["))
    }

    fn walk_parts(&mut self, path: &Path<'_>, schema: &Tree, place: Place<'_>, seen: Option<&Declared>) {
        let each = per_value(schema);
        let below = Place {
            declared: None,
            is_object: false,
            count: place.count.zip(each).map(|(count, each)| count.saturating_mul(each)),
            uncorrelated: place.uncorrelated,
        };
        let part = |one: &Tree, declared| Place {
            declared,
            is_object: one.flag("x-kubernetes-embedded-resource"),
            ..below
        };
        let element = seen.and_then(|seen| seen.element.as_deref());
        let additional = schema.at("additionalProperties");
        if additional.as_map().is_some() {
            let place = part(additional, element);
            self.walk(&path.field("additionalProperties"), additional, place);
        }
        let correlated = matches!(schema.text("x-kubernetes-map-type"), "" | "granular" | "atomic");
        for (name, property) in schema.entries("properties").iter() {
            let field = seen.and_then(|seen| seen.fields.get(&escape(name)?));
            let mut place = part(property, field);
            if !correlated {
                place.uncorrelated = place.uncorrelated.or(Some(path));
            }
            self.walk(&path.field("properties").key(name), property, place);
        }
        let item = schema.at("items");
        if item.as_map().is_some() {
            let mut place = part(item, element);
            if schema.text("x-kubernetes-list-type") != "map" {
                place.uncorrelated = place.uncorrelated.or(Some(path));
            }
            self.walk(&path.field("items"), item, place);
        }
    }

    fn rule(&mut self, path: &Path<'_>, rule: &Tree, node: &mut Node<'_>) {
        let (rule_path, text) = (path.field("rule"), rule.text("rule"));
        let environment = node.environment(rule.flag("optionalOldSelf"));
        let compiled = Outcome::of(environment, text, &RULE);
        let given = rule.text("messageExpression");
        let message =
            (compiled.wrong.is_none() && !given.is_empty()).then(|| Outcome::of(environment, given, &MESSAGE));
        self.bound(&rule_path, RULE.cost, compiled.cost.saturating_mul(node.count));
        if let Some(wrong) = &compiled.wrong {
            self.found.invalid(&rule_path, shown::rule(rule), wrong);
        }
        let message_path = path.field("messageExpression");
        match message.map(|message| (message.wrong, message.cost)) {
            Some((None, cost)) => self.bound(&message_path, MESSAGE.cost, cost),
            Some((Some(wrong), _)) => self.found.invalid(&message_path, shown::rule(rule), &wrong),
            None => {}
        }
        let uses_old = compiled.uses_old;
        if let (true, Some(within)) = (uses_old, node.uncorrelated) {
            let detail = format!("oldSelf cannot be used on the uncorrelatable portion of the schema within {within}");
            self.found.invalid(&rule_path, text, &detail);
        } else if let (false, Some(given)) = (uses_old, rule.at("optionalOldSelf").as_bool()) {
            let path = path.field("optionalOldSelf");
            let detail = "may not be set if oldSelf is not used in rule";
            self.found.invalid(&path, given, detail);
        }
    }

    /// Counts what an expression costs, and refuses it if that is too much.
    fn bound(&mut self, path: &Path<'_>, what: &str, cost: u64) {
        if self.costs && cost > COST_MAX {
            self.found.forbidden(path, &too_dear(what, cost, COST_MAX));
        }
        self.total = self.total.saturating_add(cost);
        if cost >= TOTAL_COST_MAX / 100 {
            self.dear.push((path.to_string(), cost));
            self.dear.sort_by_key(|one| std::cmp::Reverse(one.1));
            self.dear.truncate(TOLD_MAX);
        }
    }
}

/// What the rules of one schema share.
struct Node<'n> {
    named: Declared,
    plain: Option<Environment>,
    optional: Option<Environment>,
    /// How many values there may be.
    count: u64,
    uncorrelated: Option<&'n Path<'n>>,
}

impl<'n> Node<'n> {
    fn of(seen: &Declared, place: Place<'n>) -> Self {
        // What nothing bounds may be repeated until the request is full.
        let fitting = || REQUEST_MAX / (seen.least_bytes + 1);
        Self {
            named: seen.named(NAME),
            plain: None,
            optional: None,
            count: place.count.unwrap_or_else(fitting),
            uncorrelated: place.uncorrelated,
        }
    }

    /// What a rule may name; the old value may be made an optional one.
    fn environment(&mut self, optional: bool) -> &Environment {
        let slot = if optional { &mut self.optional } else { &mut self.plain };
        slot.get_or_insert_with(|| {
            let mut environment = Environment::default();
            environment.declare_sized("self", self.named.clone());
            environment.declare_sized("oldSelf", self.named.clone());
            if optional {
                environment.declare("oldSelf", Type::optional(self.named.of.clone()));
            }
            environment
        })
    }
}

/// What is told of one kind of expression.
struct Words {
    wanted: Type,
    unread: &'static str,
    unlike: &'static str,
    unplanned: &'static str,
    cost: &'static str,
}

const RULE: Words = Words {
    wanted: Type::Bool,
    unread: "compilation failed",
    unlike: "cel expression must evaluate to a bool",
    unplanned: "program instantiation failed",
    cost: "estimated rule cost",
};

const MESSAGE: Words = Words {
    wanted: Type::String,
    unread: "messageExpression compilation failed",
    unlike: "messageExpression must evaluate to a string",
    unplanned: "messageExpression instantiation failed",
    cost: "estimated messageExpression cost",
};

/// What came of compiling an expression.
struct Outcome {
    wrong: Option<String>,
    /// Nothing if anything is wrong.
    cost: u64,
    uses_old: bool,
}

impl Outcome {
    fn of(environment: &Environment, text: &str, words: &Words) -> Self {
        let wrong = |wrong: String, uses_old| Self {
            wrong: Some(wrong),
            cost: 0,
            uses_old,
        };
        let compiled = match environment.compile(text) {
            Ok(compiled) => compiled,
            Err(issues) => return wrong(format!("{}: {issues}", words.unread), false),
        };
        if *compiled.output() != words.wanted {
            return wrong(words.unlike.to_owned(), false);
        }
        let uses_old = compiled.names("oldSelf");
        match compiled.fault() {
            Some(fault) => wrong(format!("{}: {fault}", words.unplanned), uses_old),
            None => Self {
                wrong: None,
                cost: environment.cost(&compiled),
                uses_old,
            },
        }
    }
}

/// How many values there may be below one; nothing if nothing bounds it.
fn per_value(schema: &Tree) -> Option<u64> {
    let field = match schema.text("type") {
        "object" if !schema.at("additionalProperties").is_null() => "maxProperties",
        "array" => "maxItems",
        _ => return Some(1),
    };
    let given = schema.at(field).as_int()?;
    Some(u64::try_from(given).unwrap_or(0))
}

fn too_dear(what: &str, cost: u64, most: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "upstream reckons in doubles")]
    let factor = cost as f64 / most as f64;
    let factor = if factor > 100.0 {
        "more than 100x".to_owned()
    } else if factor < 1.5 {
        format!("{factor:.6}x")
    } else {
        format!("{factor:.1}x")
    };
    format!(
        "{what} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, and \
         maxLength where arrays, maps, and strings are declared)"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::tree;

    #[test]
    fn rules_cost_as_much_as_their_schemas_let_values_grow() {
        for (schema, rule, expected) in [
            (r#"{"type":"string"}"#, "self.startsWith('test')", 2),
            (r#"{"type":"string"}"#, "self.contains('test')", 314_574),
            (r#"{"type":"string","maxLength":10}"#, "self.contains('test')", 5),
            (r#"{"type":"string","maxLength":10}"#, "self.matches('a+')", 6),
            (
                r#"{"type":"array","items":{"type":"number"}}"#,
                "self.all(x, true)",
                4_718_591,
            ),
            (
                r#"{"type":"array","items":{"type":"number"},"maxItems":10}"#,
                "self.all(x, true)",
                32,
            ),
            (
                r#"{"type":"array","items":{"type":"string","maxLength":5},"maxItems":10}"#,
                "self.join('-') == 'a'",
                23,
            ),
            (
                r#"{"type":"object","additionalProperties":{"type":"string"}}"#,
                "self.all(k, self[k] == 'a')",
                2_752_507,
            ),
            (
                r#"{"type":"object","additionalProperties":{"type":"array","maxItems":4,"items":{"type":"integer"}},"maxProperties":3}"#,
                "self.all(k, self[k].all(x, x > 1))",
                83,
            ),
            (
                r#"{"type":"array","items":{"type":"string","format":"date"}}"#,
                "self[2].getDayOfMonth() == 13",
                4,
            ),
        ] {
            let seen = declared(&tree(schema), false).expect(schema).named(NAME);
            let mut environment = Environment::default();
            environment.declare_sized("self", seen);
            let compiled = environment.compile(rule).expect(rule);
            assert_eq!(environment.cost(&compiled), expected, "{schema} {rule}");
        }
    }

    #[test]
    fn rules_at_what_is_wrong_and_above_it_are_not_compiled() {
        let wrong = ["a.properties[b].type", "a.properties[bc]", "d"].map(str::to_owned);
        let rules = Rules {
            wrong: &wrong,
            costs: true,
            total: 0,
            dear: Vec::new(),
            found: Refusals::new(),
        };
        for (path, expected) in [
            ("a", true),
            ("a.properties[b]", true),
            ("a.properties[bc]", true),
            ("a.properties[bcd]", false),
            ("a.prop", false),
            ("a.properties", true),
            ("d", true),
            ("d.e", false),
            ("e", false),
        ] {
            assert_eq!(rules.is_wrong(&Path::of(path)), expected, "{path}");
        }
    }

    #[test]
    fn factors_are_told_as_upstream_rounds_them() {
        for (cost, factor) in [
            (14, "1.400000x"),
            (25, "2.5x"),
            (1000, "100.0x"),
            (1001, "more than 100x"),
        ] {
            let told = too_dear("cost", cost, 10);
            assert!(
                told.starts_with(&format!("cost exceeds budget by factor of {factor} (try")),
                "{told}"
            );
        }
    }
}
