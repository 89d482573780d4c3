//! `CSIDriver`: what a driver of volumes can do and needs.

use std::collections::BTreeSet;

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::GROUP;
use crate::check::{count_generation, immutable, immutable_fields};
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};

const SPEC: &str = "io.k8s.api.storage.v1.CSIDriverSpec";
/// The truths that are not told and are false.
const FALSE: [&str; 4] = ["podInfoOnMount", "requiresRepublish", "seLinuxMount", "storageCapacity"];
/// The least and the most seconds of a token.
const TOKEN_SECONDS: (i64, i64) = (600, 1 << 32);
/// The least seconds between two looks at how much a node can hold.
const PERIOD_MIN: i64 = 10;
/// What a client is warned of that does not say where tokens go.
const TOKENS_IN_CONTEXT: &str = "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to \
                                 prevent possible logging of tokens in volume attributes";

/// The entry of the table.
pub(crate) const CSI_DRIVER: Kind = Kind {
    group: GROUP,
    kind: "CSIDriver",
    plural: "csidrivers",
    singular: "csidriver",
    namespaced: false,
    versions: &[Version::stored("v1", "io.k8s.api.storage.v1.CSIDriver")],
    folder: "csidrivers",
    rules: &CsiDriver,
    columns: &[
        NAME,
        Column {
            name: "AttachRequired",
            kind: "boolean",
            words: Words::Of(SPEC, "attachRequired"),
            cell: Cell::Is(|object| object.at("spec").at("attachRequired").as_bool().unwrap_or(true).into()),
            ..AGE
        },
        Column {
            name: "PodInfoOnMount",
            kind: "boolean",
            words: Words::Of(SPEC, "podInfoOnMount"),
            cell: Cell::Is(|object| object.at("spec").flag("podInfoOnMount").into()),
            ..AGE
        },
        Column {
            name: "StorageCapacity",
            kind: "boolean",
            words: Words::Of(SPEC, "storageCapacity"),
            cell: Cell::Is(|object| object.at("spec").flag("storageCapacity").into()),
            ..AGE
        },
        Column {
            name: "TokenRequests",
            words: Words::Of(SPEC, "tokenRequests"),
            cell: Cell::Is(|object| audiences(object.at("spec")).into()),
            ..AGE
        },
        Column {
            name: "RequiresRepublish",
            kind: "boolean",
            words: Words::Of(SPEC, "requiresRepublish"),
            cell: Cell::Is(|object| object.at("spec").flag("requiresRepublish").into()),
            ..AGE
        },
        Column {
            name: "Modes",
            words: Words::Of(SPEC, "volumeLifecycleModes"),
            cell: Cell::Is(|object| modes(object.at("spec")).into()),
            ..AGE
        },
        AGE,
    ],
    ..Kind::PLAIN
};

fn audiences(spec: &Tree) -> String {
    let requests = spec.items("tokenRequests").iter();
    let audiences: Vec<&str> = requests.map(|request| request.text("audience")).collect();
    if audiences.is_empty() {
        "<unset>".to_owned()
    } else {
        audiences.join(",")
    }
}

fn modes(spec: &Tree) -> String {
    let modes = spec.items("volumeLifecycleModes").iter().filter_map(Tree::as_str);
    match modes.collect::<Vec<&str>>().join(",") {
        none if none.is_empty() => "<none>".to_owned(),
        modes => modes,
    }
}

struct CsiDriver;

impl Rules for CsiDriver {
    fn default(&self, object: &mut Tree) {
        let spec = object.child("spec");
        spec.set_default("attachRequired", true);
        spec.set_default("fsGroupPolicy", "ReadWriteOnceWithFSType");
        for field in FALSE {
            spec.set_default(field, false);
        }
        if spec.items("volumeLifecycleModes").is_empty() {
            spec.set("volumeLifecycleModes", Tree::from_iter(["Persistent"]));
        }
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        clear_gated(object, &Tree::Null);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        clear_gated(object, old);
        count_generation(&CSI_DRIVER, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), false, object, refusals);
        validate_spec(object.at("spec"), refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        let (spec, old) = (object.at("spec"), old.at("spec"));
        validate_spec(spec, refusals);
        let path = Path::of("spec");
        let attach = "attachRequired";
        // Upstream spells this path otherwise than the field.
        immutable(
            &path.field("attachedRequired"),
            spec.at(attach),
            old.at(attach),
            refusals,
        );
        immutable_fields(&path, SPEC, &["volumeLifecycleModes"], spec, old, refusals);
    }

    fn warnings(&self, object: &Tree, _old: Option<&Tree>) -> Vec<String> {
        let spec = object.at("spec");
        let tells = spec.items("tokenRequests").is_empty() || spec.has("serviceAccountTokenInSecrets");
        if tells {
            return Vec::new();
        }
        vec![TOKENS_IN_CONTEXT.to_owned()]
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }

    fn answers_deleted(&self) -> bool {
        true
    }
}

