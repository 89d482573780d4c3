//! What the server says it is: the version of the API that it speaks, and its own behind the plus sign.

use apiserver_api::tree::Tree;

/// The version of the API, as documents tell it.
pub(crate) const API: &str = "1.36";
/// The minor version of it.
const MINOR: &str = "36";
/// The version whose answers this server's were held against.
const LIKE: &str = "v1.36.2";

/// `/version`.
pub(crate) fn version() -> Tree {
    let mut tree = Tree::map();
    let own = format!("{LIKE}+keelson-{}", env!("CARGO_PKG_VERSION"));
    for (field, text) in [
        ("major", "1"),
        ("minor", MINOR),
        ("emulationMajor", "1"),
        ("emulationMinor", MINOR),
        ("minCompatibilityMajor", "1"),
        ("minCompatibilityMinor", "35"),
        ("gitVersion", own.as_str()),
        ("gitCommit", ""),
        ("gitTreeState", ""),
        ("buildDate", "1970-01-01T00:00:00Z"),
        ("goVersion", ""),
        ("compiler", "rustc"),
        ("platform", platform()),
    ] {
        tree.set(field, text);
    }
    tree
}

/// As Go names it.
const fn platform() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "linux/arm64"
    } else {
        "linux/amd64"
    }
}
