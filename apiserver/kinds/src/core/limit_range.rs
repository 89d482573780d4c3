//! `LimitRange`: what pods, containers and claims of a namespace may ask for, and what they ask for where they say nothing.

use std::collections::BTreeSet;

use apiserver_api::meta;
use apiserver_api::names::qualified_name;
use apiserver_api::path::Path;
use apiserver_api::quantity::{Format, Quantity};
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::resources;
use crate::amounts::{amount, may_overcommit};
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};

/// Lists of amounts that an item has.
const LISTS: [&str; 5] = ["default", "defaultRequest", "max", "maxLimitRequestRatio", "min"];
const CONTAINER: &str = "Container";
const POD: &str = "Pod";
const CLAIM: &str = "PersistentVolumeClaim";
/// Above this a number of thousandths does not fit.
const MAX_MILLI: i64 = i64::MAX / 1000;

/// The entry of the table.
pub(crate) const LIMIT_RANGE: Kind = Kind {
    kind: "LimitRange",
    plural: "limitranges",
    singular: "limitrange",
    short_names: &["limits"],
    versions: &[Version::stored("v1", "io.k8s.api.core.v1.LimitRange")],
    folder: "limitranges",
    rules: &LimitRange,
    ..Kind::PLAIN
};

struct LimitRange;

impl Rules for LimitRange {
    fn default(&self, object: &mut Tree) {
        let limits = object.get_mut("spec").and_then(|spec| spec.get_mut("limits"));
        for item in limits.and_then(Tree::as_list_mut).into_iter().flatten() {
            for list in LISTS {
                resources::round(item.get_mut(list));
            }
            if item.text("type") == CONTAINER {
                // A limit that is not said is the greatest; a request is the limit, else the least.
                fill(item, "default", "max");
                fill(item, "defaultRequest", "default");
                fill(item, "defaultRequest", "min");
            }
        }
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        // The only kind that is named where nothing is said of a name: by a uid.
        if meta::name(object).is_empty() {
            let uid = meta::uid(object).to_owned();
            meta::set_name(object, &uid);
        }
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        let spec = Path::of("spec");
        let path = spec.field("limits");
        let mut types = BTreeSet::new();
        for (at, item) in object.at("spec").items("limits").iter().enumerate() {
            let path = path.index(at);
            let name = item.text("type");
            validate_type(&path.field("type"), name, refusals);
            if !types.insert(name) {
                refusals.duplicate(&path.field("type"), name);
            }
            validate_item(&path, item, refusals);
        }
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, _old: &Tree, refusals: &mut Refusals) {
        self.validate(asked, object, refusals);
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn canonicalize(&self, object: &mut Tree) {
        // No limits are stored as nothing.
        if object.at("spec").items("limits").is_empty() {
            object.child("spec").set("limits", Tree::Null);
        }
    }
}

/// Takes what a list does not have from another.
fn fill(item: &mut Tree, list: &str, from: &str) {
    let from = item.entries(from).clone();
    if from.is_empty() {
        return;
    }
    if let Some(list) = item.child(list).as_map_mut() {
        list.absorb(from, |own, value| {
            if own.is_null() {
                *own = value;
            }
        });
    }
}

fn validate_type(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    let messages = qualified_name(name);
    if messages.is_empty() && !name.contains('/') && ![POD, CONTAINER, CLAIM].contains(&name) {
        let detail = "must be a standard limit type or fully qualified";
        refusals.invalid(path, name, detail);
    }
    for message in messages {
        refusals.invalid(path, name, &message);
    }
}

fn validate_item(path: &Path<'_>, item: &Tree, refusals: &mut Refusals) {
    let of = item.text("type");
    let mut names = BTreeSet::new();
    let mut known = |list: &'static str, refusals: &mut Refusals| {
        let path = path.field(list);
        for (name, _) in item.entries(list).iter() {
            if of == POD || of == CONTAINER {
                resources::validate_container_name(&path.key(name), name, refusals);
            } else {
                resources::validate_name(&path.key(name), name, refusals);
            }
            names.insert(name.to_owned());
        }
    };
    known("max", refusals);
    known("min", refusals);
    for list in ["default", "defaultRequest"] {
        if of != POD {
            known(list, refusals);
        } else if !item.entries(list).is_empty() {
            refusals.forbidden(&path.field(list), "may not be specified when `type` is 'Pod'");
        }
    }
    if of == CLAIM && !item.at("min").has("storage") && !item.at("max").has("storage") {
        let detail = "either minimum or maximum storage value is required, but neither was provided";
        refusals.required(&path.field("limits"), detail);
    }
    known("maxLimitRequestRatio", refusals);
    for name in &names {
        let bounds = Bounds::of(item, name);
        bounds.validate_order(path, name, refusals);
        bounds.validate_ratio(path, name, refusals);
        bounds.validate_equal(path, name, refusals);
    }
}

