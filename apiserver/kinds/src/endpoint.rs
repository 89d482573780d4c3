//! What endpoints are reached by: checks and words that `Endpoints` and endpoint slices share.

use apiserver_api::names::{dns_label, qualified_name};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

/// What a port speaks below its application.
pub(crate) const PROTOCOLS: &[&str] = &["SCTP", "TCP", "UDP"];

/// A label of the DNS.
pub(crate) fn validate_label(path: &Path<'_>, label: &str, refusals: &mut Refusals) {
    for message in dns_label(label) {
        refusals.invalid(path, label, &message);
    }
}

/// The protocol of a port, which must be there.
pub(crate) fn validate_protocol(path: &Path<'_>, protocol: &str, refusals: &mut Refusals) {
    if protocol.is_empty() {
        refusals.required(path, "");
    } else if !PROTOCOLS.contains(&protocol) {
        refusals.not_supported(path, protocol, PROTOCOLS);
    }
}

/// The protocol of an application, which may be absent.
pub(crate) fn validate_app_protocol(path: &Path<'_>, protocol: &Tree, refusals: &mut Refusals) {
    if let Some(protocol) = protocol.as_str() {
        for message in qualified_name(protocol) {
            refusals.invalid(path, protocol, &message);
        }
    }
}

/// The first few of many, and how many more there are; this where there is nothing to show.
pub(crate) fn few(items: impl ExactSizeIterator<Item = String>, most: usize, none: &str) -> String {
    let count = items.len();
    let shown: Vec<String> = items.take(most).collect();
    let shown = shown.join(",");
    if count > most {
        format!("{shown} + {} more...", count - most)
    } else if shown.is_empty() {
        none.to_owned()
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, Tree, few, validate_app_protocol, validate_label, validate_protocol};

    #[test]
    fn ports_speak_what_is_known() {
        let mut refusals = Refusals::new();
        let path = Path::of("p");
        validate_protocol(&path, "SCTP", &mut refusals);
        validate_app_protocol(&path, &Tree::Null, &mut refusals);
        validate_app_protocol(&path, &"a.b/c".into(), &mut refusals);
        validate_label(&path, "a", &mut refusals);
        assert!(refusals.is_empty());
        validate_protocol(&path, "", &mut refusals);
        validate_protocol(&path, "tcp", &mut refusals);
        validate_app_protocol(&path, &"a b".into(), &mut refusals);
        validate_label(&path, "a b", &mut refusals);
        assert_eq!(refusals.len(), 4);
    }

    #[test]
    fn of_many_a_few_are_shown() {
        let items = |count: usize| (0..count).map(|at| at.to_string()).collect::<Vec<_>>().into_iter();
        assert_eq!(few(items(0), 3, "<none>"), "<none>");
        assert_eq!(few(std::iter::once(String::new()), 3, "<none>"), "<none>");
        assert_eq!(few(items(3), 3, ""), "0,1,2");
        assert_eq!(few(items(5), 3, ""), "0,1,2 + 2 more...");
    }
}
