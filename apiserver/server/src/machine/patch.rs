//! What a patch makes of an object: JSON patch, merge patch, strategic merge patch, and apply.

use apiserver_api::gvk::{GroupKind, GroupResource};
use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::status::{Cause, Reason, Status};
use apiserver_api::tree::{self, Tree};
use apiserver_api::yaml;
use apiserver_patch::apply::{self, Write as Noted};
use apiserver_patch::{json, merge, strategic};
use apiserver_schema::built_in;
use bytes::Bytes;

use super::{Machine, Write, fields, metadata};
use crate::decode;
use crate::options::FieldValidation;
use crate::request::content::Document;

/// The sorts of patches, by their content types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchKind {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl PatchKind {
    /// What a content type names, if it is a patch.
    pub(crate) fn of(header: &str) -> Option<Self> {
        // Upstream compares what stands before the semicolon as it is.
        match header.split(';').next().unwrap_or_default() {
            "application/json-patch+json" => Some(Self::Json),
            "application/merge-patch+json" => Some(Self::Merge),
            "application/strategic-merge-patch+json" => Some(Self::Strategic),
            "application/apply-patch+yaml" => Some(Self::Apply),
            _ => None,
        }
    }
}

/// A patch.
pub(crate) struct Patch<'p> {
    pub(crate) kind: PatchKind,
    pub(crate) bytes: &'p Bytes,
}

