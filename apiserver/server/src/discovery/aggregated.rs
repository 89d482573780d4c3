//! All of a root's groups in one document, `APIGroupDiscoveryList` of `apidiscovery.k8s.io/v2`, and its tag.

use std::fmt::Write as _;

use apiserver_api::tree::Tree;
use apiserver_api::yaml;
use apiserver_kinds::Kind;
use apiserver_schema::protobuf;
use bytes::Bytes;
use sha2::{Digest as _, Sha512};

use super::groups::GROUPS;
use super::lists::{speaks, verbs};
use super::served::Served;
use crate::request::accept::Form;

/// The document of `/api` or `/apis` for clients that take it whole.
#[derive(Clone, Debug)]
pub struct Aggregated {
    /// As JSON.
    pub json: Bytes,
    /// The same in its envelope in protobuf, and as YAML.
    protobuf: Bytes,
    yaml: Bytes,
    /// In quotes, as it stands in the header `ETag`: one for all forms.
    pub tag: String,
}

impl Aggregated {
    fn of(groups: Tree) -> Self {
        let mut document = Tree::map();
        document.set("apiVersion", "apidiscovery.k8s.io/v2");
        document.set("kind", "APIGroupDiscoveryList");
        document.set("metadata", Tree::map());
        document.set("items", groups);
        let json = Bytes::from(document.to_json());
        let protobuf = Bytes::from(protobuf::object(&document).unwrap_or_default());
        let yaml = Bytes::from(yaml::to_yaml(&document));
        let mut tag = String::from("\"");
        for byte in Sha512::digest(&json) {
            // Writing to a string does not fail.
            let _ = write!(tag, "{byte:02X}");
        }
        tag.push('"');
        Self {
            json,
            protobuf,
            yaml,
            tag,
        }
    }

    /// In a form.
    pub(crate) fn written(&self, form: Form) -> Bytes {
        match form {
            Form::Json => self.json.clone(),
            Form::Yaml => self.yaml.clone(),
            Form::Protobuf => self.protobuf.clone(),
        }
    }
}

/// What `/api` answers.
pub fn core_group(served: &Served) -> Aggregated {
    let core = GROUPS.iter().filter(|group| group.name.is_empty());
    Aggregated::of(core.map(|group| entry(served, "", &served.versions(group))).collect())
}

/// What `/apis` answers.
pub fn named_groups(served: &Served) -> Aggregated {
    let groups = served.groups();
    Aggregated::of(groups.map(|(name, versions)| entry(served, name, &versions)).collect())
}

fn entry(served: &Served, name: &str, versions: &[&str]) -> Tree {
    let versions = versions.iter().map(|version| {
        let resources = served.kinds(name, version);
        let mut one = Tree::map();
        one.set("version", *version);
        one.set("freshness", "Current");
        one.set(
            "resources",
            resources.into_iter().map(|(kind, _)| resource(kind)).collect::<Tree>(),
        );
        one
    });
    let versions: Tree = versions.collect();
    let mut entry = Tree::map();
    let metadata = entry.child("metadata");
    if !name.is_empty() {
        metadata.set("name", name);
    }
    entry.set("versions", versions);
    entry
}

fn resource(kind: &Kind) -> Tree {
    let mut resource = Tree::map();
    resource.set("resource", kind.plural);
    resource.set("singularResource", kind.singular);
    resource.set("scope", if kind.namespaced { "Namespaced" } else { "Cluster" });
    resource.set("responseKind", response(("", "", kind.kind)));
    resource.set("verbs", verbs(kind.verbs));
    for (name, values) in [("shortNames", kind.short_names), ("categories", kind.categories)] {
        if !values.is_empty() {
            resource.set(name, values.iter().copied().collect::<Tree>());
        }
    }
    let below = kind.subresources.iter().map(|one| {
        let mut below = Tree::map();
        below.set("subresource", one.name);
        below.set("responseKind", response(speaks(kind, one)));
        below.set("verbs", verbs(one.verbs));
        below
    });
    if !kind.subresources.is_empty() {
        resource.set("subresources", below.collect::<Tree>());
    }
    resource
}

/// A kind that is answered; clients take an empty group and version for those of the document.
fn response((group, version, kind): (&str, &str, &str)) -> Tree {
    let mut response = Tree::map();
    response.set("group", group);
    response.set("version", version);
    response.set("kind", kind);
    response
}
