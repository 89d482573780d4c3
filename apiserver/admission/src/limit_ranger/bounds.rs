//! What a limit range refuses: too little, too much, and limits too far above what is asked for.
//!
//! Each bound is about each container, and mistakes name no container: each is told once. So of a container only the
//! resources that it names are looked at, and of others it is told once that somebody does not name them. It takes as long
//! as range and pod are together, not as one times the other.

use std::collections::{BTreeMap, BTreeSet};

use apiserver_api::quantity::{Format, Quantity};
use apiserver_api::tree::Tree;
use apiserver_kinds::amounts::amount;

use super::asked::{Asked, CLAIM, Subject};

/// Above this an amount is compared in whole units, since its thousandths would not fit.
const MAX_MILLI: i64 = i64::MAX / 1000;
/// Once mistakes have so many bytes no more are told: a bound may have a million digits.
const BYTES_MAX: usize = 8 << 20;

/// What is wrong with a pod or a claim, each mistake once.
pub(super) fn mistakes(subject: &Subject<'_>, range: &Tree) -> Vec<String> {
    let mut told = Told::default();
    for item in range.at("spec").items("limits") {
        let kind = item.text("type");
        let parts = subject.parts(kind);
        if parts.is_empty() {
            continue;
        }
        let rules: &[Rule] = if kind == CLAIM { CLAIMS } else { PODS };
        let mut lists: Vec<Bounds<'_>> = rules.iter().map(|rule| Bounds::read(rule, kind, item)).collect();
        for asked in parts {
            for list in &mut lists {
                list.hold(asked, &mut told);
            }
        }
    }
    told.mistakes
}

/// What was found.
#[derive(Default)]
struct Told {
    mistakes: Vec<String>,
    bytes: usize,
}

impl Told {
    const fn is_full(&self) -> bool {
        self.bytes >= BYTES_MAX
    }

    fn add(&mut self, mistake: String) {
        self.bytes += size_of::<String>() + mistake.len();
        self.mistakes.push(mistake);
    }
}

/// How one list of bounds is held.
struct Rule {
    list: &'static str,
    /// How its mistakes begin, by kind, name and amount of the bound.
    head: fn(&str, &str, &Quantity) -> String,
    /// How the mistake ends that is made with a request and a limit, where one is.
    tail: fn(&Amount, Option<&Quantity>, Option<&Quantity>) -> Option<String>,
}

const MIN: Rule = Rule {
    list: "min",
    head: |kind, name, amount| format!("minimum {name} usage per {kind} is {amount}"),
    tail: Amount::too_little,
};
const PODS: &[Rule] = &[
    MIN,
    Rule {
        list: "max",
        head: most,
        tail: Amount::too_much,
    },
    Rule {
        list: "maxLimitRequestRatio",
        head: |kind, name, amount| format!("{name} max limit to request ratio per {kind} is {amount}"),
        tail: Amount::too_far,
    },
];
const CLAIMS: &[Rule] = &[
    MIN,
    Rule {
        list: "max",
        head: most,
        tail: Amount::too_much_requested,
    },
];

fn most(kind: &str, name: &str, amount: &Quantity) -> String {
    format!("maximum {name} usage per {kind} is {amount}")
}

/// The bounds of one list.
struct Bounds<'r> {
    rule: &'static Rule,
    kind: &'r str,
    by_name: BTreeMap<&'r str, Bound<'r>>,
    /// Those of which it was not told yet that somebody does not name them.
    unsaid: BTreeSet<&'r str>,
}

impl<'r> Bounds<'r> {
    fn read(rule: &'static Rule, kind: &'r str, item: &'r Tree) -> Self {
        let list = item.entries(rule.list).iter();
        let by_name: BTreeMap<_, _> = list.map(|(name, value)| (name, Bound::read(name, value))).collect();
        let unsaid = by_name.keys().copied().collect();
        Self {
            rule,
            kind,
            by_name,
            unsaid,
        }
    }

