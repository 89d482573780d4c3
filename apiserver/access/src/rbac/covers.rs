//! Whether rules give no more than others do (`Covers`, `CompactRules`).
//!
//! What is wanted is taken apart into single permissions, one verb on one resource each; a single rule covers one or does
//! not.

use std::collections::{HashMap, HashSet};

use apiserver_api::tree::Text;
use thiserror::Error;

use super::rule::{Rule, covers_path, has_or_all};

/// How many single permissions are compared at once. The rules of the largest operators have some thousands; but a rule of a
/// few kilobytes can stand for billions.
pub const PERMISSIONS_MAX: usize = 100_000;

/// Rules that stand for more than [`PERMISSIONS_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the rules stand for more than {PERMISSIONS_MAX} permissions, which is more than are compared with others")]
pub struct TooMany;

/// The single permissions of `wanted` that no rule of `owned` covers, in their order.
///
/// # Errors
/// Where `wanted` stands for too many that no single rule covers as a whole.
pub fn missing<'r>(owned: impl Iterator<Item = &'r Rule> + Clone, wanted: &[Rule]) -> Result<Vec<Rule>, TooMany> {
    let (mut missing, mut seen) = (Vec::new(), 0_usize);
    for rule in wanted {
        seen = seen.saturating_add(permissions(rule));
        if seen > PERMISSIONS_MAX {
            if owned.clone().any(|own| covers_whole(own, rule)) {
                seen = seen.saturating_sub(permissions(rule));
                continue;
            }
            return Err(TooMany);
        }
        take_apart(rule, |permission| {
            if !owned.clone().any(|own| permission.is_covered_by(own)) {
                missing.push(permission.to_rule());
            }
        });
    }
    Ok(missing)
}

/// For how many permissions a rule stands.
fn permissions(rule: &Rule) -> usize {
    let lens = [rule.groups.len(), rule.resources.len(), rule.names.len().max(1)];
    let resources = lens.into_iter().fold(1, usize::saturating_mul);
    resources
        .saturating_add(rule.paths.len())
        .saturating_mul(rule.verbs.len())
}

/// One verb on one thing.
#[derive(Clone, Copy)]
struct Permission<'r> {
    verb: &'r Text,
    on: On<'r>,
}

#[derive(Clone, Copy)]
enum On<'r> {
    Resource(&'r Text, &'r Text, Option<&'r Text>),
    Path(&'r Text),
}

fn take_apart<'r>(rule: &'r Rule, mut each: impl FnMut(Permission<'r>)) {
    for group in &rule.groups {
        for resource in &rule.resources {
            for verb in &rule.verbs {
                let mut one = |name| {
                    let on = On::Resource(group, resource, name);
                    each(Permission { verb, on });
                };
                if rule.names.is_empty() {
                    one(None);
                }
                rule.names.iter().for_each(|name| one(Some(name)));
            }
        }
    }
    for path in &rule.paths {
        for verb in &rule.verbs {
            each(Permission {
                verb,
                on: On::Path(path),
            });
        }
    }
}

impl Permission<'_> {
    fn is_covered_by(&self, own: &Rule) -> bool {
        let named = |name: &Text| own.names.is_empty() || own.names.contains(name);
        has_or_all(&own.verbs, self.verb)
            && match self.on {
                On::Resource(group, resource, name) => {
                    has_or_all(&own.groups, group)
                        && covers_resource(&own.resources, resource)
                        && name.map_or(own.names.is_empty(), named)
                }
                On::Path(path) => own.names.is_empty() && own.paths.iter().any(|own| covers_path(own, path)),
            }
    }

    fn to_rule(self) -> Rule {
        let verbs = vec![self.verb.clone()];
        match self.on {
            On::Resource(group, resource, name) => Rule {
                verbs,
                groups: vec![group.clone()],
                resources: vec![resource.clone()],
                names: name.into_iter().cloned().collect(),
                paths: Vec::new(),
            },
            On::Path(path) => Rule {
                verbs,
                paths: vec![path.clone()],
                ..Rule::default()
            },
        }
    }
}

/// `*/scale` covers every `scale`.
fn covers_resource(own: &[Text], resource: &str) -> bool {
    let of_any = resource.split_once('/').map(|(_, subresource)| subresource);
    own.iter().any(|own| {
        let own_subresource = own.strip_prefix("*/");
        own == "*" || own == resource || (own_subresource.is_some() && own_subresource == of_any)
    })
}

/// Whether one rule covers all of another; says no more often than need be, but never yes where it is no.
fn covers_whole(own: &Rule, wanted: &Rule) -> bool {
    let all = |own: &[Text], wanted: &[Text]| {
        let set: HashSet<&Text> = own.iter().collect();
        own.iter().any(|one| one == "*") || wanted.iter().all(|one| set.contains(one))
    };
    all(&own.verbs, &wanted.verbs)
        && all(&own.groups, &wanted.groups)
        && all(&own.resources, &wanted.resources)
        && (own.names.is_empty() || (!wanted.names.is_empty() && all(&own.names, &wanted.names)))
        && all(&own.paths, &wanted.paths)
}

