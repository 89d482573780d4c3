//! `--admission-control-config-file`: what plugins are told beyond flags.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use apiserver_api::go::quote;
use apiserver_api::gvk::GroupVersion;
use apiserver_api::meta;
use apiserver_api::tree::{Map, Tree};
use apiserver_api::yaml;
use thiserror::Error;

const KIND: &str = "AdmissionConfiguration";
const VERSIONS: [&str; 2] = ["apiserver.config.k8s.io/v1", "apiserver.k8s.io/v1alpha1"];
/// Plugins whose own files of old may stand in place of the whole, and by which field such a file is known.
const OLD: [(&str, &str); 2] = [
    ("ImagePolicyWebhook", "imagePolicy"),
    ("PodNodeSelector", "podNodeSelectorPluginConfig"),
];

/// Why the file cannot be used.
#[derive(Debug, Error)]
pub enum Error {
    /// It cannot be read.
    #[error("unable to read admission control configuration from {} [{source}]", quote(&.path.display().to_string()))]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A plugin's own file cannot be read.
    #[error("Couldn't open admission plugin configuration {}: {source}", .path.display())]
    ReadPlugin {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no YAML.
    #[error(transparent)]
    Syntax(#[from] yaml::Error),
    /// It is something else.
    #[error("{0}")]
    Content(String),
}

/// The configurations of plugins by their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configurations {
    plugins: BTreeMap<String, Tree>,
}

impl Configurations {
    /// Reads the file, and the files of plugins that it names, relative to its own place.
    ///
    /// # Errors
    /// [`Error`].
    pub fn load(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        Self::read(&bytes, |file| {
            let path = folder.join(file);
            std::fs::read(&path).map_err(|source| Error::ReadPlugin { path, source })
        })
    }

    /// Reads the file's content; `open` reads files that it names.
    fn read(bytes: &[u8], open: impl Fn(&str) -> Result<Vec<u8>, Error>) -> Result<Self, Error> {
        let parsed = yaml::parse(bytes)?;
        let tree = parsed.tree;
        let version = meta::api_version(&tree);
        if meta::kind(&tree) != KIND || !VERSIONS.contains(&version) {
            return Self::old(&tree).ok_or_else(|| Error::Content(wrong_kind(&tree)));
        }
        if !parsed.duplicates.is_empty() {
            return Err(Error::Content(yaml::strict_error(&parsed.duplicates)));
        }
        check_fields(&tree, "", &["apiVersion", "kind", "plugins"])?;
        let mut plugins = BTreeMap::new();
        for (at, plugin) in tree.items("plugins").iter().enumerate() {
            check_fields(plugin, &format!("plugins[{at}]."), &["configuration", "name", "path"])?;
            let inline = plugin.at("configuration");
            let configuration = match plugin.text("path") {
                _ if !inline.is_null() => inline.clone(),
                "" => Tree::Null,
                file => yaml::parse(&open(file)?)?.tree,
            };
            // Of several the first counts.
            plugins.entry(plugin.text("name").to_owned()).or_insert(configuration);
        }
        Ok(Self { plugins })
    }

    /// A plugin's own file of old.
    fn old(tree: &Tree) -> Option<Self> {
        let is_old = OLD.iter().any(|(_, field)| tree.has(field)) && meta::kind(tree).is_empty();
        let plugins = OLD.iter().map(|(name, _)| ((*name).to_owned(), tree.clone()));
        is_old.then(|| Self {
            plugins: plugins.collect(),
        })
    }

    /// What a plugin is told; `null` where it is told nothing.
    pub(crate) fn of(&self, plugin: &str) -> &Tree {
        static NOTHING: Tree = Tree::Null;
        self.plugins.get(plugin).unwrap_or(&NOTHING)
    }
}

fn check_fields(tree: &Tree, place: &str, known: &[&str]) -> Result<(), Error> {
    let mut fields = tree.as_map().into_iter().flat_map(Map::keys);
    match fields.find(|field| !known.contains(field)) {
        None => Ok(()),
        Some(field) => {
            let field = quote(&format!("{place}{field}"));
            Err(Error::Content(format!("strict decoding error: unknown field {field}")))
        }
    }
}

fn wrong_kind(tree: &Tree) -> String {
    let (version, kind) = (meta::api_version(tree), meta::kind(tree));
    let missing = |what: &str| {
        let json = tree.to_json();
        format!("Object '{what}' is missing in '{}'", String::from_utf8_lossy(&json))
    };
    match (version, kind) {
        (_, "") => missing("Kind"),
        ("", _) => missing("apiVersion"),
        _ => format!("no kind {} is registered for version {}", quote(kind), quote(version)),
    }
}

/// Checks that a plugin's configuration is of its kind; the error says what it is instead.
pub(crate) fn check_kind(tree: &Tree, group: &str, versions: &[&str], kind: &str) -> Result<(), String> {
    let said = GroupVersion::parse(meta::api_version(tree)).unwrap_or_default();
    let is_it = said.group == group && versions.contains(&said.version.as_str()) && meta::kind(tree) == kind;
    if is_it { Ok(()) } else { Err(wrong_kind(tree)) }
}

#[cfg(test)]
mod tests {
    use super::{Configurations, Error};
    use crate::testing::tree;

    fn read(text: &str) -> Result<Configurations, Error> {
        Configurations::read(text.as_bytes(), |file| Ok(format!("file: {file}").into_bytes()))
    }

    #[test]
    fn plugins_are_told_inline_or_by_a_file() {
        let text = "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n\
                    - name: A\n  path: a.yaml\n- name: B\n  path: b.yaml\n  configuration: {x: 1}\n- name: C\n";
        let read = read(text).unwrap();
        assert_eq!(read.of("A"), &tree(r#"{"file":"a.yaml"}"#));
        assert_eq!(read.of("B"), &tree(r#"{"x":1}"#));
        assert!(read.of("C").is_null() && read.of("D").is_null());
    }

    #[test]
    fn files_of_old_still_count() {
        let read = read("podNodeSelectorPluginConfig:\n  a: b=c\n").unwrap();
        let expected = tree(r#"{"podNodeSelectorPluginConfig":{"a":"b=c"}}"#);
        assert_eq!(read.of("PodNodeSelector"), &expected);
        assert!(read.of("PodSecurity").is_null());
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, words) in [
            ("a: b", r#"Object 'Kind' is missing in '{"a":"b"}'"#),
            ("kind: A", r#"Object 'apiVersion' is missing in '{"kind":"A"}'"#),
            (
                "apiVersion: v1\nkind: Pod",
                r#"no kind "Pod" is registered for version "v1""#,
            ),
            (
                "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins: [{nam: A}]",
                r#"strict decoding error: unknown field "plugins[0].nam""#,
            ),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), words);
        }
    }

    #[test]
    fn files_are_looked_for_beside_the_one_that_names_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.yaml");
        let error = Configurations::load(&path).unwrap_err().to_string();
        assert!(
            error.starts_with("unable to read admission control configuration from \""),
            "{error}"
        );
        let text =
            "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins: [{name: A, path: a}]";
        std::fs::write(&path, text).unwrap();
        let error = Configurations::load(&path).unwrap_err().to_string();
        assert!(
            error.starts_with("Couldn't open admission plugin configuration "),
            "{error}"
        );
        std::fs::write(folder.path().join("a"), "x: 1").unwrap();
        assert_eq!(Configurations::load(&path).unwrap().of("A"), &tree(r#"{"x":1}"#));
    }
}
