//! The documents of old: `/api`, `/apis`, `/apis/G`, `/api/v1` and `/apis/G/V`.

use apiserver_api::tree::Tree;
use apiserver_kinds::{Kind, Subresource, Verb};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::groups::GROUPS;
use super::served::Served;

/// Where clients of an address range reach the server: the range and a host with its port.
pub type Addresses<'a> = &'a [(&'a str, &'a str)];

/// `/api`: the versions of the core group. `addresses` are those that the client at hand can use.
pub fn api_versions(served: &Served, addresses: Addresses<'_>) -> Tree {
    let addresses = addresses.iter().map(|(range, address)| {
        let mut one = Tree::map();
        one.set("clientCIDR", *range);
        one.set("serverAddress", *address);
        one
    });
    let core = GROUPS.iter().filter(|group| group.name.is_empty());
    let mut document = Tree::map();
    document.set("kind", "APIVersions");
    document.set("serverAddressByClientCIDRs", addresses.collect::<Tree>());
    document.set(
        "versions",
        core.flat_map(|group| served.versions(group)).collect::<Tree>(),
    );
    document
}

/// `/apis`: all groups but the core group.
pub fn group_list(served: &Served) -> Tree {
    let groups = served.groups().map(|(name, versions)| entry(name, &versions));
    let mut document = Tree::map();
    document.set("apiVersion", "v1");
    document.set("kind", "APIGroupList");
    document.set("groups", groups.collect::<Tree>());
    document
}

/// `/apis/G`: one group; `None` where nothing of it is served.
pub fn group(served: &Served, name: &str) -> Option<Tree> {
    let (name, versions) = served.groups().find(|(group, _)| *group == name)?;
    let mut document = entry(name, &versions);
    document.set("apiVersion", "v1");
    document.set("kind", "APIGroup");
    Some(document)
}

/// A group and its versions, of which there is one at least.
fn entry(name: &str, versions: &[&str]) -> Tree {
    let versions = versions.iter().map(|version| {
        let mut one = Tree::map();
        one.set("groupVersion", format!("{name}/{version}"));
        one.set("version", *version);
        one
    });
    let versions: Vec<Tree> = versions.collect();
    let mut entry = Tree::map();
    entry.set("name", name);
    entry.set("preferredVersion", versions[0].clone());
    entry.set("versions", versions);
    entry
}

/// `/api/v1` and `/apis/G/V`: the resources of a version; `None` where it serves nothing.
pub fn resource_list(served: &Served, group: &str, version: &str) -> Option<Tree> {
    let kinds = served.kinds(group, version);
    if kinds.is_empty() {
        return None;
    }
    let mut document = Tree::map();
    document.set("kind", "APIResourceList");
    if group.is_empty() {
        document.set("groupVersion", version);
    } else {
        // Upstream writes the core group's as it did before there was an `apiVersion`.
        document.set("apiVersion", "v1");
        document.set("groupVersion", format!("{group}/{version}"));
    }
    let resources = kinds.into_iter().flat_map(|(kind, _)| {
        let below = kind.subresources.iter().map(|one| subresource(kind, one));
        std::iter::once(resource(kind)).chain(below)
    });
    document.set("resources", resources.collect::<Tree>());
    Some(document)
}

fn resource(kind: &Kind) -> Tree {
    let mut resource = Tree::map();
    resource.set("name", kind.plural);
    resource.set("singularName", kind.singular);
    resource.set("namespaced", kind.namespaced);
    resource.set("kind", kind.kind);
    resource.set("verbs", verbs(kind.verbs));
    for (name, values) in [("shortNames", kind.short_names), ("categories", kind.categories)] {
        if !values.is_empty() {
            resource.set(name, values.iter().copied().collect::<Tree>());
        }
    }
    if let Some(hash) = storage_hash(kind) {
        resource.set("storageVersionHash", hash);
    }
    resource
}

fn subresource(kind: &Kind, one: &Subresource) -> Tree {
    let mut resource = Tree::map();
    resource.set("name", format!("{}/{}", kind.plural, one.name));
    resource.set("singularName", "");
    resource.set("namespaced", kind.namespaced);
    let (group, version, speaks) = speaks(kind, one);
    resource.set("kind", speaks);
    if !group.is_empty() {
        resource.set("group", group);
        resource.set("version", version);
    }
    resource.set("verbs", verbs(one.verbs));
    resource
}

/// Group, version and kind of what a subresource speaks; group and version are empty where they are those of its resource.
pub(super) fn speaks(kind: &Kind, one: &Subresource) -> (&'static str, &'static str, &'static str) {
    match one.speaks {
        None => ("", "", kind.kind),
        Some((group, _, speaks)) if group == kind.group => ("", "", speaks),
        Some(foreign) => foreign,
    }
}

/// As discovery spells verbs.
pub(super) fn verbs(verbs: &[Verb]) -> Tree {
    verbs.iter().map(|verb| verb.as_str()).collect()
}

/// Upstream's server of definitions stores them as v1 and tells clients of the version before.
const TOLD_AS: (&str, &str) = ("CustomResourceDefinition", "v1beta1");

/// What tells clients that a resource is stored as another version than before (`StorageVersionHash`); `None` for reviews
/// and their like, which are only answered. A resource may be stored as a kind of another group: both have one folder.
fn storage_hash(kind: &Kind) -> Option<String> {
    if !kind.verbs.contains(&Verb::Watch) {
        return None;
    }
    let (stored, version) = apiserver_kinds::all()
        .filter(|one| one.folder == kind.folder)
        .find_map(|one| Some((one, one.versions.iter().find(|version| version.conversion.is_none())?)))?;
    let version = if stored.kind == TOLD_AS.0 {
        TOLD_AS.1
    } else {
        version.name
    };
    let hash = Sha256::digest(format!("{}/{version}/{}", stored.group, stored.kind));
    Some(STANDARD.encode(&hash[..8]))
}
