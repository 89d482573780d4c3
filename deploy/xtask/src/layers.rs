//! The layers of the house: arrows point down, and each big dependency has one door.

use crate::workspace::Workspace;

/// Crates by layer, lowest first; a crate may use only what stands in a row before its own.
pub(crate) const LAYERS: &[(&str, &[&str])] = &[
    ("wire contracts", &["proto"]),
    ("ground", &["base", "store-engine", "store-planted", "apiserver-api"]),
    (
        "domains",
        &[
            "store-mvcc",
            "store-lease",
            "store-auth",
            "store-bolt",
            "store-model",
            "apiserver-schema",
            "apiserver-cel",
        ],
    ),
    (
        "composition",
        &["store-machine", "store-client", "apiserver-patch", "apiserver-kinds"],
    ),
    ("adapters", &["store-rocks", "store-log", "apiserver-storage"]),
    ("consensus", &["store-raft"]),
    ("access", &["apiserver-access"]),
    ("admission", &["apiserver-admission"]),
    ("member", &["store-node"]),
    ("transport", &["store-wire", "apiserver-server"]),
    ("proof", &["store-crash", "store-fuzz", "jepsen-check"]),
    (
        "programs",
        &["keelson", "benches", "store-sim", "jepsen", "deploy-xtask"],
    ),
];

/// A dependency and the only crates that may name it.
const DOORS: &[(&str, &[&str])] = &[
    ("openraft", &["store-raft"]),
    ("rocksdb", &["store-rocks"]),
    ("tonic", &["proto", "store-wire", "store-client", "jepsen"]),
    ("axum", &["store-wire", "apiserver-server"]),
    ("hyper", &["store-wire", "store-client", "apiserver-server", "benches"]),
    ("clap", &["keelson", "benches", "store-sim", "jepsen", "deploy-xtask"]),
    ("anyhow", &["keelson", "benches", "store-sim", "jepsen", "deploy-xtask"]),
];

/// Crates that decide and do nothing else: no runtime, no clock, no randomness, no network, no files.
const PURE: &[&str] = &[
    "store-mvcc",
    "store-lease",
    "store-auth",
    "store-machine",
    "store-model",
    "apiserver-api",
    "apiserver-schema",
    "apiserver-cel",
    "apiserver-kinds",
    "apiserver-patch",
];

/// What a pure crate must not name.
const IMPURE: &[&str] = &[
    "tokio",
    "tonic",
    "openraft",
    "rocksdb",
    "rand",
    "libc",
    "base",
    "tracing",
    "getrandom",
];

/// One line for every arrow that points the wrong way.
pub(crate) fn check(workspace: &Workspace) -> Vec<String> {
    let mut findings = Vec::new();
    for (name, one) in &workspace.crates {
        let Some(own) = layer(name) else {
            findings.push(format!(
                "{name}: stands in no layer; give it one in deploy/xtask/src/layers.rs"
            ));
            continue;
        };
        let expected = one.folder.trim_start_matches("components/").replace('/', "-");
        if *name != expected {
            findings.push(format!(
                "{name}: a crate is named by its path, so {} holds `{expected}`",
                one.folder
            ));
        }
        for dependency in &one.dependencies {
            if layer(dependency).is_some_and(|below| below >= own) {
                findings.push(format!("{name} uses {dependency}, which is not below it"));
            }
            if let Some((_, may)) = DOORS.iter().find(|(door, _)| door == dependency)
                && !may.contains(&name.as_str())
            {
                findings.push(format!("{name} names {dependency}; only {} may", may.join(", ")));
            }
            if PURE.contains(&name.as_str()) && IMPURE.contains(&dependency.as_str()) {
                findings.push(format!("{name} is pure and must not name {dependency}"));
            }
        }
    }
    findings
}

/// The position of a crate's layer, lowest first.
pub(crate) fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|(_, crates)| crates.contains(&name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::workspace::Crate;

    fn tree(name: &str, folder: &str, dependency: &str) -> Workspace {
        let one = Crate {
            folder: folder.into(),
            description: String::new(),
            dependencies: vec![dependency.into()],
        };
        Workspace {
            root: ".".into(),
            crates: BTreeMap::from([(name.into(), one)]),
        }
    }

    #[test]
    fn an_arrow_down_is_fine() {
        assert_eq!(
            check(&tree("store-mvcc", "store/mvcc", "store-engine")),
            Vec::<String>::new()
        );
    }

    #[test]
    fn wrong_arrows_are_named() {
        for (name, folder, dependency, expected) in [
            ("store-engine", "store/engine", "store-mvcc", "not below it"),
            ("store-node", "store/node", "openraft", "only store-raft may"),
            ("store-mvcc", "store/mvcc", "tokio", "is pure"),
            ("store-mvcc", "store/versions", "proto", "named by its path"),
            ("store-new", "store/new", "proto", "no layer"),
        ] {
            let findings = check(&tree(name, folder, dependency));
            assert!(
                findings.iter().any(|one| one.contains(expected)),
                "{name} -> {dependency}: {findings:?}"
            );
        }
    }
}
