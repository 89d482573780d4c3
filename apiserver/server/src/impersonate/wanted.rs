//! Whom the headers name.

use std::fmt::Write;

use apiserver_access::authenticate::percent::unescaped;
use apiserver_api::go::quote;
use apiserver_api::status::Status;
use apiserver_api::tree::{Text, Tree};
use apiserver_api::user::User;
use http::{HeaderMap, HeaderName, HeaderValue};

const NAME: &str = "impersonate-user";
const UID: &str = "impersonate-uid";
const GROUP: &str = "impersonate-group";
/// What the names of headers begin with that say more of a user.
const EXTRA: &str = "impersonate-extra-";

/// The user that the headers name, as they say it; `None` where they name none.
///
/// # Errors
/// 400 where they say something of a user but no name.
pub(super) fn of(headers: &HeaderMap) -> Result<Option<User>, Status> {
    let first = |name: &str| headers.get(name).map(text).unwrap_or_default();
    let extra = headers
        .iter()
        .filter_map(|(name, value)| Some((unescaped(name.as_str().strip_prefix(EXTRA)?), text(value))));
    let wanted = User {
        name: first(NAME).into(),
        uid: first(UID).into(),
        groups: headers.get_all(GROUP).iter().map(|group| text(group).into()).collect(),
        extra: User::extra(extra),
    };
    if !wanted.name.is_empty() {
        return Ok(Some(wanted));
    }
    if wanted.uid.is_empty() && wanted.groups.is_empty() && wanted.extra.is_empty() {
        return Ok(None);
    }
    let shown = shown(&wanted);
    Err(Status::bad_request(format!(
        "requested {shown} without impersonating a user name"
    )))
}

/// Takes away what the headers say of another user.
pub(super) fn strip(headers: &mut HeaderMap) {
    let is_ours = |name: &HeaderName| {
        let name = name.as_str();
        matches!(name, NAME | UID | GROUP) || name.starts_with(EXTRA)
    };
    let ours: Vec<HeaderName> = headers.keys().filter(|name| is_ours(name)).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// A user as Go prints it (`%#v`).
fn shown(user: &User) -> String {
    let list = |values: &mut dyn Iterator<Item = &str>| {
        let values: Vec<String> = values.map(quote).collect();
        values.join(", ")
    };
    let groups = if user.groups.is_empty() {
        "[]string(nil)".to_owned()
    } else {
        format!("[]string{{{}}}", list(&mut user.groups.iter().map(Text::as_str)))
    };
    let mut extra = "map[string][]string(nil)".to_owned();
    if !user.extra.is_empty() {
        "map[string][]string{".clone_into(&mut extra);
        let mut keys: Vec<_> = user.extra.iter().collect();
        keys.sort_unstable_by_key(|(key, _)| *key);
        for (at, (key, values)) in keys.into_iter().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            let values = values.as_list().unwrap_or_default();
            let values = list(&mut values.iter().filter_map(Tree::as_str));
            // Writing to a string does not fail.
            let _ = write!(extra, "{comma}{}:[]string{{{values}}}", quote(key));
        }
        extra.push('}');
    }
    format!(
        "&user.DefaultInfo{{Name:\"\", UID:{}, Groups:{groups}, Extra:{extra}}}",
        quote(&user.uid)
    )
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::{of, strip};

    fn headers(all: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in all {
            let name: http::HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn headers_name_a_user_with_all_that_is_known() {
        let mut headers = headers(&[
            ("Impersonate-User", "u"),
            ("Impersonate-Group", "a"),
            ("Impersonate-Group", "b"),
            ("Impersonate-Uid", "7"),
            ("Impersonate-Extra-Acme.io%2fScopes", "x"),
            ("Impersonate-Extra-Acme.io%2fScopes", "y"),
            ("Impersonate-Extra-bad%zz", "z"),
            ("Accept", "*/*"),
        ]);
        let user = of(&headers).unwrap().unwrap();
        assert_eq!(
            user.to_tree().to_json(),
            br#"{"extra":{"acme.io/scopes":["x","y"],"bad%zz":["z"]},"groups":["a","b"],"uid":"7","username":"u"}"#
        );
        strip(&mut headers);
        assert_eq!(headers.len(), 1);
    }

    #[test]
    fn nobody_is_named_without_a_name() {
        assert_eq!(of(&headers(&[("Impersonate-User", "")])).unwrap(), None);
        for (all, shown) in [
            (
                &[("Impersonate-Group", "g"), ("Impersonate-Extra-a", "1")][..],
                r#"{Name:"", UID:"", Groups:[]string{"g"}, Extra:map[string][]string{"a":[]string{"1"}}}"#,
            ),
            (
                &[("Impersonate-Uid", "7")],
                r#"{Name:"", UID:"7", Groups:[]string(nil), Extra:map[string][]string(nil)}"#,
            ),
        ] {
            let message = format!("requested &user.DefaultInfo{shown} without impersonating a user name");
            let refused = of(&headers(all)).unwrap_err();
            assert_eq!((refused.code, refused.message), (400, message));
        }
    }
}
