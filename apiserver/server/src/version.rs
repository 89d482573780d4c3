//! What the server says it is: the version of the API that it speaks, and its own behind the plus sign.

/// The version of the API, as documents tell it.
pub(crate) const API: &str = "1.36";
/// The minor version of it.
const MINOR: &str = "36";
/// The version whose answers this server's were held against, and its own.
const OWN: &str = concat!("v1.36.2+keelson-", env!("CARGO_PKG_VERSION"));

/// What the server is, in the order of upstream's fields.
const FIELDS: [(&str, &str); 13] = [
    ("major", "1"),
    ("minor", MINOR),
    ("emulationMajor", "1"),
    ("emulationMinor", MINOR),
    ("minCompatibilityMajor", "1"),
    ("minCompatibilityMinor", "35"),
    ("gitVersion", OWN),
    ("gitCommit", ""),
    ("gitTreeState", ""),
    ("buildDate", "1970-01-01T00:00:00Z"),
    ("goVersion", ""),
    ("compiler", "rustc"),
    ("platform", platform()),
];

/// `/version`, written as upstream writes documents that are no objects: indented, whatever the client accepts.
pub(crate) fn version() -> String {
    let lines = FIELDS.map(|(name, value)| format!("  \"{name}\": \"{value}\""));
    format!("{{\n{}\n}}", lines.join(",\n"))
}

/// One of the fields of `/version`; empty where there is none of this name.
pub(crate) fn field(name: &str) -> &'static str {
    let found = FIELDS.iter().find(|(field, _)| *field == name);
    found.map_or("", |(_, value)| value)
}

/// As Go names it.
const fn platform() -> &'static str {
    if cfg!(target_arch = "aarch64") {
        "linux/arm64"
    } else {
        "linux/amd64"
    }
}
