//! `StorageVersionMigration`: all objects of a resource are to be written again.

use apiserver_api::meta;
use apiserver_api::names::{dns_1035_label, dns_subdomain};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::check::immutable_struct;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::condition;
use crate::internal::shown_list;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, keep_metadata, validate_metadata};

const SPEC: &str = "io.k8s.api.storagemigration.v1beta1.StorageVersionMigrationSpec";
const CONDITION: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Condition";

/// The entry of the table.
pub(super) const STORAGE_VERSION_MIGRATION: Kind = Kind {
    group: "storagemigration.k8s.io",
    kind: "StorageVersionMigration",
    plural: "storageversionmigrations",
    singular: "storageversionmigration",
    namespaced: false,
    versions: &[Version::stored(
        "v1beta1",
        "io.k8s.api.storagemigration.v1beta1.StorageVersionMigration",
    )],
    subresources: &[Subresource::STATUS],
    folder: "storageversionmigrations",
    rules: &StorageVersionMigration,
    columns: &[
        NAME,
        Column {
            name: "Resource",
            format: "",
            words: Words::Text("Fully qualified resource to migrate"),
            cell: Cell::Is(|object| resource(object).into()),
            ..NAME
        },
        AGE,
    ],
    ..Kind::PLAIN
};

/// `deployments.apps`.
fn resource(object: &Tree) -> String {
    let resource = object.below(&["spec", "resource"]);
    match (resource.text("resource"), resource.text("group")) {
        (name, "") => name.to_owned(),
        (name, group) => format!("{name}.{group}"),
    }
}

struct StorageVersionMigration;

impl Rules for StorageVersionMigration {
    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        object.set("status", Tree::map());
        meta::set_generation(object, 1);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        crate::check::count_generation(&STORAGE_VERSION_MIGRATION, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), false, object, refusals);
        let path = Path::of("spec");
        let path = path.field("resource");
        let given = object.below(&["spec", "resource"]);
        let (resource, group) = (given.text("resource"), given.text("group"));
        if resource.is_empty() {
            refusals.required(&path.field("resource"), "resource is required to be set");
        }
        for (field, value, messages) in [
            ("resource", resource, dns_1035_label(resource)),
            ("group", group, dns_subdomain(group)),
        ] {
            if !value.is_empty() && !messages.is_empty() {
                refusals.invalid(&path.field(field), value, &messages.join(","));
            }
        }
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        Rules::validate(self, asked, object, refusals);
        let path = Path::of("metadata");
        meta::validate_update(&path, meta::metadata(object), meta::metadata(old), refusals);
        immutable_struct(&Path::of("spec"), SPEC, object.at("spec"), old.at("spec"), refusals);
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(self)
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

impl StatusRules for StorageVersionMigration {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        keep_metadata(object, old);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        let path = Path::of("metadata");
        meta::validate_update(&path, meta::metadata(object), meta::metadata(old), refusals);
        let (path, status) = (Path::of("status"), object.at("status"));
        let (version, version_path) = (status.text("resourceVersion"), path.field("resourceVersion"));
        if let Some(wrong) = wrong_with_version(version) {
            refusals.invalid(&version_path, version, &wrong);
        }
        let conditions_path = path.field("conditions");
        condition::validate_all(&conditions_path, status.items("conditions"), refusals);
        let before = old.at("status").text("resourceVersion");
        if !before.is_empty() && before != version {
            refusals.invalid(&version_path, version, meta::FIELD_IS_IMMUTABLE);
        }
        let (new, before) = (|kind| holds(object, kind), |kind| holds(old, kind));
        for (broken, detail) in [
            (
                new("Succeeded") && new("Failed"),
                "Both success and failed conditions cannot be true at the same time",
            ),
            (
                new("Succeeded") && new("Running"),
                "Running condition cannot be true when success condition is true",
            ),
            (
                new("Failed") && new("Running"),
                "Running condition cannot be true when failed condition is true",
            ),
            (
                before("Succeeded") && !new("Succeeded"),
                "Success condition cannot be set to false once it is true",
            ),
            (
                before("Failed") && !new("Failed"),
                "Failed condition cannot be set to false once it is true",
            ),
        ] {
            if broken {
                let shown = shown_list(CONDITION, status.at("conditions"));
                refusals.invalid(&conditions_path, shown, detail);
            }
        }
    }
}