    fn hold(&mut self, asked: &Asked, told: &mut Told) {
        if told.is_full() {
            return;
        }
        let said = asked.names().filter_map(|name| self.by_name.get(name));
        let mut names: BTreeSet<&str> = said.map(|bound| bound.name).collect();
        names.extend(&self.unsaid);
        for name in names {
            let Some(bound) = self.by_name.get_mut(name) else {
                continue;
            };
            let (request, limit) = (asked.requests.get(name), asked.limits.get(name));
            if request.is_none() && limit.is_none() {
                self.unsaid.remove(name);
            }
            // A mistake is put into words only where it is new.
            if let Some(tail) = (self.rule.tail)(&bound.amount, request, limit)
                && bound.tails.insert(tail.clone())
                && !told.is_full()
            {
                told.add((self.rule.head)(self.kind, name, &bound.amount.exact) + &tail);
            }
        }
    }
}

/// A bound of one resource.
struct Bound<'r> {
    name: &'r str,
    amount: Amount,
    /// How the mistakes end that were told.
    tails: BTreeSet<String>,
}

impl<'r> Bound<'r> {
    fn read(name: &'r str, value: &Tree) -> Self {
        let exact = amount(value);
        Self {
            name,
            amount: Amount {
                whole: exact.value(),
                milli: exact.milli_value(),
                exact,
            },
            tails: BTreeSet::new(),
        }
    }
}

/// How much a bound is: exactly, in whole units and in thousandths, which are reckoned once.
struct Amount {
    exact: Quantity,
    whole: i64,
    milli: i64,
}

/// A request, a limit and a bound as numbers that can be compared: thousandths where all fit.
struct Numbers {
    request: i64,
    limit: i64,
    bound: i64,
}

impl Amount {
    fn numbers(&self, request: Option<&Quantity>, limit: Option<&Quantity>) -> Numbers {
        let zero = Quantity::new(0, Format::DecimalSi);
        let (request, limit) = (request.unwrap_or(&zero), limit.unwrap_or(&zero));
        let whole = Numbers {
            request: request.value(),
            limit: limit.value(),
            bound: self.whole,
        };
        if [whole.request, whole.limit, whole.bound]
            .iter()
            .any(|value| *value > MAX_MILLI)
        {
            return whole;
        }
        Numbers {
            request: request.milli_value(),
            limit: limit.milli_value(),
            bound: self.milli,
        }
    }

    fn too_little(&self, request: Option<&Quantity>, limit: Option<&Quantity>) -> Option<String> {
        let numbers = self.numbers(request, limit);
        match (request, limit) {
            (None, _) => Some(".  No request is specified".to_owned()),
            (Some(request), _) if numbers.request < numbers.bound => Some(format!(", but request is {request}")),
            (_, Some(limit)) if numbers.limit < numbers.bound => Some(format!(", but limit is {limit}")),
            _ => None,
        }
    }

    fn too_much(&self, request: Option<&Quantity>, limit: Option<&Quantity>) -> Option<String> {
        let numbers = self.numbers(request, limit);
        match (request, limit) {
            (_, None) => Some(".  No limit is specified".to_owned()),
            (_, Some(limit)) if numbers.limit > numbers.bound => Some(format!(", but limit is {limit}")),
            (Some(request), _) if numbers.request > numbers.bound => Some(format!(", but request is {request}")),
            _ => None,
        }
    }

    fn too_much_requested(&self, request: Option<&Quantity>, _limit: Option<&Quantity>) -> Option<String> {
        let numbers = self.numbers(request, None);
        match request {
            None => Some(".  No request is specified".to_owned()),
            Some(request) if numbers.request > numbers.bound => Some(format!(", but request is {request}")),
            Some(_) => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "upstream reckons ratios in doubles")]
    fn too_far(&self, request: Option<&Quantity>, limit: Option<&Quantity>) -> Option<String> {
        let numbers = self.numbers(request, limit);
        if numbers.request == 0 {
            return Some(", but no request is specified or request is 0".to_owned());
        }
        if numbers.limit == 0 {
            return Some(", but no limit is specified or limit is 0".to_owned());
        }
        let ratio = numbers.limit as f64 / numbers.request as f64;
        let over = if self.whole <= MAX_MILLI {
            ratio * 1000.0 > self.milli as f64
        } else {
            ratio > self.whole as f64
        };
        over.then(|| format!(", but provided ratio is {ratio:.6}"))
    }
}
