//! How names are resolved in a pod, and what it is called itself.

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::scope::{Mistake, Scope};
use crate::check::one_of;
use crate::text::tell;

const POLICIES: &[&str] = &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const NAMESERVERS_MAX: usize = 3;
const SEARCHES_MAX: usize = 32;
const SEARCH_LENGTH_MAX: usize = 2048;
const HOSTNAME_MAX: usize = 64;

/// The policy and the configuration of a spec, and its additions to `/etc/hosts`.
pub(super) fn validate(path: &Path<'_>, scope: &Scope<'_>, refusals: &mut Refusals) {
    let policy = scope.spec.text("dnsPolicy");
    one_of(&path.field("dnsPolicy"), policy, POLICIES, true, refusals);
    validate_config(&path.field("dnsConfig"), policy, scope, refusals);
    let path = path.field("hostAliases");
    for (at, alias) in scope.spec.items("hostAliases").iter().enumerate() {
        let path = path.index(at);
        validate_address(&path.field("ip"), alias.text("ip"), scope, refusals);
        let path = path.field("hostnames");
        for (at, name) in alias.items("hostnames").iter().enumerate() {
            let name = name.as_str().unwrap_or_default();
            tell(&path.index(at), name, names::dns_subdomain(name), refusals);
        }
    }
}

fn validate_address(path: &Path<'_>, address: &str, scope: &Scope<'_>, refusals: &mut Refusals) {
    tell(
        path,
        address,
        names::ip(address, !scope.options.forgives(Mistake::LooseAddresses)),
        refusals,
    );
}

/// Whether some address of a spec is ambiguous.
pub(super) fn has_loose_addresses(spec: &Tree) -> bool {
    let servers = spec
        .at("dnsConfig")
        .items("nameservers")
        .iter()
        .filter_map(Tree::as_str);
    let aliases = spec.items("hostAliases").iter().map(|alias| alias.text("ip"));
    servers
        .chain(aliases)
        .any(|address| !names::ip(address, true).is_empty())
}

fn validate_config(path: &Path<'_>, policy: &str, scope: &Scope<'_>, refusals: &mut Refusals) {
    let config = scope.spec.at("dnsConfig");
    let servers = config.items("nameservers");
    let servers_path = path.field("nameservers");
    if policy == "None" {
        if config.is_null() {
            return refusals.required(path, "must provide `dnsConfig` when `dnsPolicy` is None");
        }
        if servers.is_empty() {
            let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            return refusals.required(&servers_path, detail);
        }
    }
    if servers.len() > NAMESERVERS_MAX {
        let detail = format!("must not have more than {NAMESERVERS_MAX} nameservers");
        refusals.invalid(&servers_path, config.at("nameservers"), &detail);
    }
    for (at, server) in servers.iter().enumerate() {
        let address = server.as_str().unwrap_or_default();
        validate_address(&servers_path.index(at), address, scope, refusals);
    }
    let searches_path = path.field("searches");
    let searches: Vec<&str> = config.items("searches").iter().filter_map(Tree::as_str).collect();
    if searches.len() > SEARCHES_MAX {
        let detail = format!("must not have more than {SEARCHES_MAX} search paths");
        refusals.invalid(&searches_path, config.at("searches"), &detail);
    }
    if searches.join(" ").len() > SEARCH_LENGTH_MAX {
        let detail =
            format!("must not have more than {SEARCH_LENGTH_MAX} characters (including spaces) in the search list");
        refusals.invalid(&searches_path, config.at("searches"), &detail);
    }
    for (at, search) in searches.iter().enumerate().filter(|(_, search)| **search != ".") {
        let search = search.strip_suffix('.').unwrap_or(search);
        let messages = names::dns_subdomain_with_underscore(search);
        tell(&searches_path.index(at), search, messages, refusals);
    }
    let path = path.field("options");
    for (at, option) in config.items("options").iter().enumerate() {
        if option.text("name").is_empty() {
            refusals.required(&path.index(at), "must not be empty");
        }
    }
}

/// What the pod is called.
pub(super) fn validate_hostname(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    for field in ["hostname", "subdomain"] {
        let name = spec.text(field);
        if !name.is_empty() {
            tell(&path.field(field), name, names::dns_label(name), refusals);
        }
    }
    if let Some(name) = spec.at("hostnameOverride").as_str() {
        let path = path.field("hostnameOverride");
        if spec.flag("hostNetwork") {
            refusals.forbidden(&path, "may not be specified when hostNetwork is true");
        }
        if spec.flag("setHostnameAsFQDN") {
            refusals.forbidden(&path, "may not be specified when setHostnameAsFQDN is true");
        }
        tell(&path, name, names::dns_subdomain(name), refusals);
        if name.len() > HOSTNAME_MAX {
            refusals.too_long(&path, HOSTNAME_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, validate, validate_hostname};
    use crate::pod::scope::Scope;
    use crate::pod::testing::{json, words};

    #[test]
    fn a_pod_without_the_cluster_s_names_has_servers_of_its_own() {
        let cases = [
            (r#"{"dnsPolicy":"ClusterFirst"}"#, ""),
            (
                r#"{"dnsPolicy":"None"}"#,
                "s.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None",
            ),
            (
                r#"{"dnsPolicy":"None","dnsConfig":{"nameservers":["1.2.3.4"],"searches":[".","_a.b."]}}"#,
                "",
            ),
            (
                r#"{"dnsPolicy":"Default","dnsConfig":{"nameservers":["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4"]}}"#,
                "s.dnsConfig.nameservers: Invalid value: [\"1.1.1.1\",\"1.1.1.2\",\"1.1.1.3\",\"1.1.1.4\"]: must not \
                 have more than 3 nameservers",
            ),
            (
                r#"{"dnsPolicy":"Default","hostAliases":[{"ip":"1.1.1.01"}]}"#,
                r#"s.hostAliases[0].ip: Invalid value: "1.1.1.01": must not have leading 0s"#,
            ),
        ];
        for (spec, told) in cases {
            let spec = json(spec);
            let mut refusals = Refusals::new();
            validate(&Path::of("s"), &Scope::for_tests(&spec), &mut refusals);
            assert_eq!(words(&refusals), told);
        }
    }

    #[test]
    fn host_names_are_labels() {
        for (spec, wrong) in [
            (r#"{"hostname":"a","hostnameOverride":"a.b"}"#, 0),
            (r#"{"subdomain":"a.b"}"#, 1),
            (r#"{"hostnameOverride":"a","hostNetwork":true}"#, 1),
        ] {
            let mut refusals = Refusals::new();
            validate_hostname(&Path::of("s"), &json(spec), &mut refusals);
            assert_eq!(refusals.len(), wrong, "{spec}");
        }
    }
}
