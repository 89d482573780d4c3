//! Volumes on disks and paths of nodes.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

const HOST_PATH_TYPES: &[&str] = &[
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
];

/// A path must not lead up.
fn no_steps_back(path: &Path<'_>, text: &str, refusals: &mut Refusals) {
    if text.split('/').any(|part| part == "..") {
        refusals.invalid(path, text, "must not contain '..'");
    }
}

pub(super) fn host_path(path: &Path<'_>, one: &Tree, refusals: &mut Refusals) {
    let text = one.text("path");
    if text.is_empty() {
        return refusals.required(&path.field("path"), "");
    }
    no_steps_back(&path.field("path"), text, refusals);
    if let Some(of) = one.at("type").as_str().filter(|of| !HOST_PATH_TYPES.contains(of)) {
        refusals.not_supported(&path.field("type"), of, HOST_PATH_TYPES);
    }
}

/// Whether a path is the root, however it is written.
pub(super) fn is_root(text: &str) -> bool {
    let mut depth = 0_usize;
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => depth = depth.saturating_sub(1),
            _ => depth += 1,
        }
    }
    text.starts_with('/') && depth == 0
}

pub(super) fn local(path: &Path<'_>, one: &Tree, refusals: &mut Refusals) {
    let text = one.text("path");
    if text.is_empty() {
        refusals.required(&path.field("path"), "");
    } else {
        no_steps_back(&path.field("path"), text, refusals);
    }
}

pub(super) fn partition(path: &Path<'_>, one: &Tree, refusals: &mut Refusals) {
    let partition = one.int("partition");
    if !(0..=255).contains(&partition) {
        // Zero is the whole disk, though the words leave it out.
        let detail = "must be between 1 and 255, inclusive";
        refusals.invalid(&path.field("partition"), partition, detail);
    }
}

pub(super) fn fc(path: &Path<'_>, one: &Tree, refusals: &mut Refusals) {
    let (targets, ids) = (one.items("targetWWNs"), one.items("wwids"));
    let at = path.field("targetWWNs");
    if targets.is_empty() && ids.is_empty() {
        refusals.required(&at, "must specify either targetWWNs or wwids, but not both");
    }
    if !targets.is_empty() && !ids.is_empty() {
        let detail = "targetWWNs and wwids can not be specified simultaneously";
        refusals.invalid(&at, targets, detail);
    }
    if !targets.is_empty() {
        match one.at("lun").as_int() {
            None => refusals.required(&path.field("lun"), "lun is required if targetWWNs is specified"),
            Some(lun) if !(0..=255).contains(&lun) => {
                refusals.invalid(&path.field("lun"), lun, "must be between 0 and 255, inclusive");
            }
            Some(_) => {}
        }
    }
}

pub(super) fn azure(path: &Path<'_>, one: &Tree, refusals: &mut Refusals) {
    let uri = one.text("diskURI");
    for field in ["diskName", "diskURI"] {
        if one.text(field).is_empty() {
            refusals.required(&path.field(field), "");
        }
    }
    for (field, known) in [
        ("cachingMode", ["None", "ReadOnly", "ReadWrite"]),
        ("kind", ["Dedicated", "Managed", "Shared"]),
    ] {
        if let Some(value) = one.at(field).as_str().filter(|value| !known.contains(value)) {
            refusals.not_supported(&path.field(field), value, &known);
        }
    }
    let known = match one.at("kind").as_str() {
        Some("Managed") if !uri.starts_with("/subscriptions/") => {
            "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"
        }
        Some(kind) if kind != "Managed" && !uri.starts_with("https://") => {
            "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"
        }
        _ => return,
    };
    refusals.not_supported(&path.field("diskURI"), uri, &[known]);
}

#[cfg(test)]
mod tests {
    use super::is_root;

    #[test]
    fn the_root_has_many_names() {
        for (text, root) in [
            ("/", true),
            ("//", true),
            ("/a/..", true),
            ("/./", true),
            ("/a", false),
            ("", false),
            ("..", false),
        ] {
            assert_eq!(is_root(text), root, "{text}");
        }
    }
}
