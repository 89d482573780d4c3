//! Which group-versions and resources are served: the stable ones, and what `--runtime-config` says.

use std::collections::{BTreeMap, BTreeSet};

use apiserver_kinds::{Kind, Version};
use thiserror::Error;

use super::groups::{GROUPS, Group, Stage, stage};

/// What of the table of kinds is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Every version that some kind has, by group and name.
    versions: BTreeMap<(&'static str, &'static str), bool>,
    /// What was said of single resources: group, version and plural. It counts for more than the version's.
    resources: BTreeMap<(String, String, String), bool>,
}

/// Why a `--runtime-config` is refused, in upstream's words.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RuntimeConfigError {
    /// All is off and nothing on.
    #[error("invalid runtime-config with only api/all=false")]
    NothingServed,
    /// A key that is no group and version.
    #[error("runtime-config invalid key {0}")]
    Key(String),
    /// Groups that nobody knows.
    #[error("unknown api groups {0}")]
    Groups(String),
    /// A version that its group does not have.
    #[error("group version {0} that has not been registered")]
    Version(String),
    /// A value of `api/all` and its like that is neither `true` nor `false`.
    #[error("invalid value {0}={1}")]
    Switch(&'static str, String),
    /// A value that is no truth.
    #[error("invalid value of {0}: {1}, err: strconv.ParseBool: parsing {1:?}: invalid syntax")]
    Value(String, String),
    /// A resource that is not written in lower case.
    #[error("invalid key {0}: group/version/resource and resource is always lowercase plural, not {1:?}")]
    Resource(String, String),
}

/// A key of many versions, and which.
type Switch = (&'static str, fn(&str) -> bool);

/// The keys that speak of many versions, in the order in which they count.
const SWITCHES: [Switch; 4] = [
    ("api/all", |_| true),
    ("api/ga", |version| stage(version) == Stage::Stable),
    ("api/beta", |version| stage(version) == Stage::Beta),
    ("api/alpha", |version| stage(version) == Stage::Alpha),
];

impl Default for Served {
    /// The stable versions.
    fn default() -> Self {
        let mut versions = BTreeMap::new();
        for kind in apiserver_kinds::all() {
            for version in kind.versions {
                versions.insert((kind.group, version.name), stage(version.name) == Stage::Stable);
            }
        }
        Self {
            versions,
            resources: BTreeMap::new(),
        }
    }
}

/// What a key other than the switches names.
struct Named<'k> {
    group: &'k str,
    version: &'k str,
    resource: Option<&'k str>,
}

impl<'k> Named<'k> {
    fn of(key: &'k str) -> Result<Self, RuntimeConfigError> {
        let parts: Vec<&str> = key.split('/').collect();
        let (group, version, resource) = match parts[..] {
            [group, version] => (group, version, None),
            [group, version, resource] => (group, version, Some(resource)),
            _ => return Err(RuntimeConfigError::Key(key.to_owned())),
        };
        Ok(Self {
            group,
            version,
            resource,
        })
    }

    fn group_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

impl Served {
    /// The stable versions, changed by a `--runtime-config`: keys are `api/all`, `api/ga`, `api/beta`, `api/alpha`,
    /// `group/version` and `group/version/resource` (the core group's `/v1`), values truths.
    ///
    /// # Errors
    /// What upstream refuses at start.
    pub fn configured(config: &BTreeMap<String, String>) -> Result<Self, RuntimeConfigError> {
        check(config)?;
        let mut served = Self::default();
        for (key, matches) in SWITCHES {
            let on = match config.get(key).map(String::as_str) {
                None => continue,
                Some("true") => true,
                Some("false") => false,
                Some(other) => return Err(RuntimeConfigError::Switch(key, other.to_owned())),
            };
            for ((_, version), served) in &mut served.versions {
                if matches(version) {
                    *served = on;
                }
            }
        }
        for (key, value) in config {
            if SWITCHES.iter().all(|(switch, _)| switch != key) {
                served.say(key, value)?;
            }
        }
        Ok(served)
    }

    fn say(&mut self, key: &str, value: &str) -> Result<(), RuntimeConfigError> {
        let named = Named::of(key)?;
        let known = GROUPS.iter().find(|group| group.name == named.group);
        if !known.is_some_and(|group| group.versions.contains(&named.version)) {
            return Err(RuntimeConfigError::Version(named.group_version()));
        }
        let on = truth(value).ok_or_else(|| RuntimeConfigError::Value(key.to_owned(), value.to_owned()))?;
        match named.resource {
            None => {
                let mut versions = self.versions.iter_mut();
                if let Some((_, served)) = versions.find(|(name, _)| **name == (named.group, named.version)) {
                    *served = on;
                }
            }
            Some(resource) if resource.to_lowercase() != resource => {
                return Err(RuntimeConfigError::Resource(key.to_owned(), resource.to_owned()));
            }
            Some(resource) => {
                let name = (named.group.to_owned(), named.version.to_owned(), resource.to_owned());
                self.resources.insert(name, on);
            }
        }
        Ok(())
    }

    /// Whether a version of a kind is served.
    pub fn serves(&self, kind: &Kind, version: &str) -> bool {
        let mut said = self.resources.iter();
        let said =
            said.find(|((group, of, plural), _)| *group == kind.group && *of == version && *plural == kind.plural);
        match said {
            Some((_, on)) => *on,
            None => self.versions.get(&(kind.group, version)).copied().unwrap_or(false),
        }
    }

    /// What a version of a group serves, by plural.
    pub fn kinds(&self, group: &str, version: &str) -> Vec<(&'static Kind, &'static Version)> {
        let mut kinds: Vec<_> = apiserver_kinds::all()
            .filter(|kind| kind.group == group && self.serves(kind, version))
            .filter_map(|kind| Some((kind, kind.versions.iter().find(|one| one.name == version)?)))
            .collect();
        kinds.sort_by_key(|(kind, _)| kind.plural);
        kinds
    }

    /// The versions of a group that serve anything, the preferred one first.
    pub fn versions(&self, group: &Group) -> Vec<&'static str> {
        let mut versions = group.versions.to_vec();
        versions.retain(|version| !self.kinds(group.name, version).is_empty());
        versions
    }

    /// The groups that serve anything, but for the core group, with their versions, in the order of discovery.
    pub fn groups(&self) -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
        let named = GROUPS.iter().filter(|group| !group.name.is_empty());
        named
            .map(|group| (group.name, self.versions(group)))
            .filter(|(_, versions)| !versions.is_empty())
    }
}

/// What is refused whatever the table holds.
fn check(config: &BTreeMap<String, String>) -> Result<(), RuntimeConfigError> {
    if config.len() == 1 && config.get("api/all").is_some_and(|value| value == "false") {
        return Err(RuntimeConfigError::NothingServed);
    }
    let mut unknown = BTreeSet::new();
    for key in config.keys() {
        if SWITCHES.iter().any(|(switch, _)| switch == key) {
            continue;
        }
        let named = Named::of(key)?;
        if GROUPS.iter().all(|group| group.name != named.group) {
            unknown.insert(named.group_version());
        }
    }
    if unknown.is_empty() {
        return Ok(());
    }
    let unknown: Vec<String> = unknown.into_iter().collect();
    Err(RuntimeConfigError::Groups(unknown.join(",")))
}

/// A truth as Go spells it; nothing is true, too.
fn truth(value: &str) -> Option<bool> {
    match value {
        "" | "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
