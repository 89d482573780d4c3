//! Tolerations that say the same as others, or less (`util/tolerations`).

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use apiserver_api::tree::Tree;

/// How long pods may stay where they are tolerated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stay {
    Seconds(i64),
    Forever,
}

/// What a toleration says. Those that say the same are the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Said<'t> {
    key: &'t str,
    operator: &'t str,
    value: &'t str,
    effect: &'t str,
    seconds: Option<i64>,
}

impl<'t> Said<'t> {
    fn of(toleration: &'t Tree) -> Self {
        Self {
            key: toleration.text("key"),
            operator: toleration.text("operator"),
            value: toleration.text("value"),
            effect: toleration.text("effect"),
            seconds: toleration.at("tolerationSeconds").as_int(),
        }
    }

    /// Where it is looked for as one that covers others. One without an operator counts as Equal on this side only.
    fn place(&self) -> Option<Place<'t>> {
        let value = match self.operator {
            "" | "Equal" => Some(self.value),
            "Exists" => None,
            _ => return None,
        };
        let (key, effect) = (self.key, self.effect);
        Some(Place { key, value, effect })
    }

    /// Where those stand that may cover this.
    fn covering(&self) -> impl Iterator<Item = Place<'t>> {
        let Self { key, value, .. } = *self;
        let equal = (self.operator == "Equal").then_some((key, Some(value)));
        // An empty key that exists is any.
        let ways = [(key, None), ("", None)].into_iter().chain(equal);
        let effects = [self.effect, ""];
        ways.flat_map(move |(key, value)| effects.map(|effect| Place { key, value, effect }))
    }

    /// How long it lets pods stay, as one that covers others.
    fn grants(&self) -> Stay {
        self.seconds
            .filter(|_| self.effect == "NoExecute")
            .map_or(Stay::Forever, Stay::Seconds)
    }

    /// How long it lets pods stay, as one that is covered.
    fn needs(&self) -> Stay {
        self.seconds.map_or(Stay::Forever, Stay::Seconds)
    }
}

/// Tolerations of one place differ in how long they hold; no value is that of Exists.
#[derive(PartialEq, Eq, Hash)]
struct Place<'t> {
    key: &'t str,
    value: Option<&'t str>,
    effect: &'t str,
}

/// The two of a place that hold longest and do not say the same.
struct Longest<'t> {
    first: Said<'t>,
    second: Option<Said<'t>>,
}

impl<'t> Longest<'t> {
    fn insert(&mut self, said: Said<'t>) {
        if said == self.first {
            return;
        }
        if said.grants() > self.first.grants() {
            self.second = Some(std::mem::replace(&mut self.first, said));
        } else if self.second.is_none_or(|second| said.grants() > second.grants()) {
            self.second = Some(said);
        }
    }

    fn other_than(&self, said: &Said<'_>) -> Option<&Said<'t>> {
        if self.first == *said {
            self.second.as_ref()
        } else {
            Some(&self.first)
        }
    }
}

/// Tolerations by what they cover: lists may have tens of thousands, so that none is held against each of the others.
#[derive(Default)]
struct Covers<'t> {
    places: HashMap<Place<'t>, Longest<'t>>,
    same: HashSet<Said<'t>>,
}

impl<'t> Covers<'t> {
    fn insert(&mut self, said: Said<'t>) {
        if !self.same.insert(said) {
            return;
        }
        match said.place().map(|place| self.places.entry(place)) {
            None => {}
            Some(Entry::Occupied(mut longest)) => longest.get_mut().insert(said),
            Some(Entry::Vacant(none)) => {
                let (first, second) = (said, None);
                none.insert(Longest { first, second });
            }
        }
    }

    /// Whether one of these tolerates all that this does.
    fn cover(&self, said: &Said<'_>) -> bool {
        self.same.contains(said) || self.others_cover(said)
    }

    /// Whether one of these that does not say the same tolerates all that this does.
    fn others_cover(&self, said: &Said<'_>) -> bool {
        said.covering().any(|place| {
            let longest = self.places.get(&place);
            let other = longest.and_then(|longest| longest.other_than(said));
            other.is_some_and(|other| other.grants() >= said.needs())
        })
    }
}

