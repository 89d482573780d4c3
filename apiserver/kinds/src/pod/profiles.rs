//! Profiles of seccomp and `AppArmor`, as fields.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::paths;
use crate::internal::{shown, shown_json};

const SECCOMP: &str = "io.k8s.api.core.v1.SeccompProfile";
const TYPES: &[&str] = &["Localhost", "RuntimeDefault", "Unconfined"];
/// The longest path that Linux takes.
const PATH_MAX: usize = 4095;

/// A profile of seccomp.
pub(super) fn validate_seccomp(path: &Path<'_>, profile: &Tree, refusals: &mut Refusals) {
    if profile.is_null() {
        return;
    }
    let kind = profile.text("type");
    if kind.is_empty() {
        refusals.required(&path.field("type"), "type is required when seccompProfile is set");
    } else if !TYPES.contains(&kind) {
        refusals.not_supported(&path.field("type"), kind, TYPES);
    }
    let path = path.field("localhostProfile");
    match profile.at("localhostProfile").as_str() {
        None if kind == "Localhost" => refusals.required(&path, "must be set when seccomp type is Localhost"),
        Some(file) if kind == "Localhost" => paths::descending(&path, file, refusals),
        Some(_) => {
            let shown = shown(SECCOMP, profile);
            refusals.invalid(&path, shown, "can only be set when seccomp type is Localhost");
        }
        None => {}
    }
}

/// A profile of `AppArmor`.
pub(crate) fn validate_apparmor(path: &Path<'_>, profile: &Tree, refusals: &mut Refusals) {
    if profile.is_null() {
        return;
    }
    let (kind, file) = (profile.text("type"), profile.at("localhostProfile"));
    let file_path = path.field("localhostProfile");
    match kind {
        "Localhost" => {
            let missing = "must be set when AppArmor type is Localhost";
            match file.as_str() {
                None | Some("") => refusals.required(&file_path, missing),
                Some(name) => {
                    if name.trim() != name {
                        refusals.invalid(&file_path, name, "must not be padded with whitespace");
                    }
                    if name.len() > PATH_MAX {
                        refusals.too_long(&file_path, PATH_MAX);
                    }
                }
            }
        }
        "RuntimeDefault" | "Unconfined" => {
            if !file.is_null() {
                let detail = "can only be set when AppArmor type is Localhost";
                refusals.invalid(&file_path, shown_json(file), detail);
            }
        }
        "" => refusals.required(&path.field("type"), "type is required when appArmorProfile is set"),
        _ => refusals.not_supported(&path.field("type"), kind, TYPES),
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, validate_apparmor, validate_seccomp};
    use crate::pod::testing::json;

    #[test]
    fn only_a_local_profile_has_a_file() {
        for (profile, seccomp, apparmor) in [
            (r#"{"type":"RuntimeDefault"}"#, 0, 0),
            (r#"{"type":"Localhost","localhostProfile":"a/b"}"#, 0, 0),
            (r#"{"type":"Localhost"}"#, 1, 1),
            (r#"{"type":"Localhost","localhostProfile":"/a"}"#, 1, 0),
            (r#"{"type":"Localhost","localhostProfile":" a"}"#, 0, 1),
            (r#"{"type":"Unconfined","localhostProfile":"a"}"#, 1, 1),
            (r#"{"type":"x"}"#, 1, 1),
            ("{}", 1, 1),
        ] {
            let profile = json(profile);
            let mut refusals = Refusals::new();
            validate_seccomp(&Path::of("p"), &profile, &mut refusals);
            assert_eq!(refusals.len(), seccomp, "{profile:?}");
            let mut refusals = Refusals::new();
            validate_apparmor(&Path::of("p"), &profile, &mut refusals);
            assert_eq!(refusals.len(), apparmor, "{profile:?}");
        }
    }
}
