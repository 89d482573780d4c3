//! What a client is told that may not do what it asked (`responsewriters.Forbidden`).

use apiserver_api::go::quote;
use apiserver_api::gvk::GroupResource;
use apiserver_api::status::Status;

use super::{Attributes, On};

/// 403: the user may not. The reason is the authorizers'; it may be empty.
pub fn forbidden(asked: &Attributes<'_>, reason: &str) -> Status {
    let mut told = harmless(&message(asked));
    if !reason.is_empty() {
        told.push_str(": ");
        told.push_str(reason);
    }
    match &asked.on {
        On::Resource(on) => Status::forbidden(&GroupResource::new(on.group, on.resource), on.name, told),
        On::Path(_) => Status::forbidden(&GroupResource::default(), "", told),
    }
}

fn message(asked: &Attributes<'_>) -> String {
    let (user, verb) = (quote(&asked.user.name), asked.verb);
    let on = match &asked.on {
        On::Path(path) => return format!("User {user} cannot {verb} path {}", quote(path)),
        On::Resource(on) => on,
    };
    let resource = if on.subresource.is_empty() {
        quote(on.resource)
    } else {
        quote(&format!("{}/{}", on.resource, on.subresource))
    };
    let place = if on.namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {}", quote(on.namespace))
    };
    let group = quote(on.group);
    format!("User {user} cannot {verb} resource {resource} in API group {group} {place}")
}

/// Names come from outside, and some browsers take any answer for HTML.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use apiserver_api::user::User;

    use super::super::{Attributes, On, Resource};
    use super::forbidden;

    fn told(user: &str, verb: &str, on: On<'_>, reason: &str) -> String {
        let user = User::new(user, []);
        let user = &user;
        forbidden(&Attributes { user, verb, on }, reason).message
    }

    #[test]
    fn a_refusal_says_who_cannot_do_what_where() {
        let pods = Resource {
            resource: "pods",
            ..Resource::default()
        };
        let one = Resource {
            namespace: "acc",
            name: "x",
            ..pods.clone()
        };
        let scale = Resource {
            namespace: "acc",
            group: "apps",
            resource: "deployments",
            subresource: "scale",
            name: "d",
            ..Resource::default()
        };
        for (verb, on, reason, message) in [
            (
                "list",
                On::Resource(pods),
                "",
                r#"pods is forbidden: User "jane" cannot list resource "pods" in API group "" at the cluster scope"#,
            ),
            (
                "get",
                On::Resource(one.clone()),
                "",
                r#"pods "x" is forbidden: User "jane" cannot get resource "pods" in API group "" in the namespace "acc""#,
            ),
            (
                "get",
                On::Resource(one),
                "not so",
                "pods \"x\" is forbidden: User \"jane\" cannot get resource \"pods\" in API group \"\" in the namespace \
                 \"acc\": not so",
            ),
            (
                "get",
                On::Resource(scale),
                "",
                "deployments.apps \"d\" is forbidden: User \"jane\" cannot get resource \"deployments/scale\" in API \
                 group \"apps\" in the namespace \"acc\"",
            ),
            (
                "get",
                On::Path("/nope"),
                "",
                r#"forbidden: User "jane" cannot get path "/nope""#,
            ),
        ] {
            assert_eq!(told("jane", verb, on, reason), message);
        }
    }

    #[test]
    fn names_are_no_markup_but_reasons_stand_as_they_are() {
        let told = told("<b>&", "get", On::Path("/\"é"), "a < b");
        let message = r#"forbidden: User "&lt;b&gt;&amp;" cannot get path "/\"é": a < b"#;
        assert_eq!(told, message);
    }

    #[test]
    fn details_name_the_object() {
        let user = User::new("jane", []);
        let on = On::Resource(Resource {
            group: "apps",
            resource: "deployments",
            name: "d",
            ..Resource::default()
        });
        let (user, verb) = (&user, "get");
        let status = forbidden(&Attributes { user, verb, on }, "").to_tree();
        let details = status.at("details").to_json();
        assert_eq!(details, br#"{"group":"apps","kind":"deployments","name":"d"}"#);
        let on = On::Path("/x");
        let status = forbidden(&Attributes { user, verb, on }, "").to_tree();
        assert_eq!(
            (status.int("code"), status.at("details").to_json().as_slice()),
            (403, &b"{}"[..])
        );
    }
}
