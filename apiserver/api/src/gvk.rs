//! Groups, versions, kinds and resources: the coordinates of an API, and how they are written.

use std::cmp::Ordering;
use std::fmt;

use thiserror::Error;

use crate::tree::Text;

/// An `apiVersion` with more than one slash.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unexpected GroupVersion string: {0}")]
pub struct ParseError(String);

/// A group and a version: `apps/v1`; the core group is empty: `v1`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupVersion {
    /// The group, empty for core.
    pub group: Text,
    /// The version.
    pub version: Text,
}

/// A group, a version and a kind: `apps/v1, Kind=Deployment`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupVersionKind {
    /// The group, empty for core.
    pub group: Text,
    /// The version.
    pub version: Text,
    /// The kind.
    pub kind: Text,
}

/// A group, a version and a resource: `apps/v1, Resource=deployments`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupVersionResource {
    /// The group, empty for core.
    pub group: Text,
    /// The version.
    pub version: Text,
    /// The resource, in the plural.
    pub resource: Text,
}

/// A group and a kind in any version: `Deployment.apps`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKind {
    /// The group, empty for core.
    pub group: Text,
    /// The kind.
    pub kind: Text,
}

/// A group and a resource in any version: `deployments.apps`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupResource {
    /// The group, empty for core.
    pub group: Text,
    /// The resource, in the plural.
    pub resource: Text,
}

impl GroupVersion {
    /// From its parts.
    pub fn new(group: &str, version: &str) -> Self {
        let (group, version) = (group.into(), version.into());
        Self { group, version }
    }

    /// Reads an `apiVersion`. Nothing and a slash alone are the empty group and version.
    ///
    /// # Errors
    /// Where there is more than one slash.
    pub fn parse(api_version: &str) -> Result<Self, ParseError> {
        match api_version.split_once('/') {
            None => Ok(Self::new("", api_version)),
            Some((_, version)) if version.contains('/') => Err(ParseError(api_version.to_owned())),
            Some((group, version)) => Ok(Self::new(group, version)),
        }
    }

    /// With a kind.
    pub fn kind(&self, kind: &str) -> GroupVersionKind {
        GroupVersionKind::new(&self.group, &self.version, kind)
    }

    /// With a resource.
    pub fn resource(&self, resource: &str) -> GroupVersionResource {
        GroupVersionResource::new(&self.group, &self.version, resource)
    }

    /// Whether there is neither.
    pub fn is_empty(&self) -> bool {
        self.group.is_empty() && self.version.is_empty()
    }
}

impl GroupVersionKind {
    /// From its parts.
    pub fn new(group: &str, version: &str, kind: &str) -> Self {
        let (group, version, kind) = (group.into(), version.into(), kind.into());
        Self { group, version, kind }
    }

    /// From what an object says of itself; an `apiVersion` that is none reads as empty.
    pub fn of(api_version: &str, kind: &str) -> Self {
        GroupVersion::parse(api_version).unwrap_or_default().kind(kind)
    }

    /// The group and the version, which print as an `apiVersion`.
    pub fn group_version(&self) -> GroupVersion {
        GroupVersion::new(&self.group, &self.version)
    }

    /// The group and the kind.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind::new(&self.group, &self.kind)
    }
}

impl GroupVersionResource {
    /// From its parts.
    pub fn new(group: &str, version: &str, resource: &str) -> Self {
        let (group, version, resource) = (group.into(), version.into(), resource.into());
        Self {
            group,
            version,
            resource,
        }
    }

    /// The group and the version.
    pub fn group_version(&self) -> GroupVersion {
        GroupVersion::new(&self.group, &self.version)
    }

    /// The group and the resource.
    pub fn group_resource(&self) -> GroupResource {
        GroupResource::new(&self.group, &self.resource)
    }
}

impl GroupKind {
    /// From its parts.
    pub fn new(group: &str, kind: &str) -> Self {
        let (group, kind) = (group.into(), kind.into());
        Self { group, kind }
    }

    /// Reads `Kind.group`.
    pub fn parse(text: &str) -> Self {
        let (kind, group) = text.split_once('.').unwrap_or((text, ""));
        Self::new(group, kind)
    }

    /// In a version.
    pub fn version(&self, version: &str) -> GroupVersionKind {
        GroupVersionKind::new(&self.group, version, &self.kind)
    }

    /// Whether there is neither.
    pub fn is_empty(&self) -> bool {
        self.group.is_empty() && self.kind.is_empty()
    }
}

impl GroupResource {
    /// One that is known by name where the program is written.
    pub const fn known(group: &'static str, resource: &'static str) -> Self {
        Self {
            group: Text::const_new(group),
            resource: Text::const_new(resource),
        }
    }

    /// From its parts.
    pub fn new(group: &str, resource: &str) -> Self {
        let (group, resource) = (group.into(), resource.into());
        Self { group, resource }
    }

    /// Reads `resource.group`.
    pub fn parse(text: &str) -> Self {
        let (resource, group) = text.split_once('.').unwrap_or((text, ""));
        Self::new(group, resource)
    }

    /// In a version.
    pub fn version(&self, version: &str) -> GroupVersionResource {
        GroupVersionResource::new(&self.group, version, &self.resource)
    }

