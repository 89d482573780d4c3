//! What can be done to an object, and the request that does it.

use http::Method;

use super::{Resource, Template};

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Update,
    MergePatch,
    StrategicPatch,
    Apply,
    Get,
    Delete,
}

impl Verb {
    /// All of them, in the order in which an object meets them.
    pub(crate) const ALL: &'static [Self] = &[
        Self::Create,
        Self::Update,
        Self::MergePatch,
        Self::StrategicPatch,
        Self::Apply,
        Self::Get,
        Self::Delete,
    ];

    /// Its name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::MergePatch => "merge patch",
            Self::StrategicPatch => "strategic patch",
            Self::Apply => "apply",
            Self::Get => "get",
            Self::Delete => "delete",
        }
    }

    /// The method of its request.
    pub(crate) fn method(self) -> Method {
        match self {
            Self::Create => Method::POST,
            Self::Update => Method::PUT,
            Self::MergePatch | Self::StrategicPatch | Self::Apply => Method::PATCH,
            Self::Get => Method::GET,
            Self::Delete => Method::DELETE,
        }
    }

    /// What its body is, if it has one.
    pub(crate) fn content_type(self) -> Option<&'static str> {
        match self {
            Self::Create | Self::Update => Some("application/json"),
            Self::MergePatch => Some("application/merge-patch+json"),
            Self::StrategicPatch => Some("application/strategic-merge-patch+json"),
            // JSON is YAML too.
            Self::Apply => Some("application/apply-patch+yaml"),
            Self::Get | Self::Delete => None,
        }
    }

    /// The path of its request.
    pub(crate) fn path(self, resource: &Resource) -> Template {
        match self {
            Self::Create => resource.collection.clone(),
            Self::Update | Self::MergePatch | Self::StrategicPatch | Self::Get => resource.item.clone(),
            // Others have set the same fields before, and are no hindrance.
            Self::Apply => resource.item.with("?fieldManager=keelson-bench&force=true"),
            // A pod that is bound to a node would else wait for its kubelet.
            Self::Delete => resource.item.with("?gracePeriodSeconds=0"),
        }
    }

    /// The body of its request; empty if it has none.
    pub(crate) fn body(self, resource: &Resource) -> Template {
        match self {
            Self::Create | Self::Update => resource.object.clone(),
            Self::MergePatch => resource.merge.clone(),
            Self::StrategicPatch => resource.strategic.clone(),
            Self::Apply => resource.apply.clone(),
            Self::Get | Self::Delete => Template::default(),
        }
    }

    /// Whether it makes objects that were not there, one each time.
    pub(crate) fn is_create(self) -> bool {
        self == Self::Create
    }
}
