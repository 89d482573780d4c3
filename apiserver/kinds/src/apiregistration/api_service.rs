//! `APIService`: who serves a version of a group.

use apiserver_api::go::quote;
use apiserver_api::meta;
use apiserver_api::names::{Messages, dns_1035_label, dns_subdomain, path_segment, port_number};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, keep_metadata};
use crate::webhook::PORT;

/// The entry of the table.
pub(super) const API_SERVICE: Kind = Kind {
    group: "apiregistration.k8s.io",
    kind: "APIService",
    plural: "apiservices",
    singular: "apiservice",
    categories: &["api-extensions"],
    namespaced: false,
    versions: &[Version::stored(
        "v1",
        "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService",
    )],
    subresources: &[Subresource::STATUS],
    folder: "apiregistration.k8s.io/apiservices",
    rules: &ApiService,
    columns: &[
        NAME,
        Column {
            name: "Service",
            format: "",
            words: Words::Text("The reference to the service that hosts this API endpoint."),
            cell: Cell::Is(|object| match object.at("spec").at("service") {
                Tree::Null => "Local".into(),
                service => format!("{}/{}", service.text("namespace"), service.text("name")).into(),
            }),
            ..NAME
        },
        Column {
            name: "Available",
            format: "",
            words: Words::Text("Whether this service is available."),
            cell: Cell::Is(|object| available(object).into()),
            ..NAME
        },
        AGE,
    ],
    ..Kind::PLAIN
};

/// What the condition `Available` says, and why if it does not hold.
fn available(object: &Tree) -> String {
    let conditions = object.at("status").items("conditions");
    let Some(found) = conditions.iter().find(|one| one.text("type") == "Available") else {
        return "Unknown".to_owned();
    };
    match (found.text("status"), found.text("reason")) {
        (status @ "True", _) | (status, "") => status.to_owned(),
        (status, reason) => format!("{status} ({reason})"),
    }
}

struct ApiService;

impl Rules for ApiService {
    fn default(&self, object: &mut Tree) {
        let service = object.child("spec").get_mut("service");
        if let Some(service) = service.filter(|service| !service.is_null()) {
            service.set_default("port", PORT);
        }
    }

    fn prepare_create(&self, asked: &Asked<'_>, object: &mut Tree) {
        let mut status = Tree::map();
        if !object.at("spec").has("service") {
            // What this server serves itself is there from the beginning.
            let mut condition = Tree::map();
            condition.set("type", "Available");
            condition.set("status", "True");
            condition.set("lastTransitionTime", asked.now.to_string());
            condition.set("reason", "Local");
            condition.set("message", "Local APIServices are always available");
            status.set("conditions", vec![condition]);
        }
        object.set("status", status);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        let spec = object.at("spec");
        let required = format!("{}.{}", spec.text("version"), spec.text("group"));
        let path = Path::of("metadata");
        let rule = |name: &str, _| wrong_with_name(name, &required);
        meta::validate(&path, meta::metadata(object), false, rule, refusals);
        let path = Path::of("spec");
        validate_version(&path, spec, refusals);
        match spec.at("service") {
            Tree::Null => validate_local(&path, spec, refusals),
            service => {
                validate_service(&path.field("service"), service, refusals);
                if spec.flag("insecureSkipTLSVerify") && !spec.text("caBundle").is_empty() {
                    let path = path.field("insecureSkipTLSVerify");
                    refusals.invalid(&path, true, "may not be true if caBundle is present");
                }
            }
        }
    }