/// What an item says of a resource.
struct Bounds {
    min: Option<Quantity>,
    max: Option<Quantity>,
    limit: Option<Quantity>,
    request: Option<Quantity>,
    ratio: Option<Quantity>,
}

impl Bounds {
    fn of(item: &Tree, name: &str) -> Self {
        let defaults = item.text("type") != POD;
        let one = |list: &str| item.entries(list).get(name).map(amount);
        Self {
            min: one("min"),
            max: one("max"),
            limit: one("default").filter(|_| defaults),
            request: one("defaultRequest").filter(|_| defaults),
            ratio: one("maxLimitRequestRatio"),
        }
    }

    /// From the least to the greatest: min, request, limit, max.
    fn validate_order(&self, path: &Path<'_>, name: &str, refusals: &mut Refusals) {
        let (min, max) = (("min value", &self.min), ("max value", &self.max));
        let request = ("default request value", &self.request);
        // The value that is shown is not always that of the field.
        for (list, less, more, shown) in [
            ("min", min, max, &self.min),
            ("defaultRequest", min, request, &self.request),
            ("defaultRequest", request, max, &self.request),
            (
                "defaultRequest",
                request,
                ("default limit value", &self.limit),
                &self.request,
            ),
            ("default", min, ("default value", &self.limit), &self.min),
            ("default", ("default value", &self.limit), max, &self.max),
        ] {
            let ((less_words, Some(less)), (more_words, Some(more)), Some(shown)) = (less, more, shown) else {
                continue;
            };
            if less > more {
                let detail = format!("{less_words} {less} is greater than {more_words} {more}");
                refusals.invalid(&path.field(list).key(name), &shown.to_string(), &detail);
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "upstream reckons ratios in doubles")]
    fn validate_ratio(&self, path: &Path<'_>, name: &str, refusals: &mut Refusals) {
        let Some(ratio) = &self.ratio else { return };
        let list = path.field("maxLimitRequestRatio");
        let path = list.key(name);
        if *ratio < Quantity::new(1, Format::DecimalSi) {
            refusals.invalid(&path, &ratio.to_string(), &format!("ratio {ratio} is less than 1"));
        }
        let (Some(min), Some(max)) = (&self.min, &self.max) else {
            return;
        };
        let fine = |quantity: &Quantity| quantity.value() < MAX_MILLI;
        let (value, most) = if fine(ratio) && fine(min) && fine(max) {
            let most = max.milli_value() as f64 / min.milli_value() as f64;
            (ratio.milli_value() as f64 / 1000.0, most)
        } else {
            (ratio.value() as f64, max.value() as f64 / min.value() as f64)
        };
        if value > most {
            let most = if most.is_infinite() {
                "-Inf".to_owned()
            } else {
                format!("{most:.6}")
            };
            let detail = format!("ratio {ratio} is greater than max/min = {most}");
            refusals.invalid(&path, &ratio.to_string(), &detail);
        }
    }

    /// What cannot be promised twice is asked for in full.
    fn validate_equal(&self, path: &Path<'_>, name: &str, refusals: &mut Refusals) {
        if let (Some(limit), Some(request)) = (&self.limit, &self.request)
            && !may_overcommit(name)
            && limit != request
        {
            let detail = format!("default value {limit} must equal to defaultRequest value {request} in {name}");
            let path = path.field("defaultRequest");
            refusals.invalid(&path.key(name), &request.to_string(), &detail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LIMIT_RANGE;
    use crate::trial::{create, object, refused, tree};

    fn with(item: &str) -> String {
        format!(r#"{{"spec": {{"limits": [{item}]}}}}"#)
    }

    #[test]
    fn containers_take_what_is_not_said_from_bounds() {
        let made = create(
            &LIMIT_RANGE,
            &with(r#"{"type": "Container", "max": {"cpu": "2"}, "min": {"memory": "1"}}"#),
        );
        let item = &made.unwrap().at("spec").items("limits")[0].clone();
        assert_eq!(item.at("default"), &tree(r#"{"cpu": "2"}"#));
        assert_eq!(item.at("defaultRequest"), &tree(r#"{"cpu": "2", "memory": "1"}"#));
    }

    #[test]
    fn a_range_without_a_name_is_named_by_its_uid() {
        let made = create(&LIMIT_RANGE, r#"{"metadata": {"name": ""}, "spec": {"limits": []}}"#).unwrap();
        assert_eq!(made.at("metadata").text("name"), "u");
        assert!(made.at("spec").at("limits").is_null());
    }

    #[test]
    fn amounts_are_in_order() {
        for (item, field) in [
            (
                r#"{"type": "Pod", "min": {"cpu": "2"}, "max": {"cpu": "1"}}"#,
                "spec.limits[0].min[cpu]: ",
            ),
            (
                r#"{"type": "Container", "max": {"cpu": "1"}, "default": {"cpu": "2"}, "defaultRequest": {"cpu": "1"}}"#,
                "spec.limits[0].default[cpu]: ",
            ),
            (
                r#"{"type": "Container", "max": {"cpu": "9"}, "default": {"cpu": "1"}, "defaultRequest": {"cpu": "2"}}"#,
                "spec.limits[0].defaultRequest[cpu]: ",
            ),
            (
                r#"{"type": "Pod", "min": {"cpu": "1"}, "max": {"cpu": "2"}, "maxLimitRequestRatio": {"cpu": "3"}}"#,
                "spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: \"3\": ratio 3 is greater than max/min = 2.000000",
            ),
            (
                r#"{"type": "Container", "default": {"a.b/c": "2"}, "defaultRequest": {"a.b/c": "1"}}"#,
                "spec.limits[0].defaultRequest[a.b/c]: ",
            ),
        ] {
            let told = refused(&LIMIT_RANGE, &with(item));
            assert!(told.len() == 1 && told[0].starts_with(field), "{told:?}");
        }
    }

    #[test]
    fn types_are_known_and_stand_once() {
        for (item, count) in [
            (r#"{"type": "a.b/c"}"#, 0),
            (r#"{"type": "x"}"#, 1),
            (r#"{"type": "Pod"}, {"type": "Pod"}"#, 1),
            (r#"{"type": "Pod", "default": {"cpu": "1"}}"#, 1),
            (r#"{"type": "PersistentVolumeClaim"}"#, 1),
            (r#"{"type": "PersistentVolumeClaim", "max": {"storage": "1"}}"#, 0),
        ] {
            assert_eq!(refused(&LIMIT_RANGE, &with(item)).len(), count, "{item}");
        }
    }

    #[test]
    fn many_bounds_become_limits_beside_many_others() {
        let all = |letter: char| {
            let names = (0..30_000).map(|at| format!(r#""example.com/{letter}{at}": "1""#));
            names.collect::<Vec<_>>().join(",")
        };
        let (max, default) = (all('a'), all('z'));
        let item = format!(r#"{{"type": "Container", "max": {{{max}}}, "default": {{{default}}}}}"#);
        let made = object(&LIMIT_RANGE, &with(&item));
        let item = &made.at("spec").items("limits")[0];
        assert_eq!(
            [item.entries("default").len(), item.entries("defaultRequest").len()],
            [60_000; 2]
        );
    }
}
