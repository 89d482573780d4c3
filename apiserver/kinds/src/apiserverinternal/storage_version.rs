//! `StorageVersion`: in which versions the servers store and read a resource.

use std::collections::{HashMap, HashSet};

use apiserver_api::names::{Messages, NameRule, dns_1035_label, dns_subdomain, name_is_dns_subdomain, qualified_name};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::endpoint::few;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, keep_metadata, validate_metadata};

const STATUS: &str = "io.k8s.api.apiserverinternal.v1alpha1.StorageVersionStatus";
/// How many servers a table shows.
const SHOWN: usize = 3;

/// The entry of the table.
pub(super) const STORAGE_VERSION: Kind = Kind {
    group: "internal.apiserver.k8s.io",
    kind: "StorageVersion",
    plural: "storageversions",
    singular: "storageversion",
    namespaced: false,
    versions: &[Version::stored(
        "v1alpha1",
        "io.k8s.api.apiserverinternal.v1alpha1.StorageVersion",
    )],
    subresources: &[Subresource::STATUS],
    folder: "storageversions",
    rules: &StorageVersion,
    columns: &[
        NAME,
        Column {
            name: "CommonEncodingVersion",
            format: "",
            words: Words::Of(STATUS, "commonEncodingVersion"),
            cell: Cell::Is(|object| match object.at("status").at("commonEncodingVersion") {
                Tree::Null => "<unset>".into(),
                version => version.clone(),
            }),
            ..NAME
        },
        Column {
            name: "StorageVersions",
            format: "",
            words: Words::Of(STATUS, "storageVersions"),
            cell: Cell::Is(|object| servers(object).into()),
            ..NAME
        },
        AGE,
    ],
    ..Kind::PLAIN
};

/// The first servers and what they write.
fn servers(object: &Tree) -> String {
    let servers = object.at("status").items("storageVersions").iter();
    let shown = servers.map(|one| format!("{}={}", one.text("apiServerID"), one.text("encodingVersion")));
    few(shown, SHOWN, "<unset>")
}

struct StorageVersion;

impl Rules for StorageVersion {
    fn name(&self) -> NameRule {
        wrong_with_name
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        object.set("status", Tree::map());
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), false, object, refusals);
        validate_status(object, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, _object: &Tree, _old: &Tree, _refusals: &mut Refusals) {}

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

impl StatusRules for StorageVersion {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        keep_metadata(object, old);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, _old: &Tree, refusals: &mut Refusals) {
        validate_status(object, refusals);
    }
}

fn wrong_with_name(name: &str, _prefix: bool) -> Messages {
    let Some((group, resource)) = name.rsplit_once('.') else {
        return vec!["name must be in the form of <group>.<resource>".into()];
    };
    let group = dns_subdomain(group)
        .into_iter()
        .map(|message| format!("the group segment {message}").into());
    let resource = dns_1035_label(resource).into_iter();
    let resource = resource.map(|message| format!("the resource segment {message}").into());
    group.chain(resource).collect()
}

fn validate_status(object: &Tree, refusals: &mut Refusals) {
    let (path, status) = (Path::of("status"), object.at("status"));
    let servers = status.items("storageVersions");
    let mut seen = HashSet::new();
    for (at, server) in servers.iter().enumerate() {
        let path = path.field("storageVersions");
        let path = path.index(at);
        let id = server.text("apiServerID");
        if !seen.insert(id) {
            refusals.duplicate(&path.field("apiServerID"), id);
        }
        validate_server(&path, server, refusals);
    }
    validate_common(&path.field("commonEncodingVersion"), status, refusals);
    validate_conditions(&path, status.items("conditions"), refusals);
}

