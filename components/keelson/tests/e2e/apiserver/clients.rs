//! Where clients of others are, or why a test does without one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::run;
use crate::harness::tools::cache;

/// What `deploy/clients.sh` has fetched under this name: its folder, or why there is none.
pub(crate) fn fetched(name: &str) -> Result<PathBuf, String> {
    let folder = cache()?.join("tools/clients").join(name);
    if folder.exists() {
        return Ok(folder);
    }
    Err(format!(
        "{name} is not in {}; deploy/clients.sh fetches it, and make test runs that",
        folder.display()
    ))
}

/// kubectl by its minor version: the one that was fetched, the one in PATH, and those that lie beside that one under
/// names like `kubectl.1.30`.
pub(crate) fn kubectls() -> BTreeMap<u32, PathBuf> {
    let mut found = BTreeMap::new();
    if let Some(installed) = in_path("kubectl") {
        for path in beside(&installed) {
            let minor = path.extension().and_then(|minor| minor.to_str()?.parse().ok());
            found.extend(minor.map(|minor| (minor, path)));
        }
        found.extend(minor(&installed).map(|minor| (minor, installed)));
    }
    if let Ok(folder) = fetched("kubectl") {
        let path = folder.join("bin/kubectl");
        found.extend(minor(&path).map(|minor| (minor, path)));
    }
    found
}

/// The newest kubectl, or why there is none.
pub(crate) fn newest_kubectl() -> Result<PathBuf, String> {
    kubectls()
        .into_values()
        .next_back()
        .ok_or_else(|| "there is no kubectl in PATH, nor was one fetched by deploy/clients.sh".to_owned())
}

fn in_path(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&folders).map(|folder| folder.join(program));
    found.into_iter().find(|path| path.is_file())?.canonicalize().ok()
}

/// Files like `kubectl.1.30` in the same folder.
fn beside(installed: &Path) -> Vec<PathBuf> {
    let Some(Ok(folder)) = installed.parent().map(std::fs::read_dir) else {
        return Vec::new();
    };
    let files = folder.flatten().map(|entry| entry.path());
    files
        .filter(|path| path.file_stem().is_some_and(|stem| stem == "kubectl.1"))
        .collect()
}

/// The minor version that it says it has.
fn minor(kubectl: &Path) -> Option<u32> {
    let output = run(Command::new(kubectl).args(["version", "--client"]));
    let version = output.stdout.lines().next()?.split_once(": v1.")?.1;
    version.split('.').next()?.parse().ok()
}
