//! How plugins say no: 403 for the write at hand (`admission.NewForbidden`), and several mistakes in one line.

use std::collections::HashSet;
use std::fmt::Display;

use apiserver_api::meta;
use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::Tree;

use crate::plugin::Request;

/// 403 for the write at hand. It names the object as the request does, else as the object is or will be named.
pub(crate) fn forbidden(request: &Request<'_>, object: Option<&Tree>, error: impl Display) -> Status {
    Status::forbidden(&request.resource.group_resource(), name(request, object), error)
}

/// The same for an answer of somebody else; one that is a 403 already stays as it is.
pub(crate) fn forbidden_by(request: &Request<'_>, object: Option<&Tree>, status: Status) -> Status {
    if status.reason == Reason::Forbidden {
        status
    } else {
        forbidden(request, object, status)
    }
}

fn name<'a>(request: &'a Request<'_>, object: Option<&'a Tree>) -> &'a str {
    let object = object.map(|object| [meta::name(object), meta::generate_name(object)]);
    [request.name]
        .into_iter()
        .chain(object.into_iter().flatten())
        .find(|name| !name.is_empty())
        .unwrap_or("Unknown")
}

/// Mistakes as Go's aggregated errors print them: one alone, several in brackets, each once. `None` where there is none.
pub(crate) fn together(mistakes: &[String]) -> Option<String> {
    let mut once: Vec<&str> = Vec::with_capacity(mistakes.len());
    let mut known = HashSet::new();
    for mistake in mistakes {
        if known.insert(mistake) {
            once.push(mistake);
        }
    }
    match once.as_slice() {
        [] => None,
        [one] => Some((*one).to_owned()),
        many => Some(format!("[{}]", many.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::status::Status;

    use super::{forbidden, forbidden_by, together};
    use crate::testing::{Ask, tree};

    #[test]
    fn the_object_is_named_as_well_as_it_can_be() {
        let mut ask = Ask::create("", "v1", "Pod", "pods").within("t");
        let text = |ask: &Ask, json: &str| forbidden(&ask.request(), Some(&tree(json)), "no").message;
        assert_eq!(text(&ask, "{}"), r#"pods "Unknown" is forbidden: no"#);
        let generated = r#"{"metadata":{"generateName":"a-"}}"#;
        assert_eq!(text(&ask, generated), r#"pods "a-" is forbidden: no"#);
        ask = ask.named("b");
        assert_eq!(text(&ask, generated), r#"pods "b" is forbidden: no"#);
    }

    #[test]
    fn a_403_is_not_wrapped_again() {
        let ask = Ask::create("", "v1", "Pod", "pods").named("b");
        let inner = Status::forbidden(&ask.request().resource.group_resource(), "a", "first");
        assert_eq!(forbidden_by(&ask.request(), None, inner.clone()), inner);
        let other = forbidden_by(&ask.request(), None, Status::bad_request("bad"));
        assert_eq!(other.message, r#"pods "b" is forbidden: bad"#);
    }

    #[test]
    fn mistakes_are_told_once() {
        let texts = |list: &[&str]| together(&list.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(texts(&[]), None);
        assert_eq!(texts(&["a", "a"]).as_deref(), Some("a"));
        assert_eq!(texts(&["a", "b", "a"]).as_deref(), Some("[a, b]"));
    }

    #[test]
    fn many_mistakes_are_told_once_each_too() {
        let one = |at: usize| format!("maximum cpu usage per Container is 1, but limit is {:06}", at % 60_000);
        let told = together(&(0..120_000).map(one).collect::<Vec<_>>()).unwrap();
        assert_eq!(told.matches(", maximum").count(), 59_999);
    }
}
