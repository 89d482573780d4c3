//! The addresses of a pod and of its node.

use std::collections::BTreeSet;

use apiserver_api::names::{self, Ip};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use crate::internal::{shown, shown_list};
use crate::text::tell;

/// The type of an address, of pods and of hosts alike.
const ADDRESS: &str = "io.k8s.api.core.v1.PodIP";

/// Addresses: each one once, at most one of a family. Those that the object has already may be ambiguous.
pub(super) fn validate(path: &Path<'_>, given: &Tree, old: &[Tree], refusals: &mut Refusals) {
    let list = given.as_list().unwrap_or_default();
    let known: BTreeSet<&str> = old.iter().map(|one| one.text("ip")).collect();
    for (at, address) in list.iter().enumerate() {
        let text = address.text("ip");
        tell(&path.index(at), text, names::ip(text, !known.contains(text)), refusals);
    }
    if list.len() < 2 {
        return;
    }
    let parsed: Vec<Option<Ip>> = list.iter().map(|one| names::parse_ip_sloppy(one.text("ip"))).collect();
    let broken = parsed.iter().position(Option::is_none);
    if let Some(at) = broken {
        let text = list[at].text("ip");
        let error = format!("failed to check for dual stack with error:invalid IP[{at}]: {text}");
        refusals.internal(path, &error);
    }
    let of_v4 = |ip: &Option<Ip>| ip.and_then(Ip::v4).is_some();
    let both = broken.is_none() && parsed.iter().any(of_v4) && !parsed.iter().all(of_v4);
    if !both || list.len() > 2 {
        let detail = "may specify no more than one IP for each IP family";
        refusals.invalid(path, shown_list(ADDRESS, given), detail);
    }
    let mut seen = BTreeSet::new();
    for (at, one) in list.iter().enumerate() {
        if parsed[at].is_some() && !seen.insert(one.text("ip")) {
            refusals.duplicate(&path.index(at), shown(ADDRESS, one));
        }
    }
}

pub(super) fn validate_host(path: &Path<'_>, status: &Tree, before: &Tree, refusals: &mut Refusals) {
    let Some(first) = status.items("hostIPs").first().map(|first| first.text("ip")) else {
        return;
    };
    if status.text("hostIP") != first {
        refusals.invalid(&path.index(0).field("ip"), first, "must be equal to `hostIP`");
    }
    validate(path, status.at("hostIPs"), before.items("hostIPs"), refusals);
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, validate};
    use crate::pod::testing::json;

    #[test]
    fn addresses_are_of_two_families_and_stand_once() {
        for (list, old, wrong) in [
            (r#"[{"ip":"10.0.0.1"},{"ip":"fd00::1"}]"#, "[]", 0),
            (r#"[{"ip":"10.0.0.1"},{"ip":"10.0.0.1"}]"#, "[]", 2),
            (r#"[{"ip":"10.0.0.01"}]"#, "[]", 1),
            (r#"[{"ip":"10.0.0.01"}]"#, r#"[{"ip":"10.0.0.01"}]"#, 0),
            ("[{},{}]", "[]", 4),
        ] {
            let (list, old) = (json(list), json(old));
            let mut refusals = Refusals::new();
            let path = Path::of("podIPs");
            validate(&path, &list, old.as_list().unwrap(), &mut refusals);
            assert_eq!(refusals.len(), wrong, "{list:?}");
        }
    }
}
