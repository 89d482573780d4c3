//! The networks of a node's pods: one of each family, which stay once they are set.

use std::collections::HashSet;

use apiserver_api::names::parse_cidr_sloppy;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::address;

const LIST: &str = "podCIDRs";

/// Makes the single network and the list of them say the same; where they differ the single one is right.
pub(super) fn fill(object: &mut Tree) {
    let Some(spec) = object.get_mut("spec") else { return };
    let single = spec.text("podCIDR").to_owned();
    let first = spec.items(LIST).first().and_then(Tree::as_str).unwrap_or_default();
    if !single.is_empty() && single != first {
        spec.set(LIST, vec![Tree::from(single)]);
    } else if single.is_empty() && !first.is_empty() {
        let first = first.to_owned();
        spec.set("podCIDR", first);
    }
}

fn list(object: &Tree) -> Vec<&str> {
    let items = object.at("spec").items(LIST).iter();
    items.map(|item| item.as_str().unwrap_or_default()).collect()
}

pub(super) fn validate(object: &Tree, old: &Tree, refusals: &mut Refusals) {
    let (cidrs, had) = (list(object), HashSet::<&str>::from_iter(list(old)));
    let spec = Path::of("spec");
    let path = spec.field(LIST);
    for (at, cidr) in cidrs.iter().enumerate() {
        address::cidr(&path.index(at), cidr, had.contains(cidr), refusals);
    }
    if cidrs.len() < 2 {
        return;
    }
    let mut families = HashSet::new();
    let mut wrong = false;
    for (at, cidr) in cidrs.iter().enumerate() {
        let Some(network) = parse_cidr_sloppy(cidr) else {
            let error = format!("invalid CIDR[{at}]: <nil> (invalid CIDR address: {cidr})");
            let words = "invalid PodCIDRs. failed to check with dual stack with error:";
            refusals.internal(&path, &format!("{words}{error}"));
            wrong = true;
            break;
        };
        families.insert(network.ip().v4().is_some());
    }
    if wrong || families.len() < 2 || cidrs.len() > 2 {
        let shown: Tree = cidrs.iter().copied().collect();
        let detail = "may specify no more than one CIDR for each IP family";
        refusals.invalid(&path, &shown, detail);
    }
}

pub(super) fn validate_change(object: &Tree, old: &Tree, refusals: &mut Refusals) {
    let (new, old) = (list(object), list(old));
    if old.is_empty() {
        return;
    }
    let changes = if new.len() == old.len() {
        old.iter().zip(&new).filter(|(old, new)| old != new).count()
    } else {
        1
    };
    let spec = Path::of("spec");
    for _ in 0..changes {
        let detail = r#"node updates may not change podCIDR except from "" to valid"#;
        refusals.forbidden(&spec.field(LIST), detail);
    }
}
