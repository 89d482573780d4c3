//! What a limit range refuses: too little, too much, and limits too far above what is asked for.

use apiserver_api::quantity::{Format, Quantity};
use apiserver_api::tree::Tree;

use super::amounts::{Amounts, amounts, of_pod};

/// Above this an amount is compared in whole units, since its thousandths would not fit.
const MAX_MILLI: i64 = i64::MAX / 1000;

/// What is wrong with a pod.
pub(super) fn pod(pod: &Tree, range: &Tree) -> Vec<String> {
    let spec = pod.at("spec");
    let mut mistakes = Vec::new();
    for item in range.at("spec").items("limits") {
        let item = Item::of(item);
        match item.kind {
            "Container" => {
                for list in ["containers", "initContainers"] {
                    for container in spec.items(list) {
                        let resources = container.at("resources");
                        let requests = amounts(resources.entries("requests"));
                        let limits = amounts(resources.entries("limits"));
                        item.check(&requests, &limits, &mut mistakes);
                    }
                }
            }
            "Pod" => item.check(&of_pod(spec, "requests"), &of_pod(spec, "limits"), &mut mistakes),
            _ => {}
        }
    }
    mistakes
}

/// What is wrong with a claim, of which only requests count.
pub(super) fn claim(claim: &Tree, range: &Tree) -> Vec<String> {
    let requests = amounts(claim.at("spec").at("resources").entries("requests"));
    let mut mistakes = Vec::new();
    for item in range.at("spec").items("limits") {
        let item = Item::of(item);
        if item.kind == "PersistentVolumeClaim" {
            mistakes.extend(item.each("min", |bound| bound.least(&requests, &Amounts::new())));
            mistakes.extend(item.each("max", |bound| bound.most_requested(&requests)));
        }
    }
    mistakes
}

/// One of a range's items.
struct Item<'r> {
    tree: &'r Tree,
    kind: &'r str,
}

impl<'r> Item<'r> {
    fn of(tree: &'r Tree) -> Self {
        let kind = tree.text("type");
        Self { tree, kind }
    }

    fn each(&self, list: &str, check: impl Fn(&Bound<'_>) -> Option<String>) -> Vec<String> {
        let bounds = amounts(self.tree.entries(list));
        let bounds = bounds.iter().map(|(name, amount)| Bound {
            kind: self.kind,
            name,
            amount,
        });
        bounds.filter_map(|bound| check(&bound)).collect()
    }

    fn check(&self, requests: &Amounts, limits: &Amounts, mistakes: &mut Vec<String>) {
        mistakes.extend(self.each("min", |bound| bound.least(requests, limits)));
        mistakes.extend(self.each("max", |bound| bound.most(requests, limits)));
        mistakes.extend(self.each("maxLimitRequestRatio", |bound| bound.ratio(requests, limits)));
    }
}

/// A bound of one resource.
struct Bound<'r> {
    kind: &'r str,
    name: &'r str,
    amount: &'r Quantity,
}

/// A request, a limit and a bound as numbers that can be compared: thousandths where all fit.
struct Numbers {
    request: i64,
    limit: i64,
    bound: i64,
}

impl Bound<'_> {
    fn numbers(&self, request: Option<&Quantity>, limit: Option<&Quantity>) -> Numbers {
        let zero = Quantity::new(0, Format::DecimalSi);
        let all = [request.unwrap_or(&zero), limit.unwrap_or(&zero), self.amount];
        let fits = all.iter().all(|amount| amount.value() <= MAX_MILLI);
        let [request, limit, bound] = all.map(|amount| if fits { amount.milli_value() } else { amount.value() });
        Numbers { request, limit, bound }
    }

    /// How messages begin.
    fn usage(&self, word: &str) -> String {
        let Self { kind, name, amount } = self;
        format!("{word} {name} usage per {kind} is {amount}")
    }

    fn least(&self, requests: &Amounts, limits: &Amounts) -> Option<String> {
        let (request, limit) = (requests.get(self.name), limits.get(self.name));
        let numbers = self.numbers(request, limit);
        let usage = self.usage("minimum");
        match (request, limit) {
            (None, _) => Some(format!("{usage}.  No request is specified")),
            (Some(request), _) if numbers.request < numbers.bound => Some(format!("{usage}, but request is {request}")),
            (_, Some(limit)) if numbers.limit < numbers.bound => Some(format!("{usage}, but limit is {limit}")),
            _ => None,
        }
    }

    fn most(&self, requests: &Amounts, limits: &Amounts) -> Option<String> {
        let (request, limit) = (requests.get(self.name), limits.get(self.name));
        let numbers = self.numbers(request, limit);
        let usage = self.usage("maximum");
        match (request, limit) {
            (_, None) => Some(format!("{usage}.  No limit is specified")),
            (_, Some(limit)) if numbers.limit > numbers.bound => Some(format!("{usage}, but limit is {limit}")),
            (Some(request), _) if numbers.request > numbers.bound => Some(format!("{usage}, but request is {request}")),
            _ => None,
        }
    }

    fn most_requested(&self, requests: &Amounts) -> Option<String> {
        let request = requests.get(self.name);
        let numbers = self.numbers(request, None);
        let usage = self.usage("maximum");
        match request {
            None => Some(format!("{usage}.  No request is specified")),
            Some(request) if numbers.request > numbers.bound => Some(format!("{usage}, but request is {request}")),
            Some(_) => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "upstream reckons ratios in doubles")]
    fn ratio(&self, requests: &Amounts, limits: &Amounts) -> Option<String> {
        let Self { kind, name, amount } = self;
        let (request, limit) = (requests.get(*name), limits.get(*name));
        let numbers = self.numbers(request, limit);
        let head = format!("{name} max limit to request ratio per {kind} is {amount}");
        if numbers.request == 0 {
            return Some(format!("{head}, but no request is specified or request is 0"));
        }
        if numbers.limit == 0 {
            return Some(format!("{head}, but no limit is specified or limit is 0"));
        }
        let ratio = numbers.limit as f64 / numbers.request as f64;
        let over = if amount.value() <= MAX_MILLI {
            ratio * 1000.0 > amount.milli_value() as f64
        } else {
            ratio > amount.value() as f64
        };
        over.then(|| format!("{head}, but provided ratio is {ratio:.6}"))
    }
}
