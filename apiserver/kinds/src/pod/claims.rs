//! Claims on devices: those of the pod, and which containers use them.

use std::collections::{BTreeMap, BTreeSet};

use apiserver_api::go::quote;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::{Refusal, Refusals, Why};
use apiserver_api::tree::Tree;

use crate::internal::shown;
use crate::text::tell;

const CLAIM: &str = "io.k8s.api.core.v1.PodResourceClaim";

/// The claims of a pod.
pub(super) fn validate(path: &Path<'_>, claims: &[Tree], refusals: &mut Refusals) {
    let mut seen = BTreeSet::new();
    for (at, claim) in claims.iter().enumerate() {
        let path = path.index(at);
        let name = claim.text("name");
        if name.is_empty() {
            refusals.required(&path.field("name"), "");
        } else if seen.insert(name) {
            tell(&path.field("name"), name, names::dns_label(name), refusals);
        } else {
            refusals.duplicate(&path.field("name"), name);
        }
        let sources = ["resourceClaimName", "resourceClaimTemplateName"];
        let detail = match sources.iter().filter(|source| claim.has(source)).count() {
            0 => "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`",
            1 => "",
            _ => "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified",
        };
        if !detail.is_empty() {
            refusals.invalid(&path, shown(CLAIM, claim), detail);
        }
        for source in sources {
            if let Some(name) = claim.at(source).as_str() {
                let messages = names::name_is_dns_subdomain(name, false);
                tell(&path.field(source), name, messages, refusals);
            }
        }
    }
}

/// The claims that a container uses; `known` are those of the pod.
pub(super) fn validate_use(path: &Path<'_>, claims: &[Tree], known: &BTreeSet<&str>, refusals: &mut Refusals) {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    // Of how many claims a part was named.
    let mut parts: BTreeMap<String, usize> = BTreeMap::new();
    for (at, claim) in claims.iter().enumerate() {
        let path = path.index(at);
        let (name, request) = (claim.text("name"), claim.text("request"));
        if name.is_empty() {
            refusals.required(&path, "");
            continue;
        }
        if seen.contains(name) {
            refusals.duplicate(&path, name);
        } else {
            let mut key = name.to_owned();
            if !request.is_empty() {
                tell(&path.field("request"), request, names::dns_label(request), refusals);
                key = format!("{name}/{request}");
            }
            // The whole claim after parts of it.
            let before = parts.get(name).filter(|_| request.is_empty() && !seen.contains(&key));
            for _ in 0..before.copied().unwrap_or_default() {
                refusals.duplicate(&path, name);
            }
            if seen.contains(&key) {
                refusals.duplicate(&path, &key);
            } else if let Some((claim, _)) = key.split_once('/') {
                *parts.entry(claim.to_owned()).or_default() += 1;
            }
            seen.insert(key);
        }
        if !known.contains(name) {
            refusals.push_made(|| unknown(&path, name, known));
        }
    }
}

fn unknown(path: &Path<'_>, name: &str, known: &BTreeSet<&str>) -> Refusal {
    let known: Vec<&str> = known.iter().copied().collect();
    let which = if known.is_empty() {
        " which is empty".to_owned()
    } else {
        format!(": {}", known.join(", "))
    };
    Refusal {
        why: Why::NotFound,
        field: path.to_string(),
        message: format!(
            "Not found: {}: must be one of the names in pod.spec.resourceClaims{which}",
            quote(name)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{BTreeSet, Path, Refusals, validate, validate_use};
    use crate::pod::testing::{json, words};

    #[test]
    fn a_claim_has_a_name_and_one_source() {
        let cases = [
            (r#"[{"name":"a","resourceClaimName":"x"}]"#, ""),
            (
                r#"[{"name":"a"}]"#,
                "c[0]: Invalid value: {\"Name\":\"a\",\"ResourceClaimName\":null,\"ResourceClaimTemplateName\":null}: \
                 must specify one of: `resourceClaimName`, `resourceClaimTemplateName`",
            ),
            (
                r#"[{"name":"a","resourceClaimName":"x"},{"name":"a","resourceClaimName":"x"}]"#,
                r#"c[1].name: Duplicate value: "a""#,
            ),
        ];
        for (claims, told) in cases {
            let mut refusals = Refusals::new();
            validate(&Path::of("c"), json(claims).as_list().unwrap(), &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }

    #[test]
    fn containers_use_each_claim_of_the_pod_once() {
        let known = BTreeSet::from(["a"]);
        let cases = [
            (r#"[{"name":"a","request":"x"},{"name":"a","request":"y"}]"#, ""),
            (
                r#"[{"name":"a","request":"x"},{"name":"a"}]"#,
                r#"c[1]: Duplicate value: "a""#,
            ),
            (
                r#"[{"name":"b"}]"#,
                r#"c[0]: Not found: "b": must be one of the names in pod.spec.resourceClaims: a"#,
            ),
        ];
        for (claims, told) in cases {
            let mut refusals = Refusals::new();
            validate_use(&Path::of("c"), json(claims).as_list().unwrap(), &known, &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }
}