/// Both lists as one, without those that others cover; of those that are the same the first stays (`MergeTolerations`).
pub(crate) fn merge(first: &[Tree], second: &[Tree]) -> Vec<Tree> {
    let all: Vec<(&Tree, Said<'_>)> = first.iter().chain(second).map(|one| (one, Said::of(one))).collect();
    let mut later = Covers::default();
    // From the end on, so that each is held against those behind it.
    let mut left: Vec<_> = all
        .iter()
        .rev()
        .filter(|(_, said)| {
            let covered = later.others_cover(said);
            later.insert(*said);
            !covered
        })
        .collect();
    left.reverse();
    let (mut merged, mut kept) = (Vec::new(), Covers::default());
    for (one, said) in left {
        if !kept.cover(said) {
            kept.insert(*said);
            merged.push((*one).clone());
        }
    }
    merged
}

/// Whether each is covered by one that is allowed; all are where nothing is said (`VerifyAgainstWhitelist`).
pub(crate) fn are_allowed(tolerations: &[Tree], allowed: &[Tree]) -> bool {
    if allowed.is_empty() {
        return true;
    }
    let mut covers = Covers::default();
    for one in allowed {
        covers.insert(Said::of(one));
    }
    tolerations.iter().all(|one| covers.cover(&Said::of(one)))
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::Tree;

    use super::{are_allowed, merge};
    use crate::double::json;

    fn same(one: &Tree, other: &Tree) -> bool {
        let fields = ["key", "operator", "value", "effect"].iter();
        fields.into_iter().all(|field| one.text(field) == other.text(field))
            && one.at("tolerationSeconds") == other.at("tolerationSeconds")
    }

    /// The rule as upstream states it: whether one tolerates all that another does.
    fn covers(one: &Tree, other: &Tree) -> bool {
        let (key, operator, effect) = (one.text("key"), one.text("operator"), one.text("effect"));
        let any_key = key.is_empty() && operator == "Exists";
        let is_key = any_key || key == other.text("key");
        let is_effect = effect.is_empty() || effect == other.text("effect");
        let long_enough = match (effect, one.at("tolerationSeconds").as_int()) {
            ("NoExecute", Some(most)) => other.at("tolerationSeconds").as_int().is_some_and(|long| long <= most),
            _ => true,
        };
        let is_value = match operator {
            "" | "Equal" => other.text("operator") == "Equal" && one.text("value") == other.text("value"),
            other => other == "Exists",
        };
        same(one, other) || (is_key && is_effect && long_enough && is_value)
    }

    fn merged_one_by_one(all: &[Tree]) -> Vec<Tree> {
        let mut merged: Vec<Tree> = Vec::new();
        for (at, one) in all.iter().enumerate() {
            let mut later = all[at + 1..].iter();
            if !merged.iter().any(|other| covers(other, one))
                && !later.any(|other| !same(one, other) && covers(other, one))
            {
                merged.push(one.clone());
            }
        }
        merged
    }

    /// All that differ in these few words.
    fn every() -> Vec<Tree> {
        let mut all = Vec::new();
        for number in 0..96 {
            let mut one = Tree::map();
            one.set("key", ["", "a"][number % 2]);
            one.set("operator", ["", "Equal", "Exists", "Lt"][number / 2 % 4]);
            one.set("value", ["", "x"][number / 8 % 2]);
            one.set("effect", ["NoExecute", ""][number / 16 % 2]);
            if number >= 32 {
                one.set("tolerationSeconds", [1_i64, 2][number / 64]);
            }
            all.push(one);
        }
        all
    }

    #[test]
    fn what_covers_what_is_as_the_rule_says_for_every_two() {
        let all = every();
        for one in &all {
            for other in &all {
                let (one, other) = (std::slice::from_ref(one), std::slice::from_ref(other));
                assert_eq!(are_allowed(other, one), covers(&one[0], &other[0]), "{one:?} {other:?}");
                let pair = [one, other].concat();
                assert_eq!(merge(one, other), merged_one_by_one(&pair), "{pair:?}");
            }
        }
    }

    #[test]
    fn many_are_merged_as_if_each_were_held_against_each() {
        let all = every();
        let count = all.len();
        for step in (1..count).filter(|step| step % 2 == 1 && step % 3 > 0) {
            for size in [3, 5, 9, 17, 40] {
                let picked: Vec<Tree> = (0..size)
                    .map(|at| all[(at + 1) * (at + step) * step % count].clone())
                    .collect();
                let (first, second) = picked.split_at(size / 2);
                assert_eq!(merge(first, second), merged_one_by_one(&picked), "{picked:?}");
            }
        }
    }

    #[test]
    fn tens_of_thousands_of_tolerations_are_merged_at_once() {
        let one = |at: usize| {
            let mut one = Tree::map();
            one.set("key", format!("key-{at}"));
            one.set("operator", "Equal");
            one
        };
        let all: Vec<Tree> = (0..40_000).map(one).collect();
        assert_eq!(merge(&all, &all), all);
        assert!(are_allowed(&all, &all));
        assert!(!are_allowed(&[one(40_000)], &all));
    }

    #[test]
    fn the_wider_of_two_stays() {
        for (first, second, merged) in [
            (
                r#"[{"key":"a","operator":"Exists"}]"#,
                r#"[{"key":"a","operator":"Equal","value":"x"}]"#,
                r#"[{"key":"a","operator":"Exists"}]"#,
            ),
            (
                r#"[{"key":"a","operator":"Equal","value":"x"}]"#,
                r#"[{"operator":"Exists"}]"#,
                r#"[{"operator":"Exists"}]"#,
            ),
            (
                r#"[{"key":"a","operator":"Equal","value":"x"}]"#,
                r#"[{"key":"a","operator":"Equal","value":"x"},{"key":"b","operator":"Exists"}]"#,
                r#"[{"key":"a","operator":"Equal","value":"x"},{"key":"b","operator":"Exists"}]"#,
            ),
            (
                r#"[{"key":"a","operator":"Exists"},{"key":"b","operator":"Exists"}]"#,
                r#"[{"key":"a","operator":"Exists"}]"#,
                r#"[{"key":"a","operator":"Exists"},{"key":"b","operator":"Exists"}]"#,
            ),
            (
                r#"[{"key":"a","operator":"Exists","effect":"NoExecute","tolerationSeconds":5}]"#,
                r#"[{"key":"a","operator":"Exists","effect":"NoExecute","tolerationSeconds":9}]"#,
                r#"[{"key":"a","operator":"Exists","effect":"NoExecute","tolerationSeconds":9}]"#,
            ),
            (
                r#"[{"key":"a","operator":"Exists","effect":"NoExecute"}]"#,
                r#"[{"key":"a","operator":"Exists","effect":"NoExecute","tolerationSeconds":9}]"#,
                r#"[{"key":"a","operator":"Exists","effect":"NoExecute"}]"#,
            ),
            (
                r#"[{"key":"a","operator":"Exists","effect":"NoSchedule"}]"#,
                r#"[{"key":"a","operator":"Exists","effect":"NoExecute"}]"#,
                r#"[{"key":"a","operator":"Exists","effect":"NoSchedule"},{"key":"a","operator":"Exists","effect":"NoExecute"}]"#,
            ),
            // No operator means Equal on the wider side only.
            (
                r#"[{"key":"a","value":"x"}]"#,
                r#"[{"key":"a","operator":"Equal","value":"x"}]"#,
                r#"[{"key":"a","value":"x"}]"#,
            ),
        ] {
            let (first, second) = (json(first), json(second));
            let found = merge(first.as_list().unwrap(), second.as_list().unwrap());
            assert_eq!(found, json(merged).as_list().unwrap());
        }
    }

    #[test]
    fn every_toleration_must_be_among_those_that_are_allowed() {
        let allowed = json(r#"[{"key":"a","operator":"Exists"}]"#);
        for (tolerations, expected) in [
            ("[]", true),
            (r#"[{"key":"a","operator":"Equal","value":"x"}]"#, true),
            (
                r#"[{"key":"a","operator":"Exists"},{"key":"b","operator":"Exists"}]"#,
                false,
            ),
        ] {
            let tolerations = json(tolerations);
            let tolerations = tolerations.as_list().unwrap();
            assert_eq!(are_allowed(tolerations, allowed.as_list().unwrap()), expected);
            assert!(are_allowed(tolerations, &[]));
        }
    }
}