fn holds(object: &Tree, kind: &str) -> bool {
    let conditions = object.at("status").items("conditions");
    let found = conditions.iter().find(|one| one.text("type") == kind);
    found.is_some_and(|one| one.text("status") == "True")
}

/// Resource versions are decimal numbers without leading zeroes.
fn wrong_with_version(version: &str) -> Option<String> {
    let digits = version.bytes().all(|byte| byte.is_ascii_digit());
    let fine = digits && !version.is_empty() && !version.starts_with('0');
    (!fine).then(|| format!("resource version is not well formed: {version}"))
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;
    use apiserver_api::time::Time;
    use apiserver_api::tree::{self, Tree};

    use super::{StorageVersionMigration, resource};
    use crate::kind::{Asked, Rules, StatusRules};

    fn read(text: &str) -> Tree {
        tree::parse(text.as_bytes()).unwrap().tree
    }

    fn said(check: impl FnOnce(&Asked<'_>, &mut Refusals)) -> Vec<String> {
        let asked = Asked {
            now: Time::from_unix(0),
            user: &Tree::Null,
        };
        let mut refusals = Refusals::new();
        check(&asked, &mut refusals);
        refusals.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_migration_is_of_one_resource_for_good() {
        let object = |spec: &str| {
            read(&format!(
                r#"{{"metadata":{{"name":"m","resourceVersion":"1"}},"spec":{{"resource":{spec}}}}}"#
            ))
        };
        let good = object(r#"{"resource":"pods"}"#);
        let create =
            |object: &Tree| said(|asked, refusals| Rules::validate(&StorageVersionMigration, asked, object, refusals));
        assert!(create(&good).is_empty());
        assert_eq!(
            create(&object("{}")),
            ["spec.resource.resource: Required value: resource is required to be set"]
        );
        assert_eq!(create(&object(r#"{"resource":"A","group":"A"}"#)).len(), 2);
        let other = object(r#"{"resource":"pods","group":"a"}"#);
        assert_eq!(resource(&other), "pods.a");
        let update = said(|asked, refusals| StorageVersionMigration.validate_update(asked, &other, &good, refusals));
        assert!(update[0].ends_with("field is immutable"), "{update:?}");
    }

    #[test]
    fn a_migration_that_ended_stays_so() {
        let status = |conditions: &str, version: &str| {
            let text = format!(
                r#"{{"metadata":{{"name":"m","resourceVersion":"1"}},"status":{{"resourceVersion":"{version}","conditions":[{conditions}]}}}}"#
            );
            read(&text)
        };
        let one = |kind: &str| {
            format!(r#"{{"type":"{kind}","status":"True","reason":"R","lastTransitionTime":"2026-01-01T00:00:00Z"}}"#)
        };
        let write = |new: &Tree, old: &Tree| {
            said(|asked, refusals| StatusRules::validate(&StorageVersionMigration, asked, new, old, refusals))
        };
        let (running, done) = (status(&one("Running"), "5"), status(&one("Succeeded"), "5"));
        assert!(write(&done, &running).is_empty());
        assert!(write(&running, &done)[0].ends_with("Success condition cannot be set to false once it is true"));
        let both = status(&format!("{},{}", one("Succeeded"), one("Running")), "6");
        let wrong = write(&both, &running);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].ends_with("field is immutable") && wrong[1].contains("Running condition cannot be true"));
        assert_eq!(write(&status("", "x"), &status("", "")).len(), 1);
    }
}
