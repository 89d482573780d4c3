//! How webhooks are reached: a URL or a service of the cluster, as admission and conversion name them.

mod url;

use std::collections::HashSet;

use apiserver_api::names::{dns_subdomain, port_number};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

/// The port of a service where none is given.
pub(crate) const PORT: i64 = 443;

const FORM: &str = "; desired format: https://host[/path]";

/// Fills in the port of the service that a client configuration may name.
pub(crate) fn default_port(config: &mut Tree) {
    if let Some(service) = config.get_mut("service").filter(|service| !service.is_null()) {
        service.set_default("port", PORT);
    }
}

/// Checks a client configuration: one of URL and service.
pub(crate) fn validate(path: &Path<'_>, config: &Tree, refusals: &mut Refusals) {
    match (config.has("url"), config.has("service")) {
        (true, false) => validate_url(&path.field("url"), config.text("url"), refusals),
        (false, true) => validate_service(&path.field("service"), config.at("service"), refusals),
        _ => refusals.required(path, "exactly one of url or service is required"),
    }
}

fn validate_url(path: &Path<'_>, given: &str, refusals: &mut Refusals) {
    let url = match url::parse(given) {
        Ok(url) => url,
        Err(error) => return refusals.required(path, &format!("url must be a valid URL: {error}{FORM}")),
    };
    if url.scheme != "https" {
        let detail = format!("'https' is the only allowed URL scheme{FORM}");
        refusals.invalid(path, &url.scheme, &detail);
    }
    if url.host.is_empty() {
        refusals.invalid(path, "", &format!("host must be specified{FORM}"));
    }
    if let Some(user) = url.user {
        refusals.invalid(path, &user, "user information is not permitted in the URL");
    }
    if !url.fragment.is_empty() {
        refusals.invalid(path, &url.fragment, "fragments are not permitted in the URL");
    }
    if !url.query.is_empty() {
        refusals.invalid(path, &url.query, "query parameters are not permitted in the URL");
    }
}

fn validate_service(path: &Path<'_>, service: &Tree, refusals: &mut Refusals) {
    // Upstream takes the one for the other, so the wrong field is named.
    if service.text("namespace").is_empty() {
        refusals.required(&path.field("name"), "");
    }
    if service.text("name").is_empty() {
        refusals.required(&path.field("namespace"), "");
    }
    let port = service.int("port");
    let messages = port_number(port);
    if !messages.is_empty() {
        let detail = format!("port is not valid: {}", messages.join(", "));
        refusals.invalid(&path.field("port"), port, &detail);
    }
    validate_service_path(&path.field("path"), service.text("path"), refusals);
}

fn validate_service_path(path: &Path<'_>, given: &str, refusals: &mut Refusals) {
    match given {
        "" | "/" => return,
        "//" => return refusals.invalid(path, given, "segment[0] may not be empty"),
        _ => {}
    }
    if !given.starts_with('/') {
        refusals.invalid(path, given, "must start with a '/'");
    }
    // The first byte is left out whatever it is.
    let rest = String::from_utf8_lossy(given.as_bytes().get(1..).unwrap_or_default());
    let rest = rest.strip_suffix('/').unwrap_or(&rest);
    for (at, segment) in rest.split('/').enumerate() {
        if segment.is_empty() {
            refusals.invalid(path, given, &format!("segment[{at}] may not be empty"));
            continue;
        }
        for message in dns_subdomain(segment) {
            refusals.invalid(path, given, &format!("segment[{at}]: {message}"));
        }
    }
}

/// Checks the versions of reviews that a webhook understands. `none` is said where there is none of them; one that this
/// server speaks must be among them if `recognized`.
pub(crate) fn validate_review_versions(
    path: &Path<'_>,
    versions: &[Tree],
    none: &str,
    recognized: bool,
    refusals: &mut Refusals,
) {
    if versions.is_empty() {
        return refusals.required(path, none);
    }
    let mut seen = HashSet::new();
    for (at, version) in versions.iter().enumerate() {
        let version = version.as_str().unwrap_or_default();
        if !seen.insert(version) {
            refusals.invalid(&path.index(at), version, "duplicate version");
            continue;
        }
        for message in apiserver_api::names::dns_1035_label(version) {
            refusals.invalid(&path.index(at), version, &message);
        }
    }
    if recognized && !has_known_review_version(versions) {
        refusals.invalid(path, versions, "must include at least one of v1, v1beta1");
    }
}

/// Whether this server speaks one of these versions of reviews.
pub(crate) fn has_known_review_version(versions: &[Tree]) -> bool {
    let known = |version: &Tree| matches!(version.as_str(), Some("v1" | "v1beta1"));
    versions.iter().any(known)
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree;

    use super::{validate, validate_review_versions};

    fn said(config: &str) -> Vec<String> {
        let config = tree::parse(config.as_bytes()).unwrap().tree;
        let mut refusals = Refusals::new();
        validate(&Path::of("c"), &config, &mut refusals);
        refusals.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn one_of_url_and_service_is_there_and_is_well_formed() {
        for (config, expected) in [
            (r#"{"url":"https://a.example.com/x"}"#, &[][..]),
            (
                r#"{"service":{"name":"s","namespace":"t","port":443,"path":"/a/b/"}}"#,
                &[],
            ),
            (r#"{"service":{"name":"s","namespace":"t","port":1,"path":"/"}}"#, &[]),
            ("{}", &["c: Required value: exactly one of url or service is required"]),
            (
                r#"{"url":"http://"}"#,
                &[
                    r#"c.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]"#,
                    r#"c.url: Invalid value: "": host must be specified; desired format: https://host[/path]"#,
                ],
            ),
            (
                r#"{"url":"https://u:p@h/?q#f"}"#,
                &[
                    r#"c.url: Invalid value: "u:p": user information is not permitted in the URL"#,
                    r#"c.url: Invalid value: "f": fragments are not permitted in the URL"#,
                    r#"c.url: Invalid value: "q": query parameters are not permitted in the URL"#,
                ],
            ),
            (
                r#"{"service":{"name":"s","port":0,"path":"a/"}}"#,
                &[
                    "c.service.name: Required value",
                    "c.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive",
                    r#"c.service.path: Invalid value: "a/": must start with a '/'"#,
                    r#"c.service.path: Invalid value: "a/": segment[0] may not be empty"#,
                ],
            ),
            (
                r#"{"service":{"name":"s","namespace":"t","port":1,"path":"//"}}"#,
                &[r#"c.service.path: Invalid value: "//": segment[0] may not be empty"#],
            ),
        ] {
            assert_eq!(said(config), expected, "{config}");
        }
        assert!(
            said(r#"{"url":"%zz"}"#)[0].contains(r#"url must be a valid URL: parse "%zz": invalid URL escape "%zz""#)
        );
    }

    #[test]
    fn review_versions_are_labels_without_repetition_and_one_is_known() {
        let said = |versions: &[&str]| {
            let versions: Vec<_> = versions.iter().map(|one| (*one).into()).collect();
            let mut refusals = Refusals::new();
            validate_review_versions(&Path::of("v"), &versions, "none", true, &mut refusals);
            refusals.iter().map(|one| one.message.clone()).collect::<Vec<_>>()
        };
        assert!(said(&["v1", "v7"]).is_empty());
        assert_eq!(said(&[]), ["Required value: none"]);
        assert_eq!(
            said(&["a", "a"]),
            [
                r#"Invalid value: "a": duplicate version"#,
                r#"Invalid value: ["a","a"]: must include at least one of v1, v1beta1"#
            ]
        );
        assert_eq!(said(&["v1", "A"]).len(), 1);
    }
}
