//! What `--version` prints.

/// The etcd version whose API and behaviour the store has.
pub(crate) const ETCD: &str = store_node::VERSION;

/// The lines of `etcd --version`, which scripts cut apart; there is no Go here, so its line names this program.
pub(crate) fn store() -> String {
    let own = env!("CARGO_PKG_VERSION");
    format!(
        "etcd Version: {ETCD}\nGit SHA: Not provided\nGo Version: none (keelson {own})\nGo OS/Arch: {}\n",
        platform()
    )
}

/// The lines of `etcdutl version`.
pub(crate) fn store_ctl() -> String {
    let mut words = ETCD.splitn(3, '.');
    let (major, minor) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    format!("etcdutl version: {ETCD}\nAPI version: {major}.{minor}\n")
}

/// Operating system and architecture by Go's names.
fn platform() -> String {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{}/{arch}", std::env::consts::OS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_upstreams() {
        let text = store();
        let keys: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once(':')?.0)).collect();
        assert_eq!(keys, ["etcd Version", "Git SHA", "Go Version", "Go OS/Arch"]);
        assert!(store_ctl().starts_with("etcdutl version: 3."));
    }
}