fn validate_server(path: &Path<'_>, server: &Tree, refusals: &mut Refusals) {
    let id = server.text("apiServerID");
    for message in name_is_dns_subdomain(id, false) {
        refusals.invalid(&path.field("apiServerID"), id, &message);
    }
    let encoding = server.text("encodingVersion");
    validate_api_version(&path.field("encodingVersion"), encoding, refusals);
    let (decodable, decodable_path) = (server.items("decodableVersions"), path.field("decodableVersions"));
    let known: HashSet<&str> = decodable.iter().filter_map(Tree::as_str).collect();
    for (at, version) in decodable.iter().enumerate() {
        let version = version.as_str().unwrap_or_default();
        validate_api_version(&decodable_path.index(at), version, refusals);
    }
    if !known.contains(encoding) {
        let detail = format!("decodableVersions must include encodingVersion {encoding}");
        refusals.invalid(&decodable_path, decodable, &detail);
    }
    for (at, version) in server.items("servedVersions").iter().enumerate() {
        let path = path.field("servedVersions");
        let path = path.index(at);
        let version = version.as_str().unwrap_or_default();
        validate_api_version(&path, version, refusals);
        if known.contains(version) {
            continue;
        }
        if refusals.is_full() {
            // It is only counted: the words are long where there are many versions.
            refusals.invalid(&path, version, "");
            continue;
        }
        let all: Vec<&str> = decodable.iter().filter_map(Tree::as_str).collect();
        let all = all.join(" ");
        let detail = format!("individual served version : {version} must be included in decodableVersions : [{all}]");
        refusals.invalid(&path, version, &detail);
    }
}

fn validate_api_version(path: &Path<'_>, version: &str, refusals: &mut Refusals) {
    let messages = wrong_with_api_version(version);
    if !messages.is_empty() {
        refusals.invalid(path, version, &messages.join(","));
    }
}

fn wrong_with_api_version(version: &str) -> Vec<String> {
    let parts: Vec<&str> = version.split('/').collect();
    let (group, version) = match parts.as_slice() {
        [version] => (None, *version),
        [group, version] => (Some(*group), *version),
        _ => {
            let label = "a DNS-1035 label, which must consist of lower case alphanumeric characters or '-', start with an \
                alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
                validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
            let tail = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyVersion')";
            return vec![format!("an apiVersion is {label} {tail}")];
        }
    };
    let mut wrong = Vec::new();
    let mut tell = |part: &str, value: &str, messages: Messages| {
        if value.is_empty() {
            wrong.push(format!("{part} part: must be non-empty"));
        } else {
            wrong.extend(messages.iter().map(|message| format!("{part} part: {message}")));
        }
    };
    if let Some(group) = group {
        tell("group", group, dns_subdomain(group));
    }
    tell("version", version, dns_1035_label(version));
    wrong
}

/// The version that all servers write, if there is one.
fn common(status: &Tree) -> Option<&str> {
    let (first, rest) = status.items("storageVersions").split_first()?;
    let version = first.text("encodingVersion");
    let same = |one: &Tree| one.text("encodingVersion") == version;
    rest.iter().all(same).then_some(version)
}

fn validate_common(path: &Path<'_>, status: &Tree, refusals: &mut Refusals) {
    let given = status.at("commonEncodingVersion");
    match (common(status), given.as_str()) {
        (None, Some(_)) => {
            let detail = "should be nil if servers do not agree on the same encoding version, or if there is no server \
                reporting the supported versions yet";
            refusals.invalid(path, given, detail);
        }
        (Some(common), None) => {
            refusals.invalid(path, given, &format!("the common encoding version is {common}"));
        }
        (Some(common), Some(said)) if common != said => {
            let detail = format!("the actual common encoding version is {common}");
            refusals.invalid(path, given, &detail);
        }
        _ => {}
    }
}

