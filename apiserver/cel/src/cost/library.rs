//! What functions of Kubernetes' libraries cost.

use super::call::{Called, Estimate};
use super::range::{PATTERN, Range, TRAVERSAL};
use super::{Coster, LIST};
use crate::ast::{Expr, Id, Literal};
use crate::types::Type;

/// An authorization check: of one expression two fit the limit.
const CHECK: Range = Range::fixed(350_000);
/// The longest pattern that a named format is.
const FORMAT_PATTERN: f64 = 128.0;
/// The longest name of a format.
const FORMAT_MAX: u64 = 64;
/// The cost of making a requirement of a selector: a list and an object.
const REQUIREMENT: f64 = 50.0;
/// The bytes of an address.
const ADDRESS: Range = Range::new(4, 16);

/// Functions that take one step, whatever they are given.
const AT_ONCE: &[&str] = &[
    "serviceAccount",
    "path",
    "group",
    "resource",
    "subresource",
    "namespace",
    "name",
    "allowed",
    "reason",
    "error",
    "errored",
    "masked",
    "prefixLength",
    "family",
    "isUnspecified",
    "isLoopback",
    "isLinkLocalMulticast",
    "isLinkLocalUnicast",
    "isGlobalUnicast",
    "format.named",
    "sign",
    "asInteger",
    "isInteger",
    "asApproximateFloat",
    "isGreaterThan",
    "isLessThan",
    "compareTo",
    "add",
    "sub",
    "major",
    "minor",
    "patch",
    "getScheme",
    "getHostname",
    "getHost",
    "getPort",
    "getEscapedPath",
    "getQuery",
];

/// What a call costs, if a library of Kubernetes says so.
pub(super) fn estimate(coster: &mut Coster<'_>, called: &Called<'_>) -> Option<Estimate> {
    let arguments = called.arguments;
    Some(match called.function {
        "check" => Estimate::of(CHECK),
        name if AT_ONCE.contains(&name) => Estimate::of(Range::ONE),
        "fieldSelector" | "labelSelector" => {
            let [selector] = arguments else { return None };
            Estimate::of(selector_cost(coster.size(*selector)))
        }
        "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => walk_list(coster, called.target?),
        "url" | "jsonpatch.escapeKey" => {
            let [text] = arguments else { return None };
            let size = coster.size(*text);
            Estimate::sized(size.walked(), size)
        }
        "lowerAscii" | "upperAscii" | "substring" | "trim" => {
            let size = coster.size(called.target?);
            Estimate::sized(size.walked(), size)
        }
        "replace" => {
            let [from, to, ..] = arguments else { return None };
            replace(coster, called.target?, *from, *to)
        }
        "split" => {
            let size = coster.size(called.target?);
            let limit = arguments.get(1).and_then(|one| match coster.checked.ast.expr(*one) {
                Expr::Literal(Literal::Int(limit)) => Some(*limit as u64),
                _ => None,
            });
            let parts = Range::new(0, limit.unwrap_or(size.max));
            Estimate::sized(size.by(2.0 * TRAVERSAL), parts)
        }
        "join" => join(coster, called.target?, arguments.first().copied()),
        "find" | "findAll" => {
            let size = coster.size(called.target?);
            let pattern = coster.size(*arguments.first()?).by(PATTERN);
            let cost = size.add(Range::ONE).walked().times(pattern);
            Estimate::sized(cost, Range::new(0, size.max))
        }
        "ip" if called.overload == "cidr_ip" => Estimate::of(Range::ONE),
        "cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver" | "isSemver" => {
            Estimate::of(coster.size(*arguments.first()?).walked())
        }
        "ip.isCanonical" => Estimate::of(coster.size(*arguments.first()?).by(2.0 * TRAVERSAL)),
        "containsIP" | "containsCIDR" => contains(coster, called, *arguments.first()?),
        "validate" => {
            let walked = coster.size(*arguments.first()?).walked();
            Estimate::of(walked.by(FORMAT_PATTERN * PATTERN))
        }
        "_==_" => {
            let [left, right] = arguments else { return None };
            return equals(coster, *left, *right);
        }
        _ => return None,
    })
}