    fn validate_update(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        let path = Path::of("metadata");
        meta::validate_update(&path, meta::metadata(object), meta::metadata(old), refusals);
        Rules::validate(self, asked, object, refusals);
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

impl StatusRules for ApiService {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        keep_metadata(object, old);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        let path = Path::of("metadata");
        meta::validate_update(&path, meta::metadata(object), meta::metadata(old), refusals);
        let path = Path::of("status");
        let path = path.field("conditions");
        let known = ["True", "False", "Unknown"];
        for (at, condition) in object.at("status").items("conditions").iter().enumerate() {
            let status = condition.text("status");
            if !known.contains(&status) {
                refusals.not_supported(&path.index(at).field("status"), status, &known);
            }
        }
    }
}

fn wrong_with_name(name: &str, required: &str) -> Messages {
    let messages = path_segment(name);
    if !messages.is_empty() || name == required {
        return messages;
    }
    vec![format!("must be `spec.version+\".\"+spec.group`: {}", quote(required)).into()]
}

fn validate_version(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let (group, version) = (spec.text("group"), spec.text("version"));
    if group.is_empty() && version != "v1" {
        let detail = "only v1 may have an empty group and it better be legacy kube";
        refusals.required(&path.field("group"), detail);
    }
    if !group.is_empty() {
        for message in dns_subdomain(group) {
            refusals.invalid(&path.field("group"), group, &message);
        }
    }
    for message in dns_1035_label(version) {
        refusals.invalid(&path.field("version"), version, &message);
    }
    for (field, most) in [("groupPriorityMinimum", 20_000), ("versionPriority", 1_000)] {
        let given = spec.int(field);
        if given <= 0 || given > most {
            let detail = format!("must be positive and less than {most}");
            refusals.invalid(&path.field(field), given, &detail);
        }
    }
}

fn validate_local(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let bundle = spec.text("caBundle");
    if !bundle.is_empty() {
        let padding = bundle.bytes().rev().take_while(|byte| *byte == b'=').count();
        let shown = format!("{} bytes", (bundle.len() / 4 * 3).saturating_sub(padding));
        let detail = "local APIServices may not have a caBundle";
        refusals.invalid(&path.field("caBundle"), &shown, detail);
    }
    if spec.flag("insecureSkipTLSVerify") {
        let detail = "local APIServices may not have insecureSkipTLSVerify";
        refusals.invalid(&path.field("insecureSkipTLSVerify"), true, detail);
    }
}

fn validate_service(path: &Path<'_>, service: &Tree, refusals: &mut Refusals) {
    for field in ["namespace", "name"] {
        if service.text(field).is_empty() {
            refusals.required(&path.field(field), "");
        }
    }
    let port = service.int("port");
    let messages = port_number(port);
    if !messages.is_empty() {
        let detail = format!("port is not valid: {}", messages.join(", "));
        refusals.invalid(&path.field("port"), port, &detail);
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::time::Time;
    use apiserver_api::tree::{self, Tree};

    use super::{API_SERVICE, available};
    use crate::kind::Asked;

    fn said(name: &str, spec: &str) -> (Vec<String>, Tree) {
        let text = format!(r#"{{"metadata":{{"name":"{name}"}},"spec":{spec}}}"#);
        let mut object = tree::parse(text.as_bytes()).unwrap().tree;
        API_SERVICE.rules.default(&mut object);
        let asked = Asked {
            now: Time::from_unix(0),
            user: &Tree::Null,
        };
        let details = API_SERVICE
            .create(&asked, &mut object)
            .err()
            .and_then(|status| status.details);
        let causes = details.map(|details| details.causes).unwrap_or_default();
        (
            causes
                .iter()
                .map(|one| format!("{}: {}", one.field, one.message))
                .collect(),
            object,
        )
    }

    #[test]
    fn a_service_is_named_after_what_it_serves() {
        let rest = r#""groupPriorityMinimum":1,"versionPriority":1,"version":"v1","group":"a.b""#;
        for (name, spec, expected) in [
            ("v1.a.b", format!("{{{rest}}}"), &[][..]),
            (
                "v1.a.b",
                format!(r#"{{{rest},"service":{{"name":"s","namespace":"t"}}}}"#),
                &[],
            ),
            (
                "x",
                format!("{{{rest}}}"),
                &[r#"metadata.name: Invalid value: "x": must be `spec.version+"."+spec.group`: "v1.a.b""#],
            ),
            (
                "v1.a.b",
                format!(r#"{{{rest},"caBundle":"dg==","insecureSkipTLSVerify":true}}"#),
                &[
                    r#"spec.caBundle: Invalid value: "1 bytes": local APIServices may not have a caBundle"#,
                    "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify",
                ],
            ),
            (
                "v1.a.b",
                format!(r#"{{{rest},"caBundle":"dg==","insecureSkipTLSVerify":true,"service":{{"port":-1}}}}"#),
                &[
                    "spec.service.namespace: Required value",
                    "spec.service.name: Required value",
                    "spec.service.port: Invalid value: -1: port is not valid: must be between 1 and 65535, inclusive",
                    "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present",
                ],
            ),
            (
                "v2.",
                r#"{"version":"v2"}"#.to_owned(),
                &[
                    "spec.group: Required value: only v1 may have an empty group and it better be legacy kube",
                    "spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000",
                    "spec.versionPriority: Invalid value: 0: must be positive and less than 1000",
                ],
            ),
        ] {
            assert_eq!(said(name, &spec).0, expected, "{name} {spec}");
        }
    }

    #[test]
    fn what_the_server_serves_itself_is_available() {
        let spec = r#"{"groupPriorityMinimum":1,"versionPriority":1,"version":"v1","group":"a.b"}"#;
        let (_, mut object) = said("v1.a.b", spec);
        assert_eq!(available(&object), "True");
        object.set(
            "status",
            tree::parse(br#"{"conditions":[{"type":"Available","status":"False","reason":"R"}]}"#)
                .unwrap()
                .tree,
        );
        assert_eq!(available(&object), "False (R)");
        assert_eq!(available(&Tree::Null), "Unknown");
    }
}
