//! The documents of what is served: made when they are asked for first.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use apiserver_api::tree::Tree;
use bytes::Bytes;

use super::Options;
use super::definition::Dialect;
use super::document::Document;
use super::fixed;
use super::route::Route;
use super::routes;
use super::types::Types;
use super::{v2, v3};
use crate::discovery::{GROUPS, Served};

/// Whose operations stand in a document.
enum Part {
    /// What stands beside the groups, by its path.
    Beside,
    Group(&'static str),
    Version(&'static str, &'static str),
}

struct Entry {
    part: Part,
    made: OnceLock<Arc<Document>>,
}

/// The documents of all built-in kinds that are served.
pub struct Documents {
    served: Served,
    options: Options,
    v3: BTreeMap<String, Entry>,
    v2: OnceLock<Arc<Document>>,
}

impl Documents {
    /// Of what is served. It makes none yet.
    pub fn new(served: Served, options: Options) -> Self {
        let mut parts: Vec<(String, Part)> = Vec::new();
        for (path, _) in fixed::beside_groups() {
            parts.push((path.to_owned(), Part::Beside));
        }
        let core = GROUPS.iter().filter(|group| group.name.is_empty());
        let core = core.map(|group| (group.name, served.versions(group)));
        for (group, versions) in core.chain(served.groups()) {
            if !group.is_empty() {
                parts.push((format!("apis/{group}"), Part::Group(group)));
            }
            for version in versions {
                let path = super::root(group, version)[1..].to_owned();
                parts.push((path, Part::Version(group, version)));
            }
        }
        let entry = |part| Entry {
            part,
            made: OnceLock::new(),
        };
        let v3 = parts.into_iter().map(|(path, part)| (path, entry(part))).collect();
        Self {
            served,
            options,
            v3,
            v2: OnceLock::new(),
        }
    }

    /// The document of a path below `/openapi/v3/`: `apis/apps/v1`. It may take some ten milliseconds the first time.
    pub fn v3(&self, path: &str) -> Option<Arc<Document>> {
        let entry = self.v3.get(path)?;
        let made = entry.made.get_or_init(|| {
            let types = Types::new();
            let scope = match entry.part {
                Part::Version(group, version) => Some((group, version)),
                _ => None,
            };
            let routes = self.routes(&types, path, &entry.part);
            Arc::new(Document::of(
                Dialect::V3,
                v3::document(&types, &self.options, routes, scope),
            ))
        });
        Some(made.clone())
    }

    /// The document of `/openapi/v2`.
    pub fn v2(&self) -> Arc<Document> {
        let made = self.v2.get_or_init(|| {
            let types = Types::new();
            let parts = self.v3.iter();
            let routes = parts.flat_map(|(path, entry)| self.routes(&types, path, &entry.part));
            let routes: Vec<Route> = routes.collect();
            Arc::new(Document::of(Dialect::V2, v2::document(&types, &self.options, routes)))
        });
        made.clone()
    }

    /// The paths of all documents of `OpenAPI` 3.0.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.v3.keys().map(String::as_str)
    }

    /// The paths of all documents of `OpenAPI` 3.0 with the hash of each, for [`index`]. It makes all of them.
    pub fn hashes(&self) -> Vec<(String, String)> {
        let paths = self.v3.keys();
        paths
            .filter_map(|path| Some((path.clone(), self.v3(path)?.hash().to_owned())))
            .collect()
    }

    fn routes(&self, types: &Types, path: &str, part: &Part) -> Vec<Route> {
        match part {
            Part::Beside => {
                let mut beside = fixed::beside_groups().into_iter();
                beside
                    .find(|(name, _)| *name == path)
                    .map(|(_, routes)| routes)
                    .unwrap_or_default()
            }
            Part::Group(group) => vec![fixed::group(group)],
            Part::Version(group, version) => {
                let mut all = vec![fixed::resources(&self.options, &super::root(group, version))];
                for (kind, version) in self.served.kinds(group, version) {
                    all.extend(routes::of_kind(types, &self.options, kind, version));
                }
                all
            }
        }
    }
}

/// The index of `/openapi/v3` as JSON: of paths and hashes, be they of [`Documents`] or of what joins them.
pub fn index<'d>(documents: impl IntoIterator<Item = (&'d str, &'d str)>) -> Bytes {
    let mut paths = Tree::map();
    for (path, hash) in documents {
        paths.child(path).set("serverRelativeURL", url(path, hash));
    }
    let mut index = Tree::map();
    index.set("paths", paths);
    index.to_json().into()
}

/// Where a document of `OpenAPI` 3.0 stands that has this hash.
pub(super) fn url(path: &str, hash: &str) -> String {
    format!("/openapi/v3/{path}?hash={hash}")
}
