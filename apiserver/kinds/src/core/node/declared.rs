//! The features that a node declares, by name and in order.

use apiserver_api::go::quote;
use apiserver_api::names::DNS_SUBDOMAIN_MAX;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

pub(super) fn validate(path: &Path<'_>, features: &[Tree], refusals: &mut Refusals) {
    for (at, feature) in features.iter().enumerate() {
        let name = feature.as_str().unwrap_or_default();
        if let Some(detail) = wrong(name) {
            refusals.invalid(&path.index(at), name, &detail);
        }
        let Some(next) = features.get(at + 1).map(|next| next.as_str().unwrap_or_default()) else {
            continue;
        };
        if next == name {
            refusals.duplicate(&path.index(at + 1), next);
        } else if next < name {
            refusals.invalid(&path.index(at + 1), next, "list must be sorted alphabetically");
        }
    }
}

fn wrong(name: &str) -> Option<String> {
    let head = format!("invalid feature name {}", quote(name));
    if name.len() > DNS_SUBDOMAIN_MAX {
        return Some(format!("{head}: must be no more than {DNS_SUBDOMAIN_MAX} characters"));
    }
    let segment = |segment: &str| {
        segment.starts_with(|first: char| first.is_ascii_alphabetic())
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let fine = name.starts_with(|first: char| first.is_ascii_uppercase()) && name.split('/').all(segment);
    (!fine).then(|| {
        format!(
            "{head}: must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature \
             or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes"
        )
    })
}
