//! In which form a page is wanted: text where nothing else is said, an object only to who names its kind and version.

use apiserver_api::status::Status;

use super::{GROUP, VERSIONS};
use crate::answer::{self, Answer};
use crate::request::Call;
use crate::request::accept::{Clause, Form, Wanted, clauses, not_accepted};

/// What can be had, the best first.
const TYPES: [(&str, &str, Option<Form>); 3] = [
    ("application", "json", Some(Form::Json)),
    ("application", "yaml", Some(Form::Yaml)),
    ("text", "plain", None),
];

/// What a client takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// Text.
    Text,
    /// An object of this version.
    Object {
        form: Form,
        version: &'static str,
        /// On many lines.
        pretty: bool,
    },
}

/// What a header asks for of a page whose object is of this kind.
///
/// # Errors
/// 406 where none of it can be had.
pub(super) fn choose(header: &str, kind: &str) -> Result<Choice, Status> {
    if header.trim().is_empty() {
        return Ok(Choice::Text);
    }
    let clauses = clauses(header);
    let mut found = clauses.iter().flat_map(|clause| {
        let fitting = TYPES.iter().filter(|(kind, part, _)| clause.takes(kind, part));
        fitting.filter_map(|(.., form)| choice(clause, *form, kind))
    });
    found
        .next()
        .ok_or_else(|| not_accepted("application/json, application/yaml, text/plain"))
}

/// What a clause asks for in one of the forms, if that can be had.
fn choice(clause: &Clause<'_>, form: Option<Form>, kind: &str) -> Option<Choice> {
    let said = |key: &str| clause.said(key).unwrap_or_default();
    if !said("stream").is_empty() || !said("sv").is_empty() {
        return None;
    }
    match form {
        None => is_plain(clause).then_some(Choice::Text),
        Some(form) => {
            let (version, _) = VERSIONS.iter().find(|(name, _)| *name == said("v"))?;
            (said("g") == GROUP && said("as") == kind).then_some(Choice::Object {
                form,
                version,
                pretty: said("pretty") == "1",
            })
        }
    }
}

/// Whether nothing is to be made of the object before it is written.
fn is_plain(clause: &Clause<'_>) -> bool {
    ["as", "g", "v"].iter().all(|key| clause.said(key).is_none())
}

/// The refusal of all forms: in YAML where the client would take that of a plain object, or else in JSON.
pub(super) fn refuse(call: &Call, refused: &Status) -> Answer {
    let clauses = clauses(call.header("accept"));
    let plain = clauses.iter().find_map(|clause| {
        let form = TYPES.iter().find(|(kind, part, _)| clause.takes(kind, part))?.2?;
        let stream = clause.said("stream").unwrap_or_default();
        let streams = stream.is_empty() || (stream == "watch" && form == Form::Json);
        (is_plain(clause) && streams && clause.said("sv").unwrap_or_default().is_empty()).then_some(form)
    });
    let wanted = Wanted {
        form: plain.unwrap_or(Form::Json),
        ..Wanted::PLAIN
    };
    answer::tree(call, wanted, refused.code, &refused.to_tree())
}
