//! `ResourceSlice`: devices that a driver has, on a node or for several.

use apiserver_api::go::quote;
use apiserver_api::meta;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::list::{each_named, pool_name};
use super::{GROUP, conversion, device, taint};
use crate::check::{count_generation, immutable};
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::internal::shown_list;
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};
use crate::node_selector;
use crate::selection::{Selectable, Selection};
use crate::text::{driver_name, required, tell};

const SPEC: &str = "io.k8s.api.resource.v1.ResourceSliceSpec";
const DEVICES_MAX: usize = 128;
/// The most devices where one has taints or shares counters.
const ADVANCED_MAX: usize = 64;
const COUNTER_SETS_MAX: usize = 8;

/// The entry of the table.
pub(crate) const RESOURCE_SLICE: Kind = Kind {
    group: GROUP,
    kind: "ResourceSlice",
    plural: "resourceslices",
    singular: "resourceslice",
    namespaced: false,
    versions: &[
        Version::stored("v1", "io.k8s.api.resource.v1.ResourceSlice"),
        conversion::same("v1beta2", "io.k8s.api.resource.v1beta2.ResourceSlice"),
        conversion::converted(
            "v1beta1",
            "io.k8s.api.resource.v1beta1.ResourceSlice",
            conversion::SLICE,
        ),
    ],
    folder: "resourceslices",
    rules: &Slice,
    columns: &[
        NAME,
        Column {
            name: "Node",
            words: Words::Of(SPEC, "nodeName"),
            cell: Cell::Is(|object| object.at("spec").text("nodeName").into()),
            ..AGE
        },
        Column {
            name: "Driver",
            words: Words::Of(SPEC, "driver"),
            cell: Cell::Is(|object| object.at("spec").text("driver").into()),
            ..AGE
        },
        Column {
            name: "Pool",
            words: Words::Of("io.k8s.api.resource.v1.ResourcePool", "name"),
            cell: Cell::Is(|object| object.at("spec").at("pool").text("name").into()),
            ..AGE
        },
        AGE,
    ],
    selection: Selection {
        labels: &["metadata.name", "spec.nodeName", "spec.driver"],
        fields: &[Selectable::text("spec.nodeName"), Selectable::text("spec.driver")],
        unknown: |kind, name| format!("field label not supported for {kind}: {name}"),
        ..Selection::OWN
    },
    ..Kind::PLAIN
};

struct Slice;

impl Rules for Slice {
    fn prepare_create(&self, asked: &Asked<'_>, object: &mut Tree) {
        meta::set_generation(object, 1);
        date_taints(asked, object);
        clear_gated(object, &Tree::Null);
    }

    fn prepare_update(&self, asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        date_taints(asked, object);
        // Upstream counts what it then clears.
        count_generation(&RESOURCE_SLICE, object, old, "spec");
        clear_gated(object, old);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), false, object, refusals);
        validate_spec(object.at("spec"), &Tree::Null, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        validate_spec(object.at("spec"), old.at("spec"), refusals);
    }

    fn warnings(&self, object: &Tree, _old: Option<&Tree>) -> Vec<String> {
        let driver = object.at("spec").text("driver");
        let capitals = driver.to_lowercase() != driver;
        let shown = quote(driver);
        let warning = format!("spec.driver: driver names should be lowercase; {shown} contains uppercase characters");
        capitals.then_some(warning).into_iter().collect()
    }

    fn answers_deleted(&self) -> bool {
        true
    }
}

fn devices(object: &mut Tree) -> impl Iterator<Item = &mut Tree> {
    let devices = object.get_mut("spec").and_then(|spec| spec.get_mut("devices"));
    devices.and_then(Tree::as_list_mut).into_iter().flatten()
}

fn date_taints(asked: &Asked<'_>, object: &mut Tree) {
    for one in devices(object) {
        let taints = one.get_mut("taints").and_then(Tree::as_list_mut);
        taints.into_iter().flatten().for_each(|one| taint::date(asked, one));
    }
}

/// Clears what no feature that is on as released gives, unless the slice has it.
fn clear_gated(object: &mut Tree, old: &Tree) {
    let used = device::Gated::of(old.at("spec").items("devices"));
    devices(object).for_each(|one| used.clear(one));
}

fn validate_spec(spec: &Tree, old: &Tree, refusals: &mut Refusals) {
    let path = Path::of("spec");
    driver_name(&path.field("driver"), spec.text("driver"), refusals);
    validate_pool(&path.field("pool"), spec.at("pool"), refusals);
    if !old.is_null() {
        let name = |spec: &Tree| spec.at("pool").at("name").clone();
        let pool = path.field("pool");
        immutable(&pool.field("name"), &name(spec), &name(old), refusals);
        for field in ["driver", "nodeName"] {
            immutable(&path.field(field), spec.at(field), old.at(field), refusals);
        }
    }
    validate_place(&path, spec, refusals);
    if spec.has("sharedCounters") && spec.has("devices") {
        refusals.invalid(&path, "", "only one of `sharedCounters` or `devices` is allowed");
    }
    let devices = spec.items("devices");
    let advanced = |device: &Tree| {
        ["taints", "consumesCounters"]
            .iter()
            .any(|field| !device.items(field).is_empty())
    };
    let most = if devices.iter().any(advanced) {
        ADVANCED_MAX
    } else {
        DEVICES_MAX
    };
    let everywhere = spec.flag("perDeviceNodeSelection");
    each_named(
        &path.field("devices"),
        (devices, "name"),
        most,
        refusals,
        |path, one, refusals| {
            let mut before = old.items("devices").iter();
            let before = before.find(|before| before.text("name") == one.text("name"));
            device::validate(path, one, before, everywhere, refusals);
        },
    );
    let sets = (spec.items("sharedCounters"), "name");
    each_named(
        &path.field("sharedCounters"),
        sets,
        COUNTER_SETS_MAX,
        refusals,
        |path, set, refusals| {
            required(&path.field("name"), set.text("name"), names::dns_label, refusals);
            device::validate_counters(&path.field("counters"), set.entries("counters"), refusals);
        },
    );
}

