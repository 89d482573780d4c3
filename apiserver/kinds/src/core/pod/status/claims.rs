//! What became of a pod's claims on devices.

use std::collections::BTreeSet;

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::text::tell;

/// The claims of a pod, and the one that was made for what it asks of extended resources.
pub(super) fn validate(path: &Path<'_>, object: &Tree, refusals: &mut Refusals) {
    let (spec, status) = (object.at("spec"), object.at("status"));
    let list = path.field("resourceClaimStatuses");
    let named: BTreeSet<&str> = spec
        .items("resourceClaims")
        .iter()
        .map(|one| one.text("name"))
        .collect();
    let mut seen = BTreeSet::new();
    for (at, claim) in status.items("resourceClaimStatuses").iter().enumerate() {
        let path = list.index(at);
        let name = claim.text("name");
        if !named.contains(name) {
            let detail = "must match the name of an entry in `spec.resourceClaims`";
            refusals.invalid(&path.field("name"), name, detail);
        }
        if !seen.insert(name) {
            refusals.duplicate(&path.field("name"), name);
        }
        if let Some(name) = claim.at("resourceClaimName").as_str() {
            let messages = names::name_is_dns_subdomain(name, false);
            tell(&path.field("resourceClaimName"), name, messages, refusals);
        }
    }
    let extended = status.at("extendedResourceClaimStatus");
    if !extended.is_null() {
        validate_extended(&path.field("extendedResourceClaimStatus"), extended, spec, refusals);
    }
}

fn validate_extended(path: &Path<'_>, extended: &Tree, spec: &Tree, refusals: &mut Refusals) {
    let name = extended.text("resourceClaimName");
    if name.is_empty() {
        refusals.required(&path.field("resourceClaimName"), "");
    } else {
        let messages = names::name_is_dns_subdomain(name, false);
        tell(&path.field("resourceClaimName"), name, messages, refusals);
    }
    let list = path.field("requestMappings");
    let mappings = extended.items("requestMappings");
    if mappings.is_empty() {
        refusals.required(&list, "at least one request mapping is required");
    }
    let containers = ["initContainers", "containers"]
        .into_iter()
        .flat_map(|list| spec.items(list));
    let known: BTreeSet<&str> = containers.map(|one| one.text("name")).collect();
    let (mut pairs, mut requests) = (BTreeSet::new(), BTreeSet::new());
    for (at, mapping) in mappings.iter().enumerate() {
        let item = list.index(at);
        let (container, resource) = (mapping.text("containerName"), mapping.text("resourceName"));
        if !pairs.insert((container, resource)) {
            refusals.duplicate(&item.field("containerName"), container);
            refusals.duplicate(&item.field("resourceName"), resource);
        }
        if !requests.insert(mapping.text("requestName")) {
            refusals.duplicate(&item.field("requestName"), mapping.text("requestName"));
        }
        let request = mapping.text("requestName");
        tell(&path.field("requestName"), request, names::dns_label(request), refusals);
        if !known.contains(container) {
            let detail = "must match the name of an entry in spec.initContainers.name or spec.containers.name";
            refusals.invalid(&item.field("containerName"), container, detail);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, validate};
    use crate::pod::testing::{json, words};

    #[test]
    fn claims_are_those_of_the_spec() {
        for (status, told) in [
            (
                r#"{"resourceClaimStatuses":[{"name":"a","resourceClaimName":"x"}]}"#,
                "",
            ),
            (
                r#"{"resourceClaimStatuses":[{"name":"b"}]}"#,
                "status.resourceClaimStatuses[0].name: Invalid value: \"b\": must match the name of an entry in \
                 `spec.resourceClaims`",
            ),
            (
                r#"{"extendedResourceClaimStatus":{"resourceClaimName":"x"}}"#,
                "status.extendedResourceClaimStatus.requestMappings: Required value: at least one request mapping is \
                 required",
            ),
        ] {
            let object = json(&format!(
                r#"{{"spec":{{"resourceClaims":[{{"name":"a"}}]}},"status":{status}}}"#
            ));
            let mut refusals = Refusals::new();
            validate(&Path::of("status"), &object, &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }
}
