//! References to objects of any kind: those that are scaled, those that are measured.

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

/// What a reference may be.
#[derive(Clone, Copy)]
pub(super) struct Allowed {
    /// Its version is not looked at.
    pub(super) any_version: bool,
    /// It may be of the core group.
    pub(super) core: bool,
}

/// Checks a reference.
pub(super) fn validate(path: &Path<'_>, reference: &Tree, allowed: Allowed, refusals: &mut Refusals) {
    for field in ["kind", "name"] {
        let (path, value) = (path.field(field), reference.text(field));
        if value.is_empty() {
            refusals.required(&path, "");
        }
        for message in names::path_segment(value) {
            refusals.invalid(&path, value, &message);
        }
    }
    let version = reference.text("apiVersion");
    if allowed.any_version {
        return;
    }
    if let Err(error) = check_version(version, allowed.core) {
        refusals.invalid(&path.field("apiVersion"), version, &error);
    }
}

/// Whether a text is a group and a version.
///
/// # Errors
/// What is wrong with it, in upstream's words.
pub(super) fn check_version(version: &str, core: bool) -> Result<(), String> {
    let group = match version.split('/').collect::<Vec<_>>()[..] {
        [_] => "",
        [group, _] => group,
        _ => return Err(format!("unexpected GroupVersion string: {version}")),
    };
    if group.is_empty() && !core {
        return Err("apiVersion must specify API group".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_version_has_a_group_unless_it_is_of_the_core() {
        for (version, core, fine) in [
            ("apps/v1", false, true),
            ("v1", false, false),
            ("v1", true, true),
            ("", true, true),
            ("a/b/c", true, false),
        ] {
            assert_eq!(super::check_version(version, core).is_ok(), fine, "{version}");
        }
    }
}
