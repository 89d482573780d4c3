//! How it is measured what an object uses, and of which resources (`quota.Evaluator`).

use apiserver_api::gvk::GroupResource;
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;
use apiserver_kinds::amounts::Amounts;

use super::claims::Claims;
use super::classes::Classes;
use super::counts::Counts;
use super::devices::Devices;
use super::pods::Pods;
use super::scope::Scope;
use super::services::Services;
use crate::{Cluster, Operation};

/// What measuring needs beside the object.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    /// The other objects.
    pub(super) cluster: &'a dyn Cluster,
    /// Where the object is.
    pub(super) namespace: &'a str,
    /// The classes of devices.
    pub(super) classes: &'a Classes,
    /// The time at the apiserver.
    pub(super) now: Time,
}

/// Measures the objects of one resource.
pub(super) trait Evaluator: Send + Sync {
    /// Whether such a write can change what is used.
    fn handles(&self, operation: Operation, subresource: &str, object: &Tree, old: Option<&Tree>) -> bool;

    /// Which of these resources such objects use.
    fn uses(&self, around: &Around<'_>, resource: &str) -> bool;

    /// Whether an object is of a scope.
    ///
    /// # Errors
    /// Where the scope makes no sense.
    fn is_of(&self, _scope: &Scope, _object: &Tree) -> Result<bool, String> {
        Ok(false)
    }

    /// What an object must say where these resources are limited.
    ///
    /// # Errors
    /// What it does not say.
    fn demands(&self, _limited: &[&str], _object: &Tree) -> Result<(), String> {
        Ok(())
    }

    /// How much an object uses.
    fn usage(&self, around: &Around<'_>, object: &Tree) -> Amounts;
}

/// How the objects of a resource are measured; those that are nothing special are counted.
pub(super) fn of(resource: &GroupResource) -> Box<dyn Evaluator + '_> {
    match (resource.group.as_str(), resource.resource.as_str()) {
        ("", "pods") => Box::new(Pods),
        ("", "services") => Box::new(Services),
        ("", "persistentvolumeclaims") => Box::new(Claims),
        ("resource.k8s.io", "resourceclaims") => Box::new(Devices),
        _ => Box::new(Counts(resource)),
    }
}
