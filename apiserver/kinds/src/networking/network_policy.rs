//! `NetworkPolicy`: which pods may speak with whom.

use std::collections::HashSet;

use apiserver_api::int_or_string::IntOrString;
use apiserver_api::labels::{self, Leniency};
use apiserver_api::meta;
use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::GROUP;
use crate::check::count_generation_strictly;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};
use crate::text::tell;

/// The two ways, and where each names who is at the other end.
const WAYS: [(&str, &str); 2] = [("ingress", "from"), ("egress", "to")];

/// The entry of the table.
pub(crate) const NETWORK_POLICY: Kind = Kind {
    group: GROUP,
    kind: "NetworkPolicy",
    plural: "networkpolicies",
    singular: "networkpolicy",
    short_names: &["netpol"],
    versions: &[Version::stored("v1", "io.k8s.api.networking.v1.NetworkPolicy")],
    folder: "networkpolicies",
    rules: &NetworkPolicy,
    columns: &[
        NAME,
        Column {
            name: "Pod-Selector",
            words: Words::Of("io.k8s.api.networking.v1.NetworkPolicySpec", "podSelector"),
            cell: Cell::Is(|object| labels::format(object.at("spec").at("podSelector")).into()),
            ..AGE
        },
        AGE,
    ],
    ..Kind::PLAIN
};

struct NetworkPolicy;