impl Patch<'_> {
    /// Whether it makes an object where none is.
    pub(crate) fn is_apply(&self) -> bool {
        self.kind == PatchKind::Apply
    }

    /// What it makes of an object of the stored version: one with its defaults, and with its managed fields.
    pub(crate) fn apply(&self, write: &Write<'_>, old: Option<&Tree>) -> Result<Tree, Status> {
        let resource = write.resource;
        let served = old.map(|old| {
            let mut served = old.clone();
            write.speech.to_served(&mut served);
            served
        });
        if self.kind == PatchKind::Apply {
            return self.configuration(write, served.as_ref());
        }
        let (Some(old), Some(served)) = (old, served) else {
            return Err(Machine::not_found(resource, write.name));
        };
        let mut new = match self.kind {
            PatchKind::Strategic => self.strategic(write, served)?,
            _ => self.json(write, old, served)?,
        };
        write.speech.settle(&mut new);
        fields::note(write, Some(old), &mut new);
        Ok(new)
    }

    fn json(&self, write: &Write<'_>, old: &Tree, served: Tree) -> Result<Tree, Status> {
        let checked = write.options.validation != FieldValidation::Ignore;
        let decoding = |error: String| {
            let prefix = if checked { "error decoding patch: " } else { "" };
            Status::bad_request(format!("{prefix}{error}"))
        };
        let parsed = tree::parse(self.bytes).map_err(|error| match self.kind {
            PatchKind::Merge if !checked => Status::bad_request("Invalid JSON Patch"),
            _ => decoding(error.to_string()),
        })?;
        let patch = parsed.tree;
        let is_json = self.kind == PatchKind::Json;
        let mut strict: Vec<String> = Vec::new();
        if checked {
            let twice = parsed.duplicates.iter();
            let prefix = if is_json { "json patch " } else { "" };
            strict.extend(twice.map(|path| format!("{prefix}duplicate field {}", apiserver_api::go::quote(path))));
        }
        let patched = if is_json {
            if checked {
                let unknown = json::unknown_fields(&patch).map_err(|error| Status::bad_request(error.to_string()))?;
                strict.extend(unknown);
            }
            json::apply(served, &patch).map_err(refused_operation)?
        } else {
            merge::apply(served, &patch, checked).map_err(|error| Status::bad_request(error.to_string()))?
        };
        let refuse = |message: String| {
            let mut refusals = Refusals::new();
            let shown = self.result(write, old, &patch);
            refusals.invalid(&Path::of("patch"), shown.as_str(), &message);
            Status::invalid(&GroupKind::new("", ""), "", &refusals)
        };
        if let Some(unknown) = internal::unversioned(&patched, write.speech.expected()).map_err(refuse)? {
            if checked {
                strict.extend(unknown);
            }
            judged(write, strict, |message| refuse(message.to_owned()))?;
            // None of its fields was read, so it has no name.
            return Err(metadata::nameless(write.name));
        }
        typed(write, patched, strict, refuse)
    }

    /// What a JSON or merge patch makes of an object, as a refusal quotes it.
    fn result(&self, write: &Write<'_>, old: &Tree, patch: &Tree) -> String {
        let mut served = old.clone();
        write.speech.to_served(&mut served);
        let of = write.speech.expected().served.map(|id| (built_in(), id));
        match self.kind {
            PatchKind::Json => json::shown(of, &served, patch),
            _ => merge::shown(of, &served, patch),
        }
    }

    fn strategic(&self, write: &Write<'_>, served: Tree) -> Result<Tree, Status> {
        let parsed = tree::parse(self.bytes).map_err(|error| Status::bad_request(error.to_string()))?;
        let mut patch = parsed.tree;
        let checked = write.options.validation != FieldValidation::Ignore;
        let twice = parsed.duplicates.iter().filter(|_| checked);
        let strict = twice.map(|path| format!("duplicate field {}", apiserver_api::go::quote(path)));
        let mut strict: Vec<String> = strict.collect();
        let expected = write.speech.expected();
        let kind = expected.served;
        let mut patched = strategic::apply(served, &mut patch, built_in(), kind).map_err(unfit_patch)?;
        let refuse = |message: &str| {
            let mut refusals = Refusals::new();
            let mut shown = String::new();
            go_map(&patch, &mut shown);
            refusals.invalid(&Path::of("patch"), shown.as_str(), message);
            Status::invalid(&GroupKind::new("", ""), "", &refusals)
        };
        let mut unknown = Vec::new();
        if let Some(kind) = kind {
            let findings = built_in()
                .restore(kind, &mut patched)
                .map_err(|message| refuse(&message))?;
            unknown.clone_from(&findings.unknown);
            if let Some(mistake) = findings.mistake(&[]) {
                return Err(refuse(&mistake.message));
            }
        }
        // Upstream answers 500, though it is the client that is wrong.
        if let Some(why) = expected.unreadable(&patched) {
            return Err(Status::bad_request(why));
        }
        // What it is is known already, whatever the patch says.
        meta::set_type(&mut patched, expected.api_version, expected.kind);
        let mut unknown: Vec<_> = unknown.iter().map(|path| format!("unknown field \"{path}\"")).collect();
        unknown.sort_unstable();
        strict.extend(unknown);
        judged(write, strict, refuse)?;
        Ok(patched)
    }

    /// What comes of applying a configuration.
    fn configuration(&self, write: &Write<'_>, served: Option<&Tree>) -> Result<Tree, Status> {
        let (speech, expected) = (write.speech, write.speech.expected());
        let decoding = |error: yaml::Error| {
            Status::bad_request(format!("error decoding YAML: error converting YAML to JSON: {error}"))
        };
        let parsed = yaml::parse(self.bytes).map_err(decoding)?;
        if parsed.tree.as_map().is_none() && !parsed.tree.is_null() {
            return Err(Status::bad_request(format!(
                "error decoding YAML: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                parsed.tree.type_name()
            )));
        }
        let config = match parsed.tree {
            Tree::Null => Tree::map(),
            other => other,
        };
        let now = write.call.now.to_string();
        let filters = speech.filters(write.subresource);
        let noted = Noted {
            kind: speech.shape(),
            api_version: expected.api_version,
            kind_name: expected.kind,
            manager: &write.options.manager,
            subresource: write.subresource,
            now: &now,
            filters: &filters,
            versions: speech.versions(),
        };
        let mut new = apply::apply(&noted, served, &config, write.options.force).map_err(not_applied)?;
        if !parsed.duplicates.is_empty() {
            let text = format!(
                "error converting YAML to JSON: {}",
                yaml::strict_error(&parsed.duplicates)
            );
            match write.options.validation {
                FieldValidation::Ignore => {}
                FieldValidation::Warn => parsed.duplicates.iter().for_each(|text| write.call.warn(text.as_str())),
                FieldValidation::Strict => {
                    return Err(Status::bad_request(format!("error strict decoding YAML: {text}")));
                }
            }
        }
        if let Some(id) = expected.served {
            // Upstream answers 500, though it is the client that is wrong.
            let refuse = |message: &str| Status::bad_request(apply::not_converted(&config, message));
            let findings = built_in().restore(id, &mut new).map_err(|message| refuse(&message))?;
            if let Some(mistake) = findings.mistake(&[]) {
                return Err(refuse(&mistake.message));
            }
        }
        // And so it does here.
        if let Some(why) = expected.unreadable(&new) {
            return Err(Status::bad_request(why));
        }
        meta::set_type(&mut new, expected.api_version, expected.kind);
        speech.settle(&mut new);
        Ok(new)
    }
}

