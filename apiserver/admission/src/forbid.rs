//! How a plugin says no (`admission.NewForbidden`).

use std::fmt::Display;

use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use crate::plugin::Request;

/// What an object is called that has no name yet and no prefix of one.
const UNKNOWN: &str = "Unknown";

/// The name by which a refusal calls what the request is about. Names are generated after admission, so that a prefix may
/// be all there is.
pub(crate) fn called<'a>(request: &'a Request<'_>, object: Option<&'a Tree>) -> &'a str {
    if !request.name.is_empty() {
        return request.name;
    }
    let object = object.unwrap_or(&Tree::Null);
    let names = [meta::name(object), meta::generate_name(object)];
    names.into_iter().find(|name| !name.is_empty()).unwrap_or(UNKNOWN)
}

/// 403: this plugin does not let it pass.
pub(crate) fn forbid(request: &Request<'_>, object: Option<&Tree>, why: impl Display) -> Status {
    Status::forbidden(&request.resource.group_resource(), called(request, object), why)
}

#[cfg(test)]
mod tests {
    use crate::double::{Scene, json};
    use crate::plugin::Operation;

    use super::forbid;

    #[test]
    fn an_object_without_a_name_is_called_by_what_there_is() {
        let scene = Scene::new();
        let mut request = scene.request(Operation::Create, "pods");
        for (name, object, told) in [
            ("p", r#"{"metadata":{"name":"q"}}"#, r#"pods "p" is forbidden: no"#),
            ("", r#"{"metadata":{"name":"q"}}"#, r#"pods "q" is forbidden: no"#),
            (
                "",
                r#"{"metadata":{"generateName":"q-"}}"#,
                r#"pods "q-" is forbidden: no"#,
            ),
            ("", "{}", r#"pods "Unknown" is forbidden: no"#),
        ] {
            request.name = name;
            assert_eq!(forbid(&request, Some(&json(object)), "no").message, told);
        }
        request.name = "";
        assert_eq!(
            forbid(&request, None, "no").message,
            r#"pods "Unknown" is forbidden: no"#
        );
    }
}