fn validate_pool(path: &Path<'_>, pool: &Tree, refusals: &mut Refusals) {
    pool_name(&path.field("name"), pool.text("name"), refusals);
    let (count, generation) = (pool.int("resourceSliceCount"), pool.int("generation"));
    if count <= 0 {
        refusals.invalid(&path.field("resourceSliceCount"), count, "must be greater than zero");
    }
    if generation < 0 {
        let detail = "must be greater than or equal to zero";
        refusals.invalid(&path.field("generation"), generation, detail);
    }
}

/// Where the devices are: one of four ways.
fn validate_place(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let mut ways = Vec::new();
    if let Some(node) = spec.at("nodeName").as_str() {
        let path = path.field("nodeName");
        if node.is_empty() {
            refusals.invalid(&path, node, "must be either unset or set to a non-empty string");
        } else {
            ways.push("`nodeName`");
            tell(&path, node, names::dns_subdomain(node), refusals);
        }
    }
    if spec.has("nodeSelector") {
        ways.push("`nodeSelector`");
        let (path, selector) = (path.field("nodeSelector"), spec.at("nodeSelector"));
        node_selector::validate(&path, selector, false, refusals);
        if selector.items("nodeSelectorTerms").len() != 1 {
            let detail = "must have exactly one node selector term";
            let shown = shown_list(node_selector::TERM, selector.at("nodeSelectorTerms"));
            refusals.invalid(&path.field("nodeSelectorTerms"), shown, detail);
        }
    }
    for (field, way) in [
        ("allNodes", "`allNodes`"),
        ("perDeviceNodeSelection", "`perDeviceNodeSelection`"),
    ] {
        match spec.at(field).as_bool() {
            Some(true) => ways.push(way),
            Some(false) => refusals.invalid(&path.field(field), false, "must be either unset or set to true"),
            None => {}
        }
    }
    let detail = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
    if ways.is_empty() {
        refusals.required(path, detail);
    } else if ways.len() > 1 {
        let shown = format!("{{{}}}", ways.join(", "));
        refusals.invalid(path, &*shown, &format!("{detail}, but multiple fields are set"));
    }
}

#[cfg(test)]
mod tests {
    use super::RESOURCE_SLICE;
    use crate::trial::{cells, create, refused, update, warnings};

    fn slice(more: &str) -> String {
        let pool = r#""pool":{"name":"p","resourceSliceCount":1}"#;
        format!(r#"{{"spec":{{"driver":"d.io",{pool},{more}}}}}"#)
    }

    #[test]
    fn a_slice_says_where_its_devices_are() {
        for (more, wrong) in [
            (r#""nodeName":"n""#, 0),
            (r#""allNodes":true"#, 0),
            (r#""allNodes":false"#, 2),
            (r#""nodeName":"n","allNodes":true"#, 1),
            (r#""nodeName":"""#, 2),
            (r#""nodeSelector":{"nodeSelectorTerms":[{},{}]}"#, 1),
            (r#""nodeName":"n","devices":[{"name":"d"},{"name":"d"}]"#, 1),
            (
                r#""nodeName":"n","sharedCounters":[{"name":"c","counters":{"a":{"value":"1"}}}]"#,
                0,
            ),
            (r#""nodeName":"n","sharedCounters":[{}]"#, 2),
        ] {
            assert_eq!(refused(&RESOURCE_SLICE, &slice(more)).len(), wrong, "{more}");
        }
        assert_eq!(refused(&RESOURCE_SLICE, r#"{"spec":{}}"#).len(), 4);
    }

    #[test]
    fn driver_pool_and_node_stay() {
        let (old, new) = (slice(r#""nodeName":"n""#), slice(r#""nodeName":"m""#));
        assert_eq!(update(&RESOURCE_SLICE, &old, &new).unwrap_err().len(), 1);
        let other = old.replace(r#""name":"p""#, r#""name":"q""#);
        assert_eq!(update(&RESOURCE_SLICE, &old, &other).unwrap_err().len(), 1);
    }

    #[test]
    fn taints_are_dated_and_unreleased_fields_cleared() {
        let device =
            r#"{"name":"d","taints":[{"key":"k","effect":"None"}],"nodeAllocatableResourceMappings":{"cpu":{}}}"#;
        let made = create(
            &RESOURCE_SLICE,
            &slice(&format!(r#""nodeName":"n","devices":[{device}]"#)),
        )
        .unwrap();
        let device = &made.at("spec").items("devices")[0];
        assert!(device.items("taints")[0].has("timeAdded"));
        assert!(!device.has("nodeAllocatableResourceMappings"));
    }

    #[test]
    fn capitals_come_with_a_warning() {
        assert_eq!(warnings(&RESOURCE_SLICE, &slice(r#""nodeName":"n""#)).len(), 0);
        let loud = slice(r#""nodeName":"n""#).replace("d.io", "D.io");
        assert_eq!(warnings(&RESOURCE_SLICE, &loud).len(), 1);
        assert_eq!(cells(&RESOURCE_SLICE, &loud)[1..4], ["n", "D.io", "p"]);
    }
}
