//! `StatefulSet`: pods of a template that keep their names and their storage.

use std::collections::HashSet;

use apiserver_api::labels::{self, Selector};
use apiserver_api::meta;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::GROUP;
use crate::check::{count_generation, same};
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::core::persistent_volume_claim::spec as claim;
use crate::internal::{LABEL_SELECTOR, shown};
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, validate_metadata};
use crate::{int_or_percent, pod, template_columns, workload};

const TYPE: &str = "io.k8s.api.apps.v1.StatefulSet";
const SPEC: &str = "io.k8s.api.apps.v1.StatefulSetSpec";
const TEMPLATE: &str = "io.k8s.api.core.v1.PodTemplateSpec";
/// What an update may change.
const CHANGEABLE: &[&str] = &[
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

/// The entry of the table.
pub(crate) const STATEFUL_SET: Kind = Kind {
    group: GROUP,
    kind: "StatefulSet",
    plural: "statefulsets",
    singular: "statefulset",
    short_names: &["sts"],
    categories: &["all"],
    versions: &[Version::stored("v1", TYPE)],
    subresources: &[Subresource::SCALE, Subresource::STATUS],
    folder: "statefulsets",
    rules: &StatefulSet,
    columns: &[
        NAME,
        Column {
            name: "Ready",
            words: Words::Text("Number of the pod with ready state"),
            cell: Cell::Is(|object| workload::ready_of(object).into()),
            ..AGE
        },
        AGE,
        template_columns::CONTAINERS,
        template_columns::IMAGES,
    ],
    ..Kind::PLAIN
};

struct StatefulSet;

impl Rules for StatefulSet {
    fn name(&self) -> names::NameRule {
        names::name_is_dns_label
    }

    fn default(&self, object: &mut Tree) {
        let spec = object.child("spec");
        spec.set_default("podManagementPolicy", "OrderedReady");
        let strategy = spec.child("updateStrategy");
        if strategy.set_default("type", "RollingUpdate") {
            strategy.child("rollingUpdate");
        }
        if strategy.text("type") == "RollingUpdate" && strategy.has("rollingUpdate") {
            strategy.child("rollingUpdate").set_default("partition", 0_i64);
        }
        let retention = spec.child("persistentVolumeClaimRetentionPolicy");
        for moment in ["whenDeleted", "whenScaled"] {
            retention.set_default(moment, "Retain");
        }
        spec.set_default("replicas", 1_i64);
        spec.set_default("revisionHistoryLimit", 10_i64);
        if let Some(claims) = spec.get_mut("volumeClaimTemplates").and_then(Tree::as_list_mut) {
            for one in claims {
                meta::set_type(one, "v1", "PersistentVolumeClaim");
                claim::default_claim(one);
            }
        }
        pod::default_template(spec.child("template"));
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        workload::clear_status(object, &["availableReplicas", "replicas"]);
        meta::set_generation(object, 1);
        drop_disabled(object, None);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        drop_disabled(object, Some(old));
        count_generation(&STATEFUL_SET, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        validate_spec(object.at("spec"), None, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        // The name is not checked again: it was once allowed to be one that no pod can have.
        validate_metadata_update(object, old, refusals);
        let (new, old) = (object.at("spec"), old.at("spec"));
        validate_spec(new, Some(old), refusals);
        let kept = |spec: &Tree| {
            let mut spec = spec.clone();
            for field in CHANGEABLE {
                spec.remove(field);
            }
            spec
        };
        if !same(SPEC, &kept(new), &kept(old)) {
            let detail = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
                          'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and \
                          'minReadySeconds' are forbidden";
            refusals.forbidden(&Path::of("spec"), detail);
        }
    }

    fn warnings(&self, object: &Tree, old: Option<&Tree>) -> Vec<String> {
        let mut warnings = super::template_warnings(object, old);
        let (spec_path, spec) = (Path::of("spec"), object.at("spec"));
        let path = spec_path.field("volumeClaimTemplates");
        for (at, one) in spec.items("volumeClaimTemplates").iter().enumerate() {
            let path = path.index(at);
            // Upstream writes the path of an update with a capital.
            let path = if old.is_some() { path.field("Spec") } else { path };
            warnings.extend(claim::warnings(&path, one.at("spec")));
        }
        if spec.int("revisionHistoryLimit") < 0 {
            let text = "a negative value retains all historical revisions; a value >= 0 is recommended";
            warnings.push(format!("spec.revisionHistoryLimit: {text}"));
        }
        warnings
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(self)
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

/// Clears what this version does not do yet unless the old object has it.
fn drop_disabled(object: &mut Tree, old: Option<&Tree>) {
    let unavailable = ["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"];
    let spec = object.child("spec");
    if old.is_none_or(|old| old.below(&unavailable).is_null()) {
        let update = spec
            .get_mut("updateStrategy")
            .and_then(|strategy| strategy.get_mut("rollingUpdate"));
        update.and_then(|update| update.remove("maxUnavailable"));
    }
    super::drop_disabled(object, old);
}

fn validate_spec(spec: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let path = Path::of("spec");
    let policy = spec.text("podManagementPolicy");
    match policy {
        "" => refusals.required(&path.field("podManagementPolicy"), ""),
        "OrderedReady" | "Parallel" => {}
        _ => {
            let detail = "must be 'OrderedReady' or 'Parallel'";
            refusals.invalid(&path.field("podManagementPolicy"), policy, detail);
        }
    }
    validate_strategy(&path.field("updateStrategy"), spec.at("updateStrategy"), refusals);
    let retention_path = path.field("persistentVolumeClaimRetentionPolicy");
    let retention = spec.at("persistentVolumeClaimRetentionPolicy");
    for moment in ["whenDeleted", "whenScaled"] {
        let policy = retention.text(moment);
        if !retention.is_null() && !matches!(policy, "Retain" | "Delete") {
            refusals.not_supported(&retention_path.field(moment), policy, &["Retain", "Delete"]);
        }
    }
    workload::validate_counts(&path, spec, &["replicas", "minReadySeconds"], refusals);
    workload::validate_counts(&path.field("ordinals"), spec.at("ordinals"), &["start"], refusals);
    let service = spec.text("serviceName");
    if old.is_none() && !service.is_empty() {
        for message in names::dns_label(service) {
            refusals.invalid(&path.field("serviceName"), service, &message);
        }
    }
    if old.is_none() {
        validate_claims(&path.field("volumeClaimTemplates"), spec, refusals);
    }
    validate_template(&path, spec, old, refusals);
}

fn validate_strategy(path: &Path<'_>, strategy: &Tree, refusals: &mut Refusals) {
    let (update_path, update) = (path.field("rollingUpdate"), strategy.at("rollingUpdate"));
    match strategy.text("type") {
        "" => refusals.required(path, ""),
        "OnDelete" if update.is_null() => {}
        "OnDelete" => {
            let shown = shown("io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy", update);
            refusals.invalid(&update_path, shown, "only allowed for updateStrategy 'RollingUpdate'");
        }
        "RollingUpdate" => {
            workload::validate_counts(&update_path, update, &["partition"], refusals);
            let (path, most) = (update_path.field("maxUnavailable"), update.at("maxUnavailable"));
            if !most.is_null() {
                int_or_percent::validate(&path, most, refusals);
                if int_or_percent::number(most) == 0 {
                    refusals.invalid(&path, most, "cannot be 0");
                }
                int_or_percent::at_most_all(&path, most, refusals);
            }
        }
        _ => {
            let shown = shown("io.k8s.api.apps.v1.StatefulSetUpdateStrategy", strategy);
            refusals.invalid(path, shown, "must be 'RollingUpdate' or 'OnDelete'");
        }
    }
}

/// Checks the storage that each pod of a new set has: it cannot change later.
fn validate_claims(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    for (at, one) in spec.items("volumeClaimTemplates").iter().enumerate() {
        let path = path.index(at);
        claim::validate(&path.field("spec"), one.at("spec"), &Tree::Null, refusals);
    }
}

fn validate_template(path: &Path<'_>, spec: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let (selector_path, selector) = (path.field("selector"), spec.at("selector"));
    let empty = "empty selector is invalid for statefulset";
    workload::validate_selector(&selector_path, selector, empty, refusals);
    let (path, template) = (path.field("template"), spec.at("template"));
    match Selector::from_object(selector) {
        Err(_) => refusals.invalid(&selector_path, shown(LABEL_SELECTOR, selector), ""),
        Ok(read) => {
            workload::validate_fit(&path, &read, template, refusals);
            // Upstream checks these by themselves and then once more with the rest.
            let metadata = template.at("metadata");
            labels::validate_labels(&path.field("labels"), metadata.entries("labels"), refusals);
            let annotations = metadata.entries("annotations");
            meta::validate_annotations(&path.field("annotations"), annotations, refusals);
            let whole = as_of_pods(spec);
            match old.map(as_of_pods) {
                // One that is as it was may be of a time when nobody checked it.
                Some(before) if same(TEMPLATE, &whole, &before) => {}
                Some(before) => pod::validate_template_update(&path, &whole, &before, refusals),
                None => pod::validate_template(&path, &whole, refusals),
            }
        }
    }
    workload::validate_always(&path, template, "StatefulSet", refusals);
}

/// The template as the controller makes pods of it: with the volumes that its claims become, and with names of its own.
fn as_of_pods(spec: &Tree) -> Tree {
    let mut template = spec.at("template").clone();
    for name in ["hostname", "subdomain"] {
        template.child("spec").remove(name);
    }
    let claims = spec.items("volumeClaimTemplates");
    if claims.is_empty() {
        return template;
    }
    let volume_of = |name: &str| {
        let mut volume = Tree::map();
        volume.set("name", name);
        volume.child("persistentVolumeClaim").set("claimName", name);
        volume
    };
    let mut known = HashSet::new();
    let names: Vec<&str> = claims
        .iter()
        .map(meta::name)
        .filter(|name| known.insert(*name))
        .collect();
    let pod = template.child("spec");
    let others = pod
        .items("volumes")
        .iter()
        .filter(|volume| !known.contains(volume.text("name")))
        .cloned();
    let volumes: Vec<Tree> = names.iter().map(|name| volume_of(name)).chain(others).collect();
    pod.set("volumes", volumes);
    template
}

impl StatusRules for StatefulSet {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        let (path, status) = (Path::of("status"), object.at("status"));
        let parts = [
            "readyReplicas",
            "currentReplicas",
            "updatedReplicas",
            "availableReplicas",
        ];
        workload::validate_counts(&path, status, &["replicas"], refusals);
        workload::validate_counts(&path, status, &parts, refusals);
        workload::validate_counts(&path, status, &["observedGeneration", "collisionCount"], refusals);
        workload::validate_parts(&path, status, &parts, "status.readyReplicas", refusals);
        validate_metadata_update(object, old, refusals);
        workload::validate_collisions(object, old, refusals);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::{Tree, parse};

    fn tree(json: &str) -> Tree {
        parse(json.as_bytes()).unwrap().tree
    }

    #[test]
    fn a_strategy_is_one_of_two_with_what_belongs_to_it() {
        for (strategy, refused) in [
            (r#"{"type":"RollingUpdate","rollingUpdate":{"partition":1}}"#, 0),
            (r#"{"type":"OnDelete"}"#, 0),
            ("{}", 1),
            (r#"{"type":"OnDelete","rollingUpdate":{"partition":1}}"#, 1),
            (
                r#"{"type":"RollingUpdate","rollingUpdate":{"partition":-1,"maxUnavailable":0}}"#,
                2,
            ),
            (r#"{"type":"Other"}"#, 1),
        ] {
            let mut refusals = Refusals::new();
            super::validate_strategy(&Path::of("updateStrategy"), &tree(strategy), &mut refusals);
            assert_eq!(refusals.len(), refused, "{strategy}: {refusals}");
        }
    }

    #[test]
    fn claims_become_volumes_and_hide_those_of_their_names() {
        let spec = r#"{"template":{"spec":{"hostname":"h","volumes":[{"name":"a","emptyDir":{}},{"name":"b","emptyDir":{}}]}},
                       "volumeClaimTemplates":[{"metadata":{"name":"a"}},{"metadata":{"name":"a"}}]}"#;
        let pod = super::as_of_pods(&tree(spec)).at("spec").clone();
        let expected =
            r#"{"volumes":[{"name":"a","persistentVolumeClaim":{"claimName":"a"}},{"name":"b","emptyDir":{}}]}"#;
        assert_eq!(pod, tree(expected));
    }

    #[test]
    fn claims_are_checked_only_when_they_are_new() {
        let told = |spec: &Tree, old: Option<&Tree>| {
            let mut refusals = Refusals::new();
            super::validate_spec(spec, old, &mut refusals);
            let fields = refusals.iter().map(|refusal| refusal.field.clone());
            fields.filter(|field| field.contains("olume")).collect::<Vec<_>>()
        };
        let spec = tree(r#"{"volumeClaimTemplates":[{}]}"#);
        let fields = ["accessModes", "resources[storage]"];
        let claim = fields.map(|field| format!("spec.volumeClaimTemplates[0].spec.{field}"));
        let volume = [
            "spec.template.spec.volumes[0].persistentVolumeClaim.claimName",
            "spec.template.spec.volumes[0].name",
        ];
        assert_eq!(told(&spec, None), [&claim[..], &volume.map(str::to_owned)].concat());
        // The volume that comes of a claim is checked with the template.
        assert_eq!(told(&spec, Some(&tree("{}"))), volume);
        assert_eq!(told(&spec, Some(&spec)), [""; 0]);
    }
}
