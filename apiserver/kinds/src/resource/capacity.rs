//! How much of a device can be had at once, where several claims share it.

use apiserver_api::path::Path;
use apiserver_api::quantity::Quantity;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::list::each;

/// The most amounts that can be chosen from.
const VALUES_MAX: usize = 10;

/// A capacity; only that of a device that is `shared` says what may be asked of it.
pub(super) fn validate(path: &Path<'_>, capacity: &Tree, shared: bool, refusals: &mut Refusals) {
    let (policy, path) = (capacity.at("requestPolicy"), path.field("requestPolicy"));
    if policy.is_null() {
        return;
    }
    if !shared {
        return refusals.forbidden(&path, "allowMultipleAllocations must be true");
    }
    let all = read(capacity, "value");
    let (values, range) = (policy.items("validValues"), policy.at("validRange"));
    let default = path.field("default");
    match (values.is_empty(), range.is_null()) {
        (true, true) => {}
        (false, false) => {
            let detail = r#"exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time"#;
            refusals.forbidden(&path, detail);
        }
        (false, true) => match read(policy, "default") {
            None => refusals.required(&default, "required when validValues is defined"),
            Some(default) => validate_values(&path.field("validValues"), values, &default, all.as_ref(), refusals),
        },
        (true, false) => match read(policy, "default") {
            None => refusals.required(&default, "required when validRange is defined"),
            Some(default) => validate_range(&path.field("validRange"), range, &default, all.as_ref(), refusals),
        },
    }
}

fn read(tree: &Tree, field: &str) -> Option<Quantity> {
    tree.get(field)
        .filter(|value| !value.is_null())
        .and_then(|value| Quantity::read(value).ok())
}

/// Amounts in order, none more than all, one of them the default.
fn validate_values(
    path: &Path<'_>,
    values: &[Tree],
    default: &Quantity,
    all: Option<&Quantity>,
    refusals: &mut Refusals,
) {
    let read: Vec<Quantity> = values.iter().filter_map(|value| Quantity::read(value).ok()).collect();
    for (at, pair) in read.windows(2).enumerate() {
        if pair[0] > pair[1] {
            let shown = pair[1].to_string();
            refusals.invalid(&path.index(at + 1), &shown, "values must be sorted in ascending order");
        }
    }
    let sound = each(path, values, VALUES_MAX, refusals, |path, value, refusals| {
        if let (Ok(value), Some(all)) = (Quantity::read(value), all)
            && value > *all
        {
            let detail = format!("option is larger than capacity value: {all}");
            refusals.invalid(path, &value.to_string(), &detail);
        }
    });
    for (at, value) in read.iter().enumerate().filter(|_| sound) {
        if read[..at].iter().any(|before| before.value() == value.value()) {
            refusals.duplicate(&path.index(at), &value.value().to_string());
        }
    }
    if !(sound && read.contains(default)) {
        let detail = "default value is not valid according to the requestPolicy";
        refusals.invalid(path, &default.to_string(), detail);
    }
}

/// From a least to a most in steps; the default is one of them.
fn validate_range(path: &Path<'_>, range: &Tree, default: &Quantity, all: Option<&Quantity>, refusals: &mut Refusals) {
    let Some(min) = read(range, "min") else {
        return refusals.required(&path.field("min"), "required when validRange is defined");
    };
    let max = read(range, "max");
    not_above(
        &path.field("min"),
        &min,
        all,
        "min is larger than capacity value",
        refusals,
    );
    if *default < min {
        let detail = format!("default is less than min: {min}");
        refusals.invalid(&path.field("default"), &default.to_string(), &detail);
    }
    if let Some(max) = &max {
        let at = path.field("max");
        not_above(&at, &min, Some(max), "min is larger than max", refusals);
        not_above(&at, max, all, "max is larger than capacity value", refusals);
        not_above(
            &path.field("default"),
            default,
            Some(max),
            "default is more than max",
            refusals,
        );
    }
    if let Some(step) = read(range, "step") {
        validate_step(
            &path.field("step"),
            &step,
            &min,
            [Some(default), max.as_ref()],
            all,
            refusals,
        );
    }
}

fn not_above(path: &Path<'_>, value: &Quantity, most: Option<&Quantity>, words: &str, refusals: &mut Refusals) {
    if let Some(most) = most.filter(|most| value > *most) {
        refusals.invalid(path, &value.to_string(), &format!("{words}: {most}"));
    }
}

fn validate_step(
    path: &Path<'_>,
    step: &Quantity,
    min: &Quantity,
    values: [Option<&Quantity>; 2],
    all: Option<&Quantity>,
    refusals: &mut Refusals,
) {
    if step.sign().is_le() {
        return refusals.invalid(path, &step.to_string(), "must be greater than zero");
    }
    let mut one = min.clone();
    one.add(step);
    if let Some(all) = all.filter(|all| one > **all) {
        let detail = format!("one step {one} is larger than capacity value: {all}");
        refusals.invalid(path, &step.to_string(), &detail);
    }
    for value in values.into_iter().flatten() {
        let rest = value.value().wrapping_sub(min.value()).checked_rem(step.value());
        if rest.is_some_and(|rest| rest != 0) {
            let detail = format!("value is not a multiple of a given step ({step}) from ({min})");
            refusals.invalid(path, &value.to_string(), &detail);
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;

    use crate::trial::tree;

    #[test]
    fn what_may_be_asked_of_a_shared_device_fits_it() {
        for (policy, wrong) in [
            (r#"{"default":"1"}"#, 0),
            (r#"{"default":"1","validValues":["1","2"]}"#, 0),
            (r#"{"default":"3","validValues":["2","1"]}"#, 2),
            (r#"{"default":"1","validValues":["1","1"]}"#, 1),
            (r#"{"default":"1","validValues":["1","11"]}"#, 1),
            (r#"{"validValues":["1"]}"#, 1),
            (r#"{"default":"2","validRange":{"min":"1","max":"9","step":"1"}}"#, 0),
            (r#"{"default":"2","validRange":{"min":"3","max":"2"}}"#, 2),
            (r#"{"default":"2","validRange":{"min":"1","max":"4","step":"2"}}"#, 2),
            (r#"{"default":"2","validRange":{"min":"1","step":"0"}}"#, 1),
            (r#"{"default":"2","validRange":{}}"#, 1),
            (r#"{"default":"2","validRange":{"min":"1"},"validValues":["1"]}"#, 1),
        ] {
            let capacity = tree(&format!(r#"{{"value":"10","requestPolicy":{policy}}}"#));
            for (shared, wrong) in [(true, wrong), (false, 1)] {
                let mut refusals = Refusals::new();
                super::validate(&Path::of("capacity"), &capacity, shared, &mut refusals);
                assert_eq!(refusals.len(), wrong, "{policy}: {refusals}");
            }
        }
    }
}
