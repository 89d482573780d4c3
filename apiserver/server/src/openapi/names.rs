//! What operations are called: their ids and tags.

/// How an operation's name may begin; its id is this, the group and version, and the rest.
const VERBS: &[&str] = &[
    "get", "log", "read", "replace", "patch", "delete", "watch", "connect", "proxy", "list", "create",
];

/// The id and the tag of an operation by its name and path.
pub(super) fn id_and_tag(name: &str, path: &str) -> (String, String) {
    let verb = VERBS
        .iter()
        .find(|verb| name.starts_with(**verb))
        .copied()
        .unwrap_or_default();
    let rest = &name[verb.len()..];
    let mut parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    if parts[0] == "api" {
        parts.splice(0..1, ["apis", "core"]);
    }
    let mut id = verb.to_owned();
    let tag = match parts[..] {
        ["apis", group, ..] => {
            let group = group.strip_suffix(".k8s.io").unwrap_or(group);
            id.push_str(&identifier(group, true));
            let mut tag = identifier(group, false);
            if let Some(version) = parts.get(2) {
                id.push_str(&identifier(version, true));
                tag.push('_');
                tag.push_str(&identifier(version, false));
            }
            tag
        }
        _ => identifier(parts[0], false),
    };
    id.push_str(&identifier(rest, true));
    (id, tag)
}

/// Leaves out what no identifier has and begins the next word with a capital.
fn identifier(text: &str, capital: bool) -> String {
    let mut capital = capital;
    let mut out = String::with_capacity(text.len());
    for (at, letter) in text.chars().enumerate() {
        if letter.is_alphabetic() || letter == '_' || (at > 0 && letter.is_ascii_digit()) {
            if std::mem::take(&mut capital) {
                out.extend(letter.to_uppercase());
            } else {
                out.push(letter);
            }
        } else {
            capital = true;
        }
    }
    out
}

/// A word with a capital.
pub(super) fn capital(word: &str) -> String {
    identifier(word, true)
}

/// A noun with its article between spaces; what ends as a plural does has none.
pub(super) fn with_article(noun: &str) -> String {
    if noun.ends_with('s') && !noun.ends_with("ss") {
        return format!(" {noun}");
    }
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']);
    format!(" {} {noun}", if vowel { "an" } else { "a" })
}

#[cfg(test)]
mod tests {
    use super::{id_and_tag, with_article};

    #[test]
    fn an_id_has_the_group_and_version_behind_its_verb() {
        for (name, path, id, tag) in [
            (
                "readNamespacedPodLog",
                "/api/v1/namespaces/{namespace}/pods/{name}/log",
                "readCoreV1NamespacedPodLog",
                "core_v1",
            ),
            (
                "deletecollectionClusterRole",
                "/apis/rbac.authorization.k8s.io/v1/clusterroles",
                "deleteRbacAuthorizationV1CollectionClusterRole",
                "rbacAuthorization_v1",
            ),
            ("getAPIGroup", "/apis/apps/", "getAppsAPIGroup", "apps"),
            ("getAPIVersions", "/api/", "getCoreAPIVersions", "core"),
            ("getAPIVersions", "/apis/", "getAPIVersions", "apis"),
            ("logFileListHandler", "/logs/", "logFileListHandler", "logs"),
            ("getX", "/.well-known/openid-configuration/", "getX", "WellKnown"),
        ] {
            assert_eq!(id_and_tag(name, path), (id.to_owned(), tag.to_owned()));
        }
    }

    #[test]
    fn a_plural_has_no_article() {
        assert_eq!(with_article("Endpoints"), " Endpoints");
        assert_eq!(with_article("Ingress"), " an Ingress");
        assert_eq!(with_article("StorageClass"), " a StorageClass");
    }
}
