//! `VolumeAttachment`: a volume that should be at a node.

use apiserver_api::names::{self, in_range};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::GROUP;
use crate::check::immutable_struct;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::persistent_volume;
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, keep_metadata, validate_metadata};
use crate::text::{driver_name, tell};

const SPEC_TYPE: &str = "io.k8s.api.storage.v1.VolumeAttachmentSpec";
/// The most bytes of what a driver tells of an attachment.
const METADATA_MAX: usize = 256 << 10;
/// The most bytes of what went wrong.
const MESSAGE_MAX: usize = 1024;

/// A spec as messages show it.
const SPEC: &str = "io.k8s.api.storage.v1.VolumeAttachmentSpec";

/// The entry of the table.
pub(crate) const VOLUME_ATTACHMENT: Kind = Kind {
    group: GROUP,
    kind: "VolumeAttachment",
    plural: "volumeattachments",
    singular: "volumeattachment",
    namespaced: false,
    versions: &[Version::stored("v1", "io.k8s.api.storage.v1.VolumeAttachment")],
    subresources: &[Subresource::STATUS],
    folder: "volumeattachments",
    rules: &Attachment,
    columns: &[
        NAME,
        Column {
            name: "Attacher",
            format: "name",
            words: Words::Of(SPEC_TYPE, "attacher"),
            cell: Cell::Is(|object| object.at("spec").text("attacher").into()),
            ..AGE
        },
        Column {
            name: "PV",
            words: Words::Of("io.k8s.api.storage.v1.VolumeAttachmentSource", "persistentVolumeName"),
            cell: Cell::Is(|object| object.at("spec").at("source").text("persistentVolumeName").into()),
            ..AGE
        },
        Column {
            name: "Node",
            words: Words::Of(SPEC_TYPE, "nodeName"),
            cell: Cell::Is(|object| object.at("spec").text("nodeName").into()),
            ..AGE
        },
        Column {
            name: "Attached",
            kind: "boolean",
            words: Words::Of("io.k8s.api.storage.v1.VolumeAttachmentStatus", "attached"),
            cell: Cell::Is(|object| object.at("status").flag("attached").into()),
            ..AGE
        },
        AGE,
    ],
    ..Kind::PLAIN
};

struct Attachment;

impl Rules for Attachment {
    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        object.set("status", Tree::map());
        object.child("status").set("attached", false);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_attachment(object, refusals);
        // Attachments of old may have other names.
        let (path, spec) = (Path::of("spec"), object.at("spec"));
        let attacher = spec.text("attacher");
        if !attacher.is_empty() {
            driver_name(&path.field("attacher"), attacher, refusals);
        }
        if let Some(volume) = spec.at("source").at("persistentVolumeName").as_str() {
            let path = path.field("source");
            let path = path.field("persistentVolumeName");
            tell(&path, volume, names::dns_subdomain(volume), refusals);
        }
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_attachment(object, refusals);
        immutable_struct(&Path::of("spec"), SPEC, object.at("spec"), old.at("spec"), refusals);
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(self)
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn answers_deleted(&self) -> bool {
        true
    }
}

impl StatusRules for Attachment {
    fn prepare(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "spec");
        keep_metadata(object, old);
    }

    fn validate(&self, asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        Rules::validate_update(self, asked, object, old, refusals);
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["metadata"], &["spec"]]
    }
}

fn validate_attachment(object: &Tree, refusals: &mut Refusals) {
    validate_metadata(names::name_is_dns_subdomain, false, object, refusals);
    let (path, spec) = (Path::of("spec"), object.at("spec"));
    if spec.text("attacher").is_empty() {
        refusals.required(&path.field("attacher"), "");
    }
    validate_source(&path.field("source"), spec.at("source"), refusals);
    let node = spec.text("nodeName");
    tell(&path.field("nodeName"), node, names::dns_subdomain(node), refusals);
    let (path, status) = (Path::of("status"), object.at("status"));
    let entries = status.entries("attachmentMetadata").iter();
    let size: usize = entries
        .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
        .sum();
    if size > METADATA_MAX {
        refusals.too_long(&path.field("attachmentMetadata"), METADATA_MAX);
    }
    for field in ["attachError", "detachError"] {
        validate_error(&path.field(field), status.at(field), refusals);
    }
}