    /// Whether there is neither.
    pub fn is_empty(&self) -> bool {
        self.group.is_empty() && self.resource.is_empty()
    }
}

/// As an `apiVersion`.
impl fmt::Display for GroupVersion {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() {
            out.write_str(&self.version)
        } else {
            write!(out, "{}/{}", self.group, self.version)
        }
    }
}

impl fmt::Display for GroupVersionKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}, Kind={}", self.group, self.version, self.kind)
    }
}

impl fmt::Display for GroupVersionResource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}, Resource={}", self.group, self.version, self.resource)
    }
}

impl fmt::Display for GroupKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        dotted(&self.kind, &self.group, out)
    }
}

impl fmt::Display for GroupResource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        dotted(&self.resource, &self.group, out)
    }
}

fn dotted(name: &str, group: &str, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    out.write_str(name)?;
    if group.is_empty() {
        return Ok(());
    }
    write!(out, ".{group}")
}

/// Compares versions by how ready they are: `v2` > `v1` > `v2beta1` > `v1beta2` > `v1alpha1`, and all of these above any
/// other text, where what comes first in the alphabet is greater (`CompareKubeAwareVersionStrings`).
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    match (maturity(a), maturity(b)) {
        _ if a == b => Ordering::Equal,
        (None, None) => b.cmp(a),
        (a, b) => a.cmp(&b),
    }
}

/// How ready a version is: stable 2, beta 1, alpha 0; then its numbers.
fn maturity(version: &str) -> Option<(u8, i64, i64)> {
    let rest = version.strip_prefix('v')?;
    let (major, rest) = number(rest)?;
    if rest.is_empty() {
        return Some((2, major, 0));
    }
    let (level, rest) = match (rest.strip_prefix("beta"), rest.strip_prefix("alpha")) {
        (Some(rest), _) => (1, rest),
        (_, Some(rest)) => (0, rest),
        _ => return None,
    };
    let (minor, rest) = number(rest)?;
    rest.is_empty().then_some((level, major, minor))
}

fn number(text: &str) -> Option<(i64, &str)> {
    let (digits, rest) = text.split_at(text.bytes().take_while(u8::is_ascii_digit).count());
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::{GroupKind, GroupResource, GroupVersion, GroupVersionKind, GroupVersionResource, compare_versions};

    #[test]
    fn versions_of_groups_are_read_and_printed() {
        for (text, group, version, printed) in [
            ("v1", "", "v1", "v1"),
            ("apps/v1", "apps", "v1", "apps/v1"),
            ("", "", "", ""),
            ("/", "", "", ""),
            ("apps/", "apps", "", "apps/"),
        ] {
            let read = GroupVersion::parse(text).unwrap();
            assert_eq!(
                (&read, read.to_string().as_str()),
                (&GroupVersion::new(group, version), printed)
            );
            assert_eq!(read.is_empty(), printed.is_empty());
        }
        let error = GroupVersion::parse("a/b/c").unwrap_err().to_string();
        assert_eq!(error, "unexpected GroupVersion string: a/b/c");
    }

    #[test]
    fn coordinates_print_as_upstream_s() {
        let version = GroupVersion::new("apps", "v1");
        assert_eq!(version.kind("Deployment").to_string(), "apps/v1, Kind=Deployment");
        assert_eq!(
            version.resource("deployments").to_string(),
            "apps/v1, Resource=deployments"
        );
        assert_eq!(GroupVersionKind::of("v1", "Event").to_string(), "/v1, Kind=Event");
        assert_eq!(GroupVersionKind::of("a/b/c", "Event").to_string(), "/, Kind=Event");
        assert_eq!(
            GroupResource::new("apps", "deployments").to_string(),
            "deployments.apps"
        );
        assert_eq!(GroupKind::new("", "Pod").to_string(), "Pod");
        assert_eq!(
            GroupKind::new("authorization.k8s.io", "").to_string(),
            ".authorization.k8s.io"
        );
        assert_eq!(
            GroupKind::parse("Ingress.networking.k8s.io"),
            GroupKind::new("networking.k8s.io", "Ingress")
        );
        assert_eq!(GroupResource::parse("pods"), GroupResource::new("", "pods"));
        let resource = GroupVersionResource::new("apps", "v1", "deployments");
        assert_eq!(resource.group_resource().version("v1"), resource);
        assert_eq!(resource.group_version(), version);
        let kind = version.kind("Deployment");
        assert_eq!(
            (kind.group_kind().version("v1"), kind.group_version()),
            (kind.clone(), version)
        );
        assert!(GroupResource::default().is_empty() && !kind.group_kind().is_empty());
    }

    #[test]
    fn stable_versions_come_before_others() {
        let descending = [
            "v10",
            "v2",
            "v1",
            "v11beta2",
            "v10beta3",
            "v3beta1",
            "v2beta10",
            "v2beta9",
            "v12alpha1",
            "v11alpha2",
            "foo1",
            "foo10",
            "v",
            "v1gamma1",
            "v1x",
        ];
        for (at, a) in descending.iter().enumerate() {
            for (other, b) in descending.iter().enumerate() {
                assert_eq!(compare_versions(a, b), other.cmp(&at), "{a} {b}");
            }
        }
        assert_eq!(compare_versions("v1", "v1"), Ordering::Equal);
    }
}
