//! The types that documents define: their names, the groups that they are of, and which of them a document needs.

use std::collections::{BTreeMap, BTreeSet};

use apiserver_schema::{Schema, Shape, Struct, TypeId, built_in};

use crate::discovery::GROUPS;

/// The package of what all groups share.
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

pub(super) const API_GROUP: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroup";
pub(super) const API_GROUP_LIST: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.APIGroupList";
pub(super) const API_RESOURCE_LIST: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList";
pub(super) const API_VERSIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.APIVersions";
pub(super) const DELETE_OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
pub(super) const PATCH_TYPE: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
pub(super) const STATUS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";
pub(super) const VERSION: &str = "io.k8s.apimachinery.pkg.version.Info";
pub(super) const WATCH_EVENT: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent";

/// What every group has of its own.
const IN_EVERY_GROUP: [&str; 2] = [DELETE_OPTIONS, WATCH_EVENT];

/// The table of types, and the groups and versions of its packages.
pub(super) struct Types {
    pub(super) schema: &'static Schema,
    /// Group and version by package.
    packages: BTreeMap<&'static str, (&'static str, &'static str)>,
}

impl Types {
    pub(super) fn new() -> Self {
        let mut packages = BTreeMap::from([(META, ("", "v1"))]);
        for kind in apiserver_kinds::all() {
            for version in kind.versions {
                if let Some((package, _)) = version.schema.rsplit_once('.') {
                    packages.insert(package, (kind.group, version.name));
                }
            }
        }
        Self {
            schema: built_in(),
            packages,
        }
    }

    /// The type of a kind.
    pub(super) fn named(&self, group: &str, version: &str, kind: &str) -> String {
        let mut packages = self.packages.iter().filter(|(package, _)| **package != META);
        let package = packages
            .find(|(_, of)| **of == (group, version))
            .map_or(META, |(package, _)| package);
        format!("{package}.{kind}")
    }

    /// What is said of a field of `DeleteOptions`.
    pub(super) fn delete_words(&self, field: &str) -> &'static str {
        let options = self.schema.named(DELETE_OPTIONS).map(|id| self.schema.get(id));
        let field = options.and_then(|one| Some((one, one.field(field)?)));
        field.map_or("", |(one, field)| one.field_words(field))
    }

    /// The groups, versions and kinds that a type is registered as. A document of one group and version (`scope`) does not
    /// list all groups for what every group has.
    pub(super) fn kinds(&self, one: &Struct, scope: Option<(&str, &str)>) -> Vec<(&'static str, &'static str)> {
        if !IN_EVERY_GROUP.contains(&&*one.name) {
            let package = one.name.rsplit_once('.').filter(|_| one.typed);
            let of = package.and_then(|(package, _)| self.packages.get(package));
            return of.copied().into_iter().collect();
        }
        let mut all: Vec<(&str, &str)> = GROUPS
            .iter()
            .flat_map(|group| group.versions.iter().map(|version| (group.name, *version)))
            .filter(|of| scope.is_none_or(|scope| *of == scope || *of == ("", "v1")))
            .collect();
        all.sort_unstable();
        all
    }

    /// The types that some types need, with themselves.
    pub(super) fn needed<'n>(&self, roots: impl Iterator<Item = &'n str>) -> Needed {
        let mut needed = Needed::default();
        for root in roots {
            if let Some(id) = self.schema.named(root) {
                self.need(id, &mut needed);
            }
        }
        needed
    }

    fn need(&self, id: TypeId, needed: &mut Needed) {
        if needed.structs.insert(id) {
            for field in &self.schema.get(id).fields {
                self.need_shape(&field.shape, needed);
            }
        }
    }

    fn need_shape(&self, shape: &Shape, needed: &mut Needed) {
        match shape {
            Shape::Struct(id) => self.need(*id, needed),
            Shape::List(inner, _) | Shape::Map(inner, _) => self.need_shape(inner, needed),
            leaf => {
                needed.leaves.extend(Leaf::of(leaf));
            }
        }
    }
}

/// What a document must define.
#[derive(Debug, Default)]
pub(super) struct Needed {
    pub(super) structs: BTreeSet<TypeId>,
    pub(super) leaves: BTreeSet<Leaf>,
}

/// A type without fields that has a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Leaf {
    Quantity,
    IntOrString,
    Time,
    MicroTime,
    Duration,
    Raw,
    FieldsV1,
    Json,
    PropsOrArray,
    PropsOrBool,
    PropsOrStringArray,
}

impl Leaf {
    pub(super) const fn of(shape: &Shape) -> Option<Self> {
        Some(match shape {
            Shape::Quantity => Self::Quantity,
            Shape::IntOrString => Self::IntOrString,
            Shape::Time => Self::Time,
            Shape::MicroTime => Self::MicroTime,
            Shape::Duration => Self::Duration,
            Shape::Raw => Self::Raw,
            Shape::FieldsV1 => Self::FieldsV1,
            Shape::Json => Self::Json,
            Shape::PropsOrArray => Self::PropsOrArray,
            Shape::PropsOrBool => Self::PropsOrBool,
            Shape::PropsOrStringArray => Self::PropsOrStringArray,
            _ => return None,
        })
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Quantity => "io.k8s.apimachinery.pkg.api.resource.Quantity",
            Self::IntOrString => "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
            Self::Time => "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
            Self::MicroTime => "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
            Self::Duration => "io.k8s.apimachinery.pkg.apis.meta.v1.Duration",
            Self::Raw => "io.k8s.apimachinery.pkg.runtime.RawExtension",
            Self::FieldsV1 => "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1",
            Self::Json => "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON",
            Self::PropsOrArray => "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray",
            Self::PropsOrBool => "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool",
            Self::PropsOrStringArray => {
                "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray"
            }
        }
    }
}