/// A volume by its name, or described here.
fn validate_source(path: &Path<'_>, source: &Tree, refusals: &mut Refusals) {
    let detail = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    match (
        source.has("inlineVolumeSpec"),
        source.at("persistentVolumeName").as_str(),
    ) {
        (false, None) => refusals.required(path, detail),
        (true, Some(_)) => refusals.forbidden(path, detail),
        (false, Some("")) => {
            let detail = "must specify non empty persistentVolumeName";
            refusals.required(&path.field("persistentVolumeName"), detail);
        }
        (false, Some(_)) => {}
        (true, None) => {
            let path = path.field("inlineVolumeSpec");
            persistent_volume::validate_inline(&path, source.at("inlineVolumeSpec"), refusals);
        }
    }
}

fn validate_error(path: &Path<'_>, error: &Tree, refusals: &mut Refusals) {
    if error.text("message").len() > MESSAGE_MAX {
        // Upstream tells the limit of the metadata.
        refusals.too_long(&path.field("message"), METADATA_MAX);
    }
    if let Some(code) = error.at("errorCode").as_int() {
        for message in in_range(code, 0, i32::MAX.into()) {
            refusals.invalid(&path.field("errorCode"), code, &message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::VOLUME_ATTACHMENT;
    use crate::trial::{refused, update, update_status};

    fn attachment(source: &str, status: &str) -> String {
        format!(
            r#"{{"spec":{{"attacher":"d.example.com","nodeName":"n","source":{source}}},"status":{{"attached":true,{status}}}}}"#
        )
    }

    #[test]
    fn an_attachment_names_a_volume_or_describes_it() {
        for (source, wrong) in [
            (r#"{"persistentVolumeName":"pv"}"#, 0),
            (r#"{"persistentVolumeName":""}"#, 2),
            ("{}", 1),
            (
                r#"{"inlineVolumeSpec":{"csi":{"driver":"d","volumeHandle":"h"},"accessModes":["ReadWriteOnce"]}}"#,
                0,
            ),
            (r#"{"inlineVolumeSpec":{},"persistentVolumeName":"pv"}"#, 1),
        ] {
            let object = attachment(source, r#""attachmentMetadata":{}"#);
            assert_eq!(refused(&VOLUME_ATTACHMENT, &object).len(), wrong, "{source}");
        }
    }

    #[test]
    fn what_should_be_attached_stays() {
        let old = attachment(r#"{"persistentVolumeName":"pv"}"#, r#""attachmentMetadata":{}"#);
        let new = attachment(r#"{"persistentVolumeName":"pw"}"#, r#""attachmentMetadata":{}"#);
        let told = update(&VOLUME_ATTACHMENT, &old, &new).unwrap_err();
        let value = r#"{"Attacher":"d.example.com","Source":{"PersistentVolumeName":"pw","InlineVolumeSpec":null},"NodeName":"n"}"#;
        assert_eq!(told, [format!("spec: Invalid value: {value}: field is immutable")]);
    }

    #[test]
    fn what_went_wrong_is_told_briefly() {
        let source = r#"{"persistentVolumeName":"pv"}"#;
        let old = attachment(source, r#""attachmentMetadata":{}"#);
        for (error, wrong) in [
            (r#"{"message":"x","errorCode":0}"#.to_owned(), 0),
            (r#"{"errorCode":-1}"#.to_owned(), 1),
            (format!(r#"{{"message":"{}"}}"#, "x".repeat(1025)), 1),
        ] {
            let new = attachment(source, &format!(r#""attachError":{error}"#));
            let told = update_status(&VOLUME_ATTACHMENT, &old, &new).err().unwrap_or_default();
            assert_eq!(told.len(), wrong, "{error}");
        }
    }
}