/// Reads what a patch made by its type, and follows what the request says of unknown fields.
fn typed(
    write: &Write<'_>,
    patched: Tree,
    mut strict: Vec<String>,
    refuse: impl Fn(String) -> Status,
) -> Result<Tree, Status> {
    let json: Bytes = patched.to_json().into();
    let document = Document {
        tree: patched,
        json,
        duplicates: Vec::new(),
    };
    let expected = write.speech.expected();
    decode::check_kind(&document, expected).map_err(&refuse)?;
    let read = decode::read(document, expected).map_err(&refuse)?;
    strict.extend(read.strict);
    judged(write, strict, |message| refuse(message.to_owned()))?;
    Ok(read.tree)
}

/// Follows what the request says of unknown fields and of those that stand twice.
fn judged(write: &Write<'_>, strict: Vec<String>, refuse: impl Fn(&str) -> Status) -> Result<(), Status> {
    if strict.is_empty() {
        return Ok(());
    }
    match write.options.validation {
        FieldValidation::Ignore => {}
        FieldValidation::Warn => strict.into_iter().for_each(|text| write.call.warn(text)),
        FieldValidation::Strict => return Err(refuse(&format!("strict decoding error: {}", strict.join(", ")))),
    }
    Ok(())
}

fn refused_operation(error: json::Error) -> Status {
    match error {
        json::Error::Patch(message) => Status::bad_request(message),
        json::Error::TooMany(_) => Status::request_entity_too_large(error),
        json::Error::Operation(message) => Status::generic(422, "", &GroupResource::new("", ""), "", &message),
    }
}

fn unfit_patch(error: strategic::Error) -> Status {
    match error.answer() {
        strategic::Answer::Unprocessable => {
            Status::generic(422, "", &GroupResource::new("", ""), "", &error.to_string())
        }
        // To some of them upstream answers 500, though it is the client that is wrong.
        strategic::Answer::BadRequest | strategic::Answer::Internal => Status::bad_request(error.to_string()),
    }
}

fn not_applied(error: apply::Error) -> Status {
    match error {
        apply::Error::Conflicts(conflicts) => {
            let causes = conflicts.causes().into_iter().map(|cause| Cause {
                reason: "FieldManagerConflict".into(),
                message: cause.message,
                field: cause.field,
            });
            Status::apply_conflict(causes.collect(), conflicts.to_string())
        }
        apply::Error::Refused(message) => Status::bad_request(message),
        apply::Error::Failed(message) => Status::new(500, Reason::Unknown, message),
    }
}

/// Appends a patch as Go prints a map (`map[a:b]`).
fn go_map(tree: &Tree, out: &mut String) {
    match tree {
        Tree::Null => out.push_str("<nil>"),
        Tree::Text(text) => out.push_str(text),
        Tree::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { " " } else { "" });
                go_map(item, out);
            }
            out.push(']');
        }
        Tree::Map(map) => {
            out.push_str("map[");
            for (at, (key, value)) in map.iter().enumerate() {
                out.push_str(if at > 0 { " " } else { "" });
                out.push_str(key);
                out.push(':');
                go_map(value, out);
            }
            out.push(']');
        }
        other => out.push_str(&String::from_utf8_lossy(&other.to_json())),
    }
}

mod internal;
#[cfg(test)]
mod tests;