/// A selector is read, and for each two characters of it a requirement is made at the most.
fn selector_cost(length: Range) -> Range {
    let requirements = length.by(0.5).by(REQUIREMENT);
    Range::fixed(LIST).add(length.walked()).add(requirements)
}

/// One walk through a list; elements that are text are walked through themselves.
fn walk_list(coster: &mut Coster<'_>, target: Id) -> Estimate {
    let size = coster.size(target);
    let Some((of, element)) = coster.element(target) else {
        return Estimate::of(size.walked());
    };
    let text = matches!(of, Type::String | Type::Bytes);
    let each = if text {
        Range::ONE.add(element.walked())
    } else {
        Range::ONE
    };
    Estimate::of(size.times(each))
}

fn replace(coster: &mut Coster<'_>, target: Id, from: Id, to: Id) -> Estimate {
    let (size, from, to) = (coster.size(target), coster.size(from), coster.size(to));
    #[expect(clippy::cast_precision_loss, reason = "upstream reckons in doubles")]
    let parts = |length: u64, each: u64| (length as f64 / each as f64).ceil() as u64;
    let (mut count, mut kept) = (Range::ZERO, Range::ZERO);
    if from.min == 0 {
        count.max = size.max.saturating_add(1);
        kept.max = size.max;
    } else if to.max <= from.min {
        kept.max = size.max;
    } else {
        count.max = parts(size.max, from.min);
    }
    if from.max == 0 {
        count.min = size.min.saturating_add(1);
        kept.min = size.min;
    } else if from.max <= to.min {
        kept.min = size.min;
    } else {
        count.min = parts(size.min, from.max);
    }
    Estimate::sized(size.by(2.0 * TRAVERSAL), count.times(to).add(kept))
}

fn join(coster: &mut Coster<'_>, target: Id, separator: Option<Id>) -> Estimate {
    let count = coster.size(target);
    let element = coster.element(target).map(|(_, size)| size);
    let mut size = element.map_or(Range::ZERO, |element| count.times(element));
    if let Some(separator) = separator {
        let between = Range::new(count.min.saturating_sub(1), count.max.saturating_sub(1));
        size = size.add(coster.size(separator).times(between));
    }
    Estimate::sized(size.walked(), size)
}

/// Bytes of addresses are compared; for a range it is masked first, and text is read first.
fn contains(coster: &mut Coster<'_>, called: &Called<'_>, other: Id) -> Estimate {
    let mut cost = ADDRESS.add(ADDRESS).walked();
    if called.function == "containsCIDR" {
        cost = cost.add(ADDRESS.walked()).add(Range::ONE);
    }
    if called.overload.ends_with("_string") {
        cost = cost.add(coster.size(other).walked());
    }
    Estimate::of(cost)
}

/// Objects of the libraries are compared at once.
fn equals(coster: &mut Coster<'_>, left: Id, right: Id) -> Option<Estimate> {
    if coster.of(left) != coster.of(right) {
        return None;
    }
    let name = match coster.of(left) {
        Type::Opaque(name, _) | Type::Struct(name) => name.clone(),
        _ => return None,
    };
    Some(match &*name {
        "net.IP"
        | "net.CIDR"
        | "kubernetes.Quantity"
        | "kubernetes.Semver"
        | "kubernetes.authorization.Authorizer"
        | "kubernetes.authorization.PathCheck"
        | "kubernetes.authorization.GroupCheck"
        | "kubernetes.authorization.ResourceCheck"
        | "kubernetes.authorization.Decision" => Estimate::of(Range::ONE),
        "kubernetes.NamedFormat" => Estimate::of(Range::new(1, FORMAT_MAX).walked()),
        "kubernetes.URL" => {
            let most = coster.known_size(right).map_or(1, |size| size.max);
            Estimate::of(Range::new(1, most).walked())
        }
        _ => return None,
    })
}
