//! The classes of devices by name, and the resources by which containers ask for their devices.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::tree::{Text, Tree};
use apiserver_storage::cache::Mark;
use parking_lot::Mutex;

use crate::Cluster;

const CLASSES: GroupResource = GroupResource::known("resource.k8s.io", "deviceclasses");

/// What is known of the classes. They change seldom, and quotas ask for each of their resources: all are read once a change.
#[derive(Debug, Default)]
pub(super) struct Classes {
    /// Of which objects, and what.
    held: Mutex<Option<(Mark, Arc<Known>)>>,
}

/// The classes as the cache had them at one time.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By class, the resource by which containers may ask for its devices; empty where there is none but the implicit one.
    by_name: HashMap<Text, Text>,
    explicit: HashSet<Text>,
}

impl Classes {
    /// The classes as the cache has them now.
    pub(super) fn known(&self, cluster: &dyn Cluster) -> Arc<Known> {
        let mut held = self.held.lock();
        // The mark first: what changes after it is seen the next time.
        let mark = cluster.mark(&CLASSES);
        match &*held {
            Some((of, known)) if *of == mark => Arc::clone(known),
            _ => {
                let known = Arc::new(Known::of(&cluster.cached_list(&CLASSES, "")));
                *held = Some((mark, Arc::clone(&known)));
                known
            }
        }
    }
}

impl Known {
    fn of(classes: &[Tree]) -> Self {
        let mut known = Self::default();
        for class in classes {
            let resource = Text::from(class.at("spec").text("extendedResourceName"));
            if !resource.is_empty() {
                known.explicit.insert(resource.clone());
            }
            known.by_name.insert(meta::name(class).into(), resource);
        }
        known
    }

    /// Whether there is such a class.
    pub(super) fn has(&self, class: &str) -> bool {
        self.by_name.contains_key(class)
    }

    /// Whether containers ask by this resource for the devices of some class.
    pub(super) fn stands_for(&self, resource: &str) -> bool {
        self.explicit.contains(resource)
    }

    /// By which resource containers may ask for the devices of a class, beside the implicit one.
    pub(super) fn resource_of(&self, class: &str) -> Option<&str> {
        let resource = self.by_name.get(class)?;
        Some(resource.as_str()).filter(|resource| !resource.is_empty())
    }
}