fn validate_conditions(path: &Path<'_>, conditions: &[Tree], refusals: &mut Refusals) {
    let mut last = HashMap::new();
    for (at, condition) in conditions.iter().enumerate() {
        // Upstream leaves out the name of the list.
        let path = path.index(at);
        let kind = condition.text("type");
        if let Some(before) = last.insert(kind, at) {
            let detail = format!("the type of the condition is not unique, it also appears in conditions[{before}]");
            refusals.invalid(&path.field("type"), kind, &detail);
        }
        for field in ["type", "status"] {
            for message in qualified_name(condition.text(field)) {
                refusals.invalid(&path.field(field), condition.text(field), &message);
            }
        }
        for field in ["reason", "message"] {
            if condition.text(field).is_empty() {
                refusals.required(&path.field(field), &format!("{field} cannot be empty"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree;

    use super::{servers, validate_status, wrong_with_api_version, wrong_with_name};

    fn said(status: &str) -> Vec<String> {
        let object = tree::parse(format!(r#"{{"status":{status}}}"#).as_bytes())
            .unwrap()
            .tree;
        let mut refusals = Refusals::new();
        validate_status(&object, &mut refusals);
        refusals.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_name_is_a_group_and_a_resource() {
        assert!(wrong_with_name("apps.deployments", false).is_empty());
        assert_eq!(
            wrong_with_name("x", false),
            ["name must be in the form of <group>.<resource>"]
        );
        assert!(wrong_with_name("A.b", false)[0].starts_with("the group segment a lowercase"));
        assert!(wrong_with_name("a.1", false)[0].starts_with("the resource segment a DNS-1035"));
    }

    #[test]
    fn a_version_may_have_a_group() {
        assert!(wrong_with_api_version("v1").is_empty() && wrong_with_api_version("a.b/v1").is_empty());
        assert_eq!(
            wrong_with_api_version("/"),
            ["group part: must be non-empty", "version part: must be non-empty"]
        );
        assert!(wrong_with_api_version("a/b/c")[0].ends_with("(e.g. 'example.com/MyVersion')"));
    }

    #[test]
    fn servers_read_what_they_write_and_the_common_version_is_theirs() {
        let server = r#"{"apiServerID":"a","encodingVersion":"v1","decodableVersions":["v1"]}"#;
        for (status, expected) in [
            ("{}".to_owned(), &[][..]),
            (format!(r#"{{"storageVersions":[{server}],"commonEncodingVersion":"v1"}}"#), &[]),
            (
                format!(r#"{{"storageVersions":[{server},{server}]}}"#),
                &[
                    r#"status.storageVersions[1].apiServerID: Duplicate value: "a""#,
                    "status.commonEncodingVersion: Invalid value: null: the common encoding version is v1",
                ],
            ),
            (
                r#"{"storageVersions":[{"apiServerID":"a","encodingVersion":"v1","decodableVersions":["v2"],"servedVersions":["v3"]}],
                    "commonEncodingVersion":"v2"}"#.to_owned(),
                &[
                    r#"status.storageVersions[0].decodableVersions: Invalid value: ["v2"]: decodableVersions must include encodingVersion v1"#,
                    r#"status.storageVersions[0].servedVersions[0]: Invalid value: "v3": individual served version : v3 must be included in decodableVersions : [v2]"#,
                    r#"status.commonEncodingVersion: Invalid value: "v2": the actual common encoding version is v1"#,
                ],
            ),
            (
                r#"{"conditions":[{"type":"A","status":"True","reason":"R","message":"m"},{"type":"A","status":"True"}]}"#.to_owned(),
                &[
                    r#"status[1].type: Invalid value: "A": the type of the condition is not unique, it also appears in conditions[0]"#,
                    "status[1].reason: Required value: reason cannot be empty",
                    "status[1].message: Required value: message cannot be empty",
                ],
            ),
        ] {
            assert_eq!(said(&status), expected, "{status}");
        }
    }

    #[test]
    fn a_table_shows_the_first_servers() {
        let list = ["a", "b", "c", "d"].map(|id| format!(r#"{{"apiServerID":"{id}","encodingVersion":"v1"}}"#));
        for (count, shown) in [(0, "<unset>"), (1, "a=v1"), (4, "a=v1,b=v1,c=v1 + 1 more...")] {
            let text = format!(r#"{{"status":{{"storageVersions":[{}]}}}}"#, list[..count].join(","));
            assert_eq!(servers(&tree::parse(text.as_bytes()).unwrap().tree), shown);
        }
    }

    #[test]
    fn many_versions_are_looked_for_among_many() {
        let all: Vec<String> = (0..30_000).map(|at| format!(r#""v{at}""#)).collect();
        let all = all.join(",");
        let server = |served: &str| {
            format!(
                r#"{{"apiServerID":"a","encodingVersion":"v1","decodableVersions":[{all}],"servedVersions":[{served}]}}"#
            )
        };
        let status = |served: &str| {
            format!(
                r#"{{"storageVersions":[{}],"commonEncodingVersion":"v1"}}"#,
                server(served)
            )
        };
        assert!(said(&status(&all)).is_empty());
        // Each would be told with all that can be read.
        let others = all.replace('v', "w");
        assert!(said(&status(&others)).len() < 100);
    }
}
