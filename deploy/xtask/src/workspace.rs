//! What `cargo metadata` and git say about this workspace.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;

/// The workspace as it stands on disk.
pub(crate) struct Workspace {
    /// Its root folder.
    pub(crate) root: PathBuf,
    /// Its crates by name.
    pub(crate) crates: BTreeMap<String, Crate>,
}

/// One crate of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Crate {
    /// Folder below the root, "store/mvcc".
    pub(crate) folder: String,
    /// The one sentence of its Cargo.toml.
    pub(crate) description: String,
    /// Names of what it depends on when built, tests left out.
    pub(crate) dependencies: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    description: Option<String>,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

impl Workspace {
    /// Asks cargo about the workspace that this program is run in. Not the one it was built in: clones may share a target
    /// folder.
    pub(crate) fn load() -> anyhow::Result<Self> {
        let output = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
            .args(["metadata", "--format-version=1", "--no-deps"])
            .output()
            .context("cannot run cargo metadata")?;
        ensure!(
            output.status.success(),
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cargo metadata is not as expected")?;
        let root = metadata.workspace_root;
        let crates = metadata
            .packages
            .into_iter()
            .map(|package| {
                let folder = package.manifest_path.parent().unwrap_or(&root);
                let folder = folder.strip_prefix(&root).unwrap_or(folder).display().to_string();
                let dependencies = package.dependencies.into_iter();
                let dependencies = dependencies
                    .filter(|one| one.kind.as_deref() != Some("dev"))
                    .map(|one| one.name);
                (
                    package.name,
                    Crate {
                        folder,
                        description: package.description.unwrap_or_default(),
                        dependencies: dependencies.collect(),
                    },
                )
            })
            .collect();
        Ok(Self { root, crates })
    }

    /// The files that git tracks or would track, relative to the root.
    pub(crate) fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let output = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .current_dir(&self.root)
            .output()
            .context("cannot run git ls-files")?;
        ensure!(
            output.status.success(),
            "git ls-files: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let names = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
        Ok(names
            .lines()
            .map(PathBuf::from)
            .filter(|path| self.root.join(path).is_file())
            .collect())
    }

    /// Reads a file below the root.
    pub(crate) fn read(&self, path: &Path) -> anyhow::Result<String> {
        let bytes = std::fs::read(self.root.join(path)).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