/// Clears a field whose feature is off as released, unless the object has it.
fn clear_gated(object: &mut Tree, old: &Tree) {
    let field = "preventPodSchedulingIfMissing";
    if !old.at("spec").has(field)
        && let Some(spec) = object.get_mut("spec")
    {
        spec.remove(field);
    }
}

fn validate_spec(spec: &Tree, refusals: &mut Refusals) {
    let path = Path::of("spec");
    for (field, told) in [
        ("attachRequired", "attachedRequired"),
        ("podInfoOnMount", "podInfoOnMount"),
        ("storageCapacity", "storageCapacity"),
    ] {
        if !spec.has(field) {
            refusals.required(&path.field(told), "");
        }
    }
    if let Some(policy) = spec.at("fsGroupPolicy").as_str() {
        let known = ["File", "None", "ReadWriteOnceWithFSType"];
        if !known.contains(&policy) {
            refusals.not_supported(&path.field("fsGroupPolicy"), policy, &known);
        }
    }
    let requests = spec.items("tokenRequests");
    validate_tokens(&path.field("tokenRequests"), requests, refusals);
    for mode in spec.items("volumeLifecycleModes") {
        let (mode, known) = (mode.as_str().unwrap_or_default(), ["Persistent", "Ephemeral"]);
        if !known.contains(&mode) {
            refusals.not_supported(&path.field("volumeLifecycleModes"), mode, &known);
        }
    }
    if !spec.has("seLinuxMount") {
        refusals.required(&path.field("seLinuxMount"), "");
    }
    let period = "nodeAllocatableUpdatePeriodSeconds";
    if let Some(seconds) = spec.at(period).as_int().filter(|seconds| *seconds < PERIOD_MIN) {
        let detail = "must be greater than or equal to 10 seconds";
        refusals.invalid(&path.field(period), seconds, detail);
    }
    let in_secrets = spec.at("serviceAccountTokenInSecrets");
    if !in_secrets.is_null() && requests.is_empty() {
        let detail = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
        refusals.invalid(&path.field("serviceAccountTokenInSecrets"), in_secrets, detail);
    }
}

/// Tokens for audiences, each once, for a sane time.
fn validate_tokens(path: &Path<'_>, requests: &[Tree], refusals: &mut Refusals) {
    let mut seen = BTreeSet::new();
    for (at, request) in requests.iter().enumerate() {
        let path = path.index(at);
        let audience = request.text("audience");
        if !seen.insert(audience) {
            refusals.duplicate(&path.field("audience"), audience);
            continue;
        }
        let Some(seconds) = request.at("expirationSeconds").as_int() else {
            continue;
        };
        let path = path.field("expirationSeconds");
        if seconds < TOKEN_SECONDS.0 {
            refusals.invalid(&path, seconds, "may not specify a duration less than 10 minutes");
        }
        if seconds > TOKEN_SECONDS.1 {
            refusals.invalid(&path, seconds, "may not specify a duration larger than 2^32 seconds");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CSI_DRIVER;
    use crate::trial::{cells, refused, update, warnings};

    fn driver(spec: &str) -> String {
        format!(r#"{{"spec":{spec}}}"#)
    }

    #[test]
    fn a_driver_says_nothing_that_it_cannot_mean() {
        for (spec, wrong) in [
            ("{}", 0),
            (r#"{"fsGroupPolicy":"x"}"#, 1),
            (r#"{"volumeLifecycleModes":["x"]}"#, 1),
            (r#"{"tokenRequests":[{"audience":"a","expirationSeconds":600}]}"#, 0),
            (r#"{"tokenRequests":[{"audience":"a","expirationSeconds":599}]}"#, 1),
            (r#"{"tokenRequests":[{"audience":"a"},{"audience":"a"}]}"#, 1),
            (r#"{"nodeAllocatableUpdatePeriodSeconds":9}"#, 1),
            (r#"{"serviceAccountTokenInSecrets":true}"#, 1),
        ] {
            assert_eq!(refused(&CSI_DRIVER, &driver(spec)).len(), wrong, "{spec}");
        }
    }

    #[test]
    fn whether_volumes_are_attached_stays() {
        let (old, new) = (driver("{}"), driver(r#"{"attachRequired":false}"#));
        let told = update(&CSI_DRIVER, &old, &new).unwrap_err();
        assert_eq!(
            told,
            ["spec.attachedRequired: Invalid value: false: field is immutable"]
        );
    }

    #[test]
    fn tokens_come_with_a_warning_until_it_is_said_where_they_go() {
        let tokens = r#""tokenRequests":[{"audience":"a"}]"#;
        let said = format!(r#"{{{tokens},"serviceAccountTokenInSecrets":false}}"#);
        assert_eq!(warnings(&CSI_DRIVER, &driver(&format!("{{{tokens}}}"))).len(), 1);
        assert_eq!(warnings(&CSI_DRIVER, &driver(&said)).len(), 0);
    }

    #[test]
    fn tables_show_what_is_said() {
        let shown = cells(&CSI_DRIVER, &driver("{}"));
        assert_eq!(
            shown[1..7],
            ["true", "false", "false", "<unset>", "false", "Persistent"]
        );
    }
}
