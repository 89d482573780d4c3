//! Amounts of resources by name (`ResourceList`): how they are read, added up and compared, and what their names say.

use std::collections::BTreeMap;

use apiserver_api::names;
use apiserver_api::quantity::{Format, Quantity};
use apiserver_api::tree::{Map, Text, Tree};

/// Memory in huge pages is named so, by the size of a page.
pub const HUGE_PAGES: &str = "hugepages-";
/// How quotas call what pods ask for.
pub const REQUESTS: &str = "requests.";

/// So many of something that is counted.
pub const fn count(number: i64) -> Quantity {
    Quantity::new(number, Format::DecimalSi)
}

/// An amount of an object; zero where there is none, or none that can be read.
pub fn amount(value: &Tree) -> Quantity {
    Quantity::read(value).unwrap_or_else(|_| count(0))
}

/// Whether a resource is Kubernetes' own.
pub fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

/// Whether a resource is one that somebody added to nodes: `example.com/gpu`.
pub fn is_extended(name: &str) -> bool {
    !is_native(name) && !name.starts_with(REQUESTS) && names::qualified_name(&format!("{REQUESTS}{name}")).is_empty()
}

/// Whether a resource is memory in huge pages.
pub fn is_huge_page(name: &str) -> bool {
    name.starts_with(HUGE_PAGES)
}

/// Whether pods as a whole can ask for a resource (`IsSupportedPodLevelResource`).
pub fn is_pod_level(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || is_huge_page(name)
}

/// Whether limits may exceed requests.
pub(crate) fn may_overcommit(name: &str) -> bool {
    is_native(name) && !is_huge_page(name)
}

/// Amounts by the names of resources, in order of the names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Amounts(BTreeMap<Text, Quantity>);

impl Amounts {
    /// Reads what an object lists.
    pub fn read(list: &Map) -> Self {
        Self(list.iter().map(|(name, value)| (name.into(), amount(value))).collect())
    }

    /// As an object lists them.
    pub fn to_map(&self) -> Map {
        let entries = self.0.iter();
        entries
            .map(|(name, amount)| (name.clone(), Tree::from(amount)))
            .collect()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How much there is of one.
    pub fn get(&self, name: &str) -> Option<&Quantity> {
        self.0.get(name)
    }

    /// Writes one of them.
    pub fn set(&mut self, name: &str, amount: Quantity) {
        self.0.insert(name.into(), amount);
    }

    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(Text::as_str)
    }

    /// The amounts in order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Quantity)> {
        self.0.iter().map(|(name, amount)| (name.as_str(), amount))
    }

    /// Adds to one of them.
    pub fn add(&mut self, name: &str, amount: &Quantity) {
        match self.0.get_mut(name) {
            Some(sum) => sum.add(amount),
            None => self.set(name, amount.clone()),
        }
    }

    /// Adds all of another list.
    pub fn add_all(&mut self, other: &Self) {
        for (name, amount) in other.iter() {
            self.add(name, amount);
        }
    }

    /// Adds to each that is here what another list has of it.
    pub fn add_known(&mut self, other: &Self) {
        for (name, sum) in &mut self.0 {
            if let Some(amount) = other.get(name) {
                sum.add(amount);
            }
        }
    }

    /// Raises each to what another list has, where that is more.
    pub fn raise(&mut self, other: &Self) {
        for (name, amount) in other.iter() {
            self.raise_one(name, Some(amount));
        }
    }

    /// Raises one of them to an amount, where that is more.
    pub fn raise_one(&mut self, name: &str, to: Option<&Quantity>) {
        if let Some(amount) = to.filter(|amount| self.get(name).is_none_or(|most| *amount > most)) {
            self.set(name, amount.clone());
        }
    }

    /// How much more this is than another list, nothing where it is less (`SubtractWithNonNegativeResult`).
    #[must_use]
    pub fn beyond(&self, other: &Self) -> Self {
        let mut more = Self::default();
        for (name, amount) in self.iter() {
            let mut rest = amount.clone();
            if let Some(amount) = other.get(name) {
                rest.sub(amount);
            }
            more.set(name, if rest.sign().is_gt() { rest } else { count(0) });
        }
        more
    }

    /// Keeps those of which this says so.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&str, &Quantity) -> bool) -> Self {
        let kept = self.0.iter().filter(|(name, amount)| keep(name, amount));
        Self(kept.map(|(name, amount)| (name.clone(), amount.clone())).collect())
    }

    /// As refusals list them: `cpu=1,memory=1Gi`.
    pub fn shown(&self) -> String {
        let parts: Vec<String> = self.iter().map(|(name, amount)| format!("{name}={amount}")).collect();
        parts.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::{Amounts, is_extended};
    use crate::trial::tree;

    fn amounts(text: &str) -> Amounts {
        Amounts::read(tree(text).as_map().unwrap())
    }

    #[test]
    fn what_is_beyond_another_list_is_never_negative() {
        let more = amounts(r#"{"a":"3","b":"1Gi","c":"1"}"#).beyond(&amounts(r#"{"a":"1","b":"2Gi","d":"5"}"#));
        assert_eq!(more.shown(), "a=2,b=0,c=1");
    }

    #[test]
    fn sums_and_maxima_are_by_name() {
        let mut sum = amounts(r#"{"a":"0","b":"1"}"#);
        sum.add_all(&amounts(r#"{"a":"1Gi","c":"500m"}"#));
        assert_eq!(sum.shown(), "a=1Gi,b=1,c=500m");
        sum.raise(&amounts(r#"{"b":"3","c":"100m","d":"1"}"#));
        assert_eq!(sum.shown(), "a=1Gi,b=3,c=500m,d=1");
        assert_eq!(sum.only(|name, _| name != "b").shown(), "a=1Gi,c=500m,d=1");
    }

    #[test]
    fn resources_with_another_s_domain_are_extended() {
        for (name, extended) in [
            ("cpu", false),
            ("example.com/gpu", true),
            ("kubernetes.io/x", false),
            ("requests.example.com/gpu", false),
            ("example.com/-", false),
            ("example.com/_", false),
        ] {
            assert_eq!(is_extended(name), extended, "{name}");
        }
    }
}