impl Rules for NetworkPolicy {
    fn default(&self, object: &mut Tree) {
        let Some(spec) = object.get_mut("spec") else {
            return;
        };
        for (way, _) in WAYS {
            let rules = spec.get_mut(way).and_then(Tree::as_list_mut);
            for rule in rules.into_iter().flatten() {
                let ports = rule.get_mut("ports").and_then(Tree::as_list_mut);
                for port in ports.into_iter().flatten() {
                    port.set_default("protocol", "TCP");
                }
            }
        }
        if spec.items("policyTypes").is_empty() {
            let both = !spec.items("egress").is_empty();
            let types: &[&str] = if both { &["Ingress", "Egress"] } else { &["Ingress"] };
            spec.set("policyTypes", types.iter().copied().collect::<Tree>());
        }
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        meta::set_generation(object, 1);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        count_generation_strictly(object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        validate_spec(object.at("spec"), &Allowed::default(), refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        validate_spec(object.at("spec"), &Allowed::of(old.at("spec")), refusals);
    }

    fn warnings(&self, object: &Tree, _old: Option<&Tree>) -> Vec<String> {
        let mut warnings = Vec::new();
        let (path, spec) = (Path::of("spec"), object.at("spec"));
        for (way, end) in WAYS {
            let rules = path.field(way);
            for (at, rule) in spec.items(way).iter().enumerate() {
                let path = rules.index(at);
                let peers = path.field(end);
                for (at, peer) in rule.items(end).iter().enumerate() {
                    warnings.extend(block_warnings(&peers.index(at).field("ipBlock"), peer.at("ipBlock")));
                }
            }
        }
        warnings
    }
}

/// What a client is warned of in a network that is not written as it should be.
fn block_warnings(path: &Path<'_>, block: &Tree) -> Vec<String> {
    let mut warnings = names::cidr_warnings(&path.field("cidr"), block.text("cidr"));
    let path = path.field("except");
    for (at, part) in block.items("except").iter().enumerate() {
        let part = part.as_str().unwrap_or_default();
        warnings.extend(names::cidr_warnings(&path.index(at), part));
    }
    warnings
}

/// What a policy of old may go on having.
#[derive(Default)]
struct Allowed<'o> {
    leniency: Leniency,
    networks: HashSet<&'o str>,
}

impl<'o> Allowed<'o> {
    fn of(old: &'o Tree) -> Self {
        let mut refusals = Refusals::new();
        labels::validate(&Path::root(), old.at("podSelector"), Leniency::default(), &mut refusals);
        let mut networks = HashSet::new();
        for (way, end) in WAYS {
            let peers = old.items(way).iter().flat_map(|rule| rule.items(end));
            for block in peers.map(|peer| peer.at("ipBlock")) {
                networks.insert(block.text("cidr"));
                networks.extend(block.items("except").iter().filter_map(Tree::as_str));
            }
        }
        Self {
            leniency: Leniency {
                values: !refusals.is_empty(),
                ..Leniency::default()
            },
            networks,
        }
    }
}

fn validate_spec(spec: &Tree, allowed: &Allowed<'_>, refusals: &mut Refusals) {
    let path = Path::of("spec");
    let selector = spec.at("podSelector");
    labels::validate(&path.field("podSelector"), selector, allowed.leniency, refusals);
    for (way, end) in WAYS {
        let rules = path.field(way);
        for (at, rule) in spec.items(way).iter().enumerate() {
            let path = rules.index(at);
            let ports = path.field("ports");
            for (at, port) in rule.items("ports").iter().enumerate() {
                validate_port(&ports.index(at), port, refusals);
            }
            let peers = path.field(end);
            for (at, peer) in rule.items(end).iter().enumerate() {
                validate_peer(&peers.index(at), peer, allowed, refusals);
            }
        }
    }
    let (types, path) = (spec.items("policyTypes"), path.field("policyTypes"));
    if types.len() > 2 {
        return refusals.invalid(&path, types, "may not specify more than two policyTypes");
    }
    for (at, one) in types.iter().enumerate() {
        let one = one.as_str().unwrap_or_default();
        if !matches!(one, "Ingress" | "Egress") {
            refusals.not_supported(&path.index(at), one, &["Ingress", "Egress"]);
        }
    }
}

fn validate_port(path: &Path<'_>, port: &Tree, refusals: &mut Refusals) {
    if let Some(protocol) = port.at("protocol").as_str()
        && !matches!(protocol, "TCP" | "UDP" | "SCTP")
    {
        refusals.not_supported(&path.field("protocol"), protocol, &["TCP", "UDP", "SCTP"]);
    }
    let (end, end_path) = (port.at("endPort").as_int(), path.field("endPort"));
    let port_path = path.field("port");
    match (IntOrString::read(port.at("port")), end) {
        (None, Some(end)) => refusals.invalid(&end_path, end, "may not be specified when `port` is not specified"),
        (None, None) => {}
        (Some(IntOrString::Text(name)), end) => {
            if let Some(end) = end {
                refusals.invalid(&end_path, end, "may not be specified when `port` is non-numeric");
            }
            tell(&port_path, &name, names::port_name(&name), refusals);
        }
        (Some(IntOrString::Int(number)), end) => {
            let number = i64::from(number);
            validate_number(&port_path, number, refusals);
            if let Some(end) = end {
                if end < number {
                    // Upstream shows the port here, not its end.
                    refusals.invalid(&end_path, number, "must be greater than or equal to `port`");
                }
                validate_number(&end_path, end, refusals);
            }
        }
    }
}

fn validate_number(path: &Path<'_>, number: i64, refusals: &mut Refusals) {
    for message in names::port_number(number) {
        refusals.invalid(path, number, &message);
    }
}

fn validate_peer(path: &Path<'_>, peer: &Tree, allowed: &Allowed<'_>, refusals: &mut Refusals) {
    let mut selectors = 0;
    for field in ["podSelector", "namespaceSelector"] {
        if peer.has(field) {
            selectors += 1;
            labels::validate(&path.field(field), peer.at(field), allowed.leniency, refusals);
        }
    }
    if peer.has("ipBlock") {
        validate_block(&path.field("ipBlock"), peer.at("ipBlock"), &allowed.networks, refusals);
        if selectors > 0 {
            refusals.forbidden(path, "may not specify both ipBlock and another peer");
        }
    } else if selectors == 0 {
        refusals.required(path, "must specify a peer");
    }
}

/// A network, and parts of it that are not meant. What the policy had already is not looked at again.
fn validate_block(path: &Path<'_>, block: &Tree, known: &HashSet<&str>, refusals: &mut Refusals) {
    let (text, at) = (block.text("cidr"), path.field("cidr"));
    if text.is_empty() {
        return refusals.required(&at, "");
    }
    let check = |path: &Path<'_>, text: &str, refusals: &mut Refusals| {
        if !known.contains(text) {
            tell(path, text, names::cidr(text, true), refusals);
        }
    };
    check(&at, text, refusals);
    let Some(cidr) = names::parse_cidr_sloppy(text) else {
        return;
    };
    let path = path.field("except");
    for (at, part) in block.items("except").iter().enumerate() {
        let (part, path) = (part.as_str().unwrap_or_default(), path.index(at));
        check(&path, part, refusals);
        let Some(inner) = names::parse_cidr_sloppy(part) else {
            continue;
        };
        if !cidr.contains(inner.network()) || length(text) >= length(part) {
            refusals.invalid(&path, part, "must be a strict subset of `cidr`");
        }
    }
}

