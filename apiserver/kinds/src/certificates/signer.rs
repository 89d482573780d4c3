//! Names of signers: `example.com/my-signer`.

use apiserver_api::go::quote;
use apiserver_api::names::{DNS_LABEL_MAX, DNS_SUBDOMAIN_MAX, Messages, dns_label, dns_subdomain};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;

/// The most bytes: a domain, a slash, and a label and a domain with a dot between them.
const MOST: usize = DNS_SUBDOMAIN_MAX + 1 + DNS_SUBDOMAIN_MAX + 1 + DNS_LABEL_MAX;

/// Checks the name of a signer.
pub(super) fn validate(path: &Path<'_>, name: &str, refusals: &mut Refusals) {
    if name.is_empty() {
        return refusals.required(path, "");
    }
    let (domain, signer) = match name.split_once('/') {
        Some((domain, signer)) if !signer.contains('/') => (domain, signer),
        _ => {
            let detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
            return refusals.invalid(path, name, detail);
        }
    };
    if domain.len() > DNS_SUBDOMAIN_MAX {
        refusals.too_long(path, DNS_SUBDOMAIN_MAX);
    }
    validate_labels(path, domain, dns_label, refusals);
    if !domain.contains('.') {
        let detail = "should be a domain with at least two segments separated by dots";
        refusals.invalid(path, domain, detail);
    }
    validate_labels(path, signer, dns_subdomain, refusals);
    if name.len() > MOST {
        refusals.too_long(path, MOST);
    }
}

/// Tells of the first label that is wrong.
fn validate_labels(path: &Path<'_>, segment: &str, check: fn(&str) -> Messages, refusals: &mut Refusals) {
    let checked = segment.split('.').map(|label| (label, check(label)));
    let wrong = checked.into_iter().find(|(_, messages)| !messages.is_empty());
    if let Some((label, messages)) = wrong {
        for message in messages {
            refusals.invalid(path, segment, &format!("validating label {}: {message}", quote(label)));
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;

    use super::validate;

    #[test]
    fn a_signer_is_a_name_below_a_domain() {
        for (name, expected) in [
            ("example.com/a.b", None),
            ("", Some("Required value")),
            (
                "example.com",
                Some(r#"Invalid value: "example.com": must be a fully qualified domain and path"#),
            ),
            (
                "a.b/c/d",
                Some(r#"Invalid value: "a.b/c/d": must be a fully qualified domain and path"#),
            ),
            (
                "a/b",
                Some(r#"Invalid value: "a": should be a domain with at least two segments"#),
            ),
            (
                "A.b/c",
                Some(r#"Invalid value: "A.b": validating label "A": a lowercase RFC 1123 label"#),
            ),
            (
                "a.b/",
                Some(r#"Invalid value: "": validating label "": a lowercase RFC 1123 subdomain"#),
            ),
        ] {
            let mut refusals = Refusals::new();
            validate(&Path::of("s"), name, &mut refusals);
            let said: Vec<_> = refusals.iter().map(|one| one.message.as_str()).collect();
            assert_eq!(said.len(), usize::from(expected.is_some()), "{name}: {said:?}");
            assert!(
                expected.is_none_or(|expected| said[0].starts_with(expected)),
                "{said:?}"
            );
        }
    }
}
