//! Volumes that are files made of objects: secrets, config maps, the pod itself, and several of them in one directory.

use std::collections::BTreeSet;

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::pod::env::{validate_field, validate_resource};
use crate::pod::paths;
use crate::pod::scope::{Mistake, Options};
use crate::text::required_fields;

/// The fields of a pod that a file may show.
const FIELDS: &[&str] = &[
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
];
const MODE_MAX: i64 = 0o777;
const MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";
const TOKEN_SECONDS_MIN: i64 = 600;
const TOKEN_SECONDS_MAX: i64 = 1 << 32;
const CONFLICT: &str = "conflicting duplicate paths";

fn validate_mode(path: &Path<'_>, mode: &Tree, refusals: &mut Refusals) {
    if let Some(mode) = mode.as_int().filter(|mode| !(0..=MODE_MAX).contains(mode)) {
        refusals.invalid(path, mode, MODE);
    }
}

/// A secret or a config map; `name` is the field that names it.
pub(super) fn validate_files(path: &Path<'_>, source: &Tree, name: &str, refusals: &mut Refusals) {
    required_fields(path, source, &[name], refusals);
    validate_mode(&path.field("defaultMode"), source.at("defaultMode"), refusals);
    let path = path.field("items");
    for (at, item) in source.items("items").iter().enumerate() {
        validate_item(&path.index(at), item, refusals);
    }
}

fn validate_item(path: &Path<'_>, item: &Tree, refusals: &mut Refusals) {
    required_fields(path, item, &["key", "path"], refusals);
    paths::local(&path.field("path"), item.text("path"), refusals);
    validate_mode(&path.field("mode"), item.at("mode"), refusals);
}

/// The pod's own fields. Upstream tells of all files at the source.
pub(super) fn validate_downward(path: &Path<'_>, source: &Tree, refusals: &mut Refusals) {
    validate_mode(&path.field("defaultMode"), source.at("defaultMode"), refusals);
    for file in source.items("items") {
        validate_file(path, file, refusals);
    }
}

fn validate_file(path: &Path<'_>, file: &Tree, refusals: &mut Refusals) {
    required_fields(path, file, &["path"], refusals);
    paths::local(&path.field("path"), file.text("path"), refusals);
    let (field, resource) = (file.at("fieldRef"), file.at("resourceFieldRef"));
    match (field.is_null(), resource.is_null()) {
        (false, alone) => {
            validate_field(&path.field("fieldRef"), field, FIELDS, refusals);
            if !alone {
                let detail = "fieldRef and resourceFieldRef can not be specified simultaneously";
                refusals.invalid(path, "resource", detail);
            }
        }
        (true, false) => validate_resource(&path.field("resourceFieldRef"), resource, true, refusals),
        (true, true) => refusals.required(path, "one of fieldRef and resourceFieldRef is required"),
    }
    validate_mode(&path.field("mode"), file.at("mode"), refusals);
}

/// Several sources in one directory, no two of which have a file at the same place.
pub(super) fn validate_projected(path: &Path<'_>, volume: &Tree, options: Options, refusals: &mut Refusals) {
    validate_mode(&path.field("defaultMode"), volume.at("defaultMode"), refusals);
    let list = path.field("sources");
    let mut taken = BTreeSet::new();
    for (at, source) in volume.items("sources").iter().enumerate() {
        let item = list.index(at);
        let mut count = 0;
        for kind in ["secret", "configMap", "downwardAPI", "serviceAccountToken"] {
            let one = source.at(kind);
            if one.is_null() {
                continue;
            }
            count += 1;
            let item = item.field(kind);
            match kind {
                "downwardAPI" => {
                    for file in one.items("items") {
                        validate_file(&item, file, refusals);
                        take(path, file.text("path"), file.text("path"), &mut taken, refusals);
                    }
                }
                "serviceAccountToken" => validate_token(path, &item, one, options, refusals),
                _ => {
                    required_fields(&item, one, &["name"], refusals);
                    let items = item.field("items");
                    for (at, file) in one.items("items").iter().enumerate() {
                        validate_item(&items.index(at), file, refusals);
                        take(path, file.text("path"), one.text("name"), &mut taken, refusals);
                    }
                }
            }
        }
        if count > 1 {
            refusals.forbidden(&item, "may not specify more than 1 volume type per source");
        }
    }
}

/// Takes a place in the directory.
fn take<'a>(path: &Path<'_>, place: &'a str, shown: &str, taken: &mut BTreeSet<&'a str>, refusals: &mut Refusals) {
    if !place.is_empty() && !taken.insert(place) {
        refusals.invalid(path, shown, CONFLICT);
    }
}

/// A token of the pod's service account. Upstream tells of its place at the volume.
fn validate_token(volume: &Path<'_>, path: &Path<'_>, token: &Tree, options: Options, refusals: &mut Refusals) {
    let seconds = token.int("expirationSeconds");
    let seconds_path = path.field("expirationSeconds");
    if seconds < TOKEN_SECONDS_MIN {
        let detail = "may not specify a duration less than 10 minutes";
        refusals.invalid(&seconds_path, seconds, detail);
    }
    if seconds > TOKEN_SECONDS_MAX {
        let detail = "may not specify a duration larger than 2^32 seconds";
        refusals.invalid(&seconds_path, seconds, detail);
    }
    let place = token.text("path");
    if place.is_empty() {
        refusals.required(&volume.field("path"), "");
    } else if !options.forgives(Mistake::TokenPaths) {
        paths::local(&volume.field("path"), place, refusals);
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, Path, Refusals, validate_downward, validate_files, validate_projected};
    use crate::pod::testing::{json, words};

    #[test]
    fn files_have_a_key_a_place_and_a_mode() {
        for (source, wrong) in [
            (r#"{"name":"n","items":[{"key":"k","path":"p","mode":511}]}"#, 0),
            (r#"{"items":[{"key":"k","path":"../p","mode":512}]}"#, 3),
            (r#"{"name":"n","defaultMode":-1}"#, 1),
        ] {
            let mut refusals = Refusals::new();
            validate_files(&Path::of("c"), &json(source), "name", &mut refusals);
            assert_eq!(refusals.len(), wrong, "{source}");
        }
        let mut refusals = Refusals::new();
        validate_downward(&Path::of("d"), &json(r#"{"items":[{"path":"p"}]}"#), &mut refusals);
        assert_eq!(
            words(&refusals),
            "d: Required value: one of fieldRef and resourceFieldRef is required"
        );
    }

    #[test]
    fn sources_in_one_directory_do_not_meet() {
        let cases = [
            (
                r#"{"sources":[{"configMap":{"name":"n","items":[{"key":"k","path":"p"},{"key":"l","path":"p"}]}}]}"#,
                r#"p: Invalid value: "n": conflicting duplicate paths"#,
            ),
            (
                r#"{"sources":[{"configMap":{"name":"n"},"secret":{"name":"n"}}]}"#,
                "p.sources[0]: Forbidden: may not specify more than 1 volume type per source",
            ),
            (
                r#"{"sources":[{"serviceAccountToken":{"expirationSeconds":1,"path":"t"}}]}"#,
                "p.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 1: may not specify a duration \
                 less than 10 minutes",
            ),
        ];
        for (volume, told) in cases {
            let mut refusals = Refusals::new();
            validate_projected(&Path::of("p"), &json(volume), Options::default(), &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }
}
