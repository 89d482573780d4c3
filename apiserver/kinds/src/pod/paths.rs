//! Paths of files that pods name: how far they may reach.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;

/// A path with no step upward; `../..` is told once.
pub(super) fn no_backsteps(path: &Path<'_>, target: &str, refusals: &mut Refusals) {
    if has_backstep(target) {
        refusals.invalid(path, target, "must not contain '..'");
    }
}

/// Whether some step of a path goes upward.
pub(super) fn has_backstep(target: &str) -> bool {
    target.split('/').any(|step| step == "..")
}

/// A path that stays below where it begins.
pub(super) fn descending(path: &Path<'_>, target: &str, refusals: &mut Refusals) {
    if target.starts_with('/') {
        refusals.invalid(path, target, "must be a relative path");
    }
    no_backsteps(path, target, refusals);
}

/// The same where names that begin with two dots are the kubelet's own.
pub(super) fn local(path: &Path<'_>, target: &str, refusals: &mut Refusals) {
    descending(path, target, refusals);
    if target.starts_with("..") && !target.starts_with("../") {
        refusals.invalid(path, target, "must not start with '..'");
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, local};

    #[test]
    fn a_local_path_stays_below_its_volume() {
        for (target, wrong) in [
            ("a/b", 0),
            ("a..b", 0),
            ("/a", 1),
            ("a/../b", 1),
            ("..a", 1),
            ("..", 2),
            ("../..", 1),
        ] {
            let mut refusals = Refusals::new();
            local(&Path::of("path"), target, &mut refusals);
            assert_eq!(refusals.len(), wrong, "{target}");
        }
    }
}