/// Puts single permissions that differ by their verb only into one rule each, for people to read.
pub fn compact(permissions: Vec<Rule>) -> Vec<Rule> {
    let mut compacted: Vec<Rule> = Vec::new();
    let mut places: HashMap<[Vec<Text>; 3], usize> = HashMap::new();
    for rule in permissions {
        if !rule.paths.is_empty() {
            compacted.push(rule);
            continue;
        }
        let key = [&rule.groups, &rule.resources, &rule.names].map(Clone::clone);
        if let Some(at) = places.get(&key) {
            compacted[*at].verbs.extend(rule.verbs);
        } else {
            places.insert(key, compacted.len());
            compacted.push(rule);
        }
    }
    compacted
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::{Text, parse};

    use super::{PERMISSIONS_MAX, Rule, TooMany, compact, missing};

    /// `verbs|groups|resources|names` or `verbs|paths`, words parted by commas.
    fn rule(text: &str) -> Rule {
        let words = |text: &&str| text.split(',').map(Text::from).collect::<Vec<Text>>();
        let parts: Vec<&str> = text.split('|').collect();
        match &parts[..] {
            [verbs, paths] => Rule {
                verbs: words(verbs),
                paths: words(paths),
                ..Rule::default()
            },
            [verbs, groups, resources, names @ ..] => Rule {
                verbs: words(verbs),
                groups: words(groups),
                resources: words(resources),
                names: names.iter().flat_map(words).collect(),
                ..Rule::default()
            },
            _ => unreachable!(),
        }
    }

    fn rules(texts: &[&str]) -> Vec<Rule> {
        texts.iter().map(|text| rule(text)).collect()
    }

    #[test]
    fn what_no_single_rule_covers_is_missing() {
        for (owned, wanted, left) in [
            (&["get|a|x"][..], &["get|a|x"][..], &[][..]),
            (&["*|*|*"], &["get,put|a,b|x,y/z", "get|a|x|n"], &[]),
            (
                &["get|a|x", "put|b|y"],
                &["get,put|a,b|x,y"],
                &["put|a|x", "get|a|y", "put|a|y", "get|b|x", "put|b|x", "get|b|y"],
            ),
            (&["get|a|*"], &["get|a|x/y", "get|a|*"], &[]),
            (&["get|a|*/scale"], &["get|a|x/scale", "get|a|*/scale"], &[]),
            (
                &["get|a|*/scale"],
                &["get|a|x", "get|a|x/status"],
                &["get|a|x", "get|a|x/status"],
            ),
            (&["get|a|x"], &["get|a|*"], &["get|a|*"]),
            (&["get|a|x"], &["*|a|x"], &["*|a|x"]),
            (&["get|a|x"], &["get|a|x|n"], &[]),
            (&["get|a|x|n"], &["get|a|x"], &["get|a|x"]),
            (&["get|a|x|n,m"], &["get|a|x|m,o"], &["get|a|x|o"]),
            (&["get|/a/*"], &["get|/a/b", "get|/a/*"], &[]),
            (&["get|/a"], &["get,put|/a"], &["put|/a"]),
            (&["get|*"], &["get|/a"], &[]),
            (&["*|*|*"], &["get|/a"], &["get|/a"]),
            (&["*|*"], &["get|a|x"], &["get|a|x"]),
            (&[], &[], &[]),
        ] {
            let owned = rules(owned);
            assert_eq!(
                missing(owned.iter(), &rules(wanted)).unwrap(),
                rules(left),
                "{wanted:?}"
            );
        }
    }

    #[test]
    fn permissions_on_the_same_thing_are_told_together() {
        let single = rules(&[
            "get|a|x",
            "get|a|y",
            "put|a|x",
            "get|a|x|n",
            "put|a|x|n",
            "get|/a",
            "put|/a",
        ]);
        let told = rules(&["get,put|a|x", "get|a|y", "get,put|a|x|n", "get|/a", "put|/a"]);
        assert_eq!(compact(single), told);
    }

    #[test]
    fn rules_that_stand_for_billions_cost_nothing() {
        let many = |of: char| (0..3_000).map(|at| format!("{of}{at}").into()).collect::<Vec<Text>>();
        let huge = Rule {
            verbs: many('v'),
            groups: many('g'),
            resources: many('r'),
            ..Rule::default()
        };
        let (own, all) = (rule("get|a|x"), rule("*|*|*"));
        assert_eq!(missing([&own].into_iter(), std::slice::from_ref(&huge)), Err(TooMany));
        let wanted = [huge.clone(), rule("put|a|x")];
        assert_eq!(
            missing([&own, &huge].into_iter(), &wanted).unwrap(),
            rules(&["put|a|x"])
        );
        assert_eq!(missing([&all].into_iter(), &wanted).unwrap(), []);
        assert!(TooMany.to_string().contains(&PERMISSIONS_MAX.to_string()));
    }

    #[test]
    fn a_rule_that_is_nothing_wants_nothing() {
        let nothing = Rule::of(&parse(br#"{"verbs":["*"]}"#).unwrap().tree);
        assert_eq!(missing([].iter(), &[nothing]).unwrap(), []);
    }
}