/// The length of the prefix of a network that could be read.
fn length(cidr: &str) -> Option<u8> {
    cidr.rsplit_once('/')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::{Tree, parse};

    use super::{Allowed, NETWORK_POLICY, validate_peer, validate_port};

    fn tree(text: &str) -> Tree {
        parse(text.as_bytes()).unwrap().tree
    }

    #[test]
    fn ports_are_numbers_or_names_and_only_numbers_have_an_end() {
        for (port, wrong) in [
            ("{}", 0),
            (r#"{"port":80}"#, 0),
            (r#"{"port":80,"endPort":90}"#, 0),
            (r#"{"port":80,"endPort":70}"#, 1),
            (r#"{"port":0}"#, 1),
            (r#"{"port":"http"}"#, 0),
            (r#"{"port":"A_","endPort":1}"#, 3),
            (r#"{"endPort":1,"protocol":"x"}"#, 2),
        ] {
            let mut refusals = Refusals::new();
            validate_port(&Path::root(), &tree(port), &mut refusals);
            assert_eq!(refusals.len(), wrong, "{port}: {refusals}");
        }
    }

    #[test]
    fn a_peer_is_pods_or_a_network() {
        for (peer, wrong) in [
            ("{}", 1),
            (r#"{"podSelector":{},"namespaceSelector":{}}"#, 0),
            (r#"{"podSelector":{},"ipBlock":{"cidr":"10.0.0.0/8"}}"#, 1),
            (r#"{"ipBlock":{}}"#, 1),
            (r#"{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.0.0.0/16"]}}"#, 0),
            (r#"{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.0.0.0/8"]}}"#, 1),
            (r#"{"ipBlock":{"cidr":"10.0.0.0/8","except":["11.0.0.0/16","x"]}}"#, 2),
            (r#"{"ipBlock":{"cidr":"010.0.0.0/8"}}"#, 1),
        ] {
            let mut refusals = Refusals::new();
            validate_peer(&Path::root(), &tree(peer), &Allowed::default(), &mut refusals);
            assert_eq!(refusals.len(), wrong, "{peer}: {refusals}");
        }
    }

    #[test]
    fn networks_that_a_policy_had_are_not_refused() {
        let old = tree(r#"{"ingress":[{"from":[{"ipBlock":{"cidr":"010.0.0.0/8"}}]}]}"#);
        let mut refusals = Refusals::new();
        let peer = tree(r#"{"ipBlock":{"cidr":"010.0.0.0/8"}}"#);
        validate_peer(&Path::root(), &peer, &Allowed::of(&old), &mut refusals);
        assert!(refusals.is_empty());
    }

    #[test]
    fn many_networks_are_found_among_many_that_a_policy_had() {
        let cidr = |at: u32| format!("{}/32", std::net::Ipv4Addr::from(at));
        let except: Vec<String> = (0..30_000).map(|at| format!("\"{}\"", cidr(at))).collect();
        let peer = format!(
            r#"{{"ipBlock":{{"cidr":"0.0.0.0/0","except":[{}]}}}}"#,
            except.join(",")
        );
        let old = tree(&format!(r#"{{"ingress":[{{"from":[{peer}]}}]}}"#));
        let mut refusals = Refusals::new();
        let allowed = Allowed::of(&old);
        for _ in 0..2 {
            validate_peer(&Path::root(), &tree(&peer), &allowed, &mut refusals);
        }
        assert!(refusals.is_empty());
    }

    #[test]
    fn networks_that_are_written_oddly_are_told() {
        let block = r#"{"ipBlock":{"cidr":"FD00::/64","except":["fd00:0::/80","fd00::1:0:0:0/80"]}}"#;
        let odd = |place: &str, text: &str, normal: &str| {
            format!("spec.{place}: IPv6 CIDR value \"{text}\" should be in RFC 5952 canonical format (\"{normal}\")")
        };
        for (way, end) in super::WAYS {
            let policy = tree(&format!(r#"{{"spec":{{"{way}":[{{"{end}":[{{}},{block}]}}]}}}}"#));
            let place = format!("{way}[0].{end}[1].ipBlock");
            assert_eq!(
                NETWORK_POLICY.rules.warnings(&policy, None),
                [
                    odd(&format!("{place}.cidr"), "FD00::/64", "fd00::/64"),
                    odd(&format!("{place}.except[0]"), "fd00:0::/80", "fd00::/80"),
                ]
            );
        }
    }

    #[test]
    fn a_policy_is_for_what_comes_in_and_where_it_says_for_what_goes_out() {
        let mut object = tree(r#"{"spec":{"egress":[{"ports":[{"port":80}]}]}}"#);
        NETWORK_POLICY.rules.default(&mut object);
        let spec = object.at("spec");
        assert_eq!(spec.items("policyTypes").len(), 2);
        assert_eq!(spec.items("egress")[0].items("ports")[0].text("protocol"), "TCP");
    }
}
