//! `Endpoints`: where a service is reached, before endpoint slices said it.

use std::collections::BTreeSet;

use apiserver_api::meta;
use apiserver_api::names::{in_range, ip_warning, name_is_dns_subdomain};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::metadata::validate_metadata_update;
use crate::address;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::endpoint::{validate_app_protocol, validate_label, validate_protocol};
use crate::kind::{Asked, Kind, Rules, Version, validate_metadata};

const TYPE: &str = "io.k8s.api.core.v1.Endpoints";
/// The lists of addresses of a subset.
const LISTS: [&str; 2] = ["addresses", "notReadyAddresses"];
/// Who writes an object, where it is upstream's own controller: what that writes is sound.
const MANAGED: (&str, &str) = ("endpoints.kubernetes.io/managed-by", "endpoint-controller");
/// So many endpoints a table shows.
const SHOWN: usize = 3;

/// The entry of the table.
pub(crate) const ENDPOINTS: Kind = Kind {
    kind: "Endpoints",
    plural: "endpoints",
    singular: "endpoints",
    short_names: &["ep"],
    versions: &[Version::stored("v1", TYPE)],
    folder: "services/endpoints",
    rules: &Endpoints,
    columns: &[
        NAME,
        Column {
            name: "Endpoints",
            kind: "string",
            format: "",
            words: Words::Of(TYPE, "subsets"),
            priority: 0,
            cell: Cell::Is(|object| reached(object).into()),
        },
        AGE,
    ],
    ..Kind::PLAIN
};

/// The first addresses with their ports. Their number is a product, so that those that are not shown are only counted.
fn reached(object: &Tree) -> String {
    let subsets = object.items("subsets");
    if subsets.is_empty() {
        return "<none>".to_owned();
    }
    let sizes = subsets.iter().map(|subset| {
        let ports = subset.items("ports").len().max(1);
        subset.items("addresses").len().saturating_mul(ports)
    });
    let more = sizes.fold(0, usize::saturating_add).saturating_sub(SHOWN);
    let shown: Vec<String> = subsets.iter().flat_map(reached_of).take(SHOWN).collect();
    let shown = shown.join(",");
    if more > 0 {
        format!("{shown} + {more} more...")
    } else {
        shown
    }
}

/// Each address of a subset with each port; alone where there is none, as it is headless then.
fn reached_of(subset: &Tree) -> impl Iterator<Item = String> {
    let (addresses, ports) = (subset.items("addresses"), subset.items("ports"));
    let headless = if ports.is_empty() { addresses } else { &[] };
    let headless = headless.iter().map(|address| address.text("ip").to_owned());
    headless.chain(ports.iter().flat_map(move |port| {
        let hosts = addresses.iter();
        hosts.map(move |address| host_port(address.text("ip"), port.int("port")))
    }))
}

fn host_port(host: &str, port: i64) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

struct Endpoints;

impl Rules for Endpoints {
    fn default(&self, object: &mut Tree) {
        for subset in object
            .get_mut("subsets")
            .and_then(Tree::as_list_mut)
            .into_iter()
            .flatten()
        {
            for port in subset
                .get_mut("ports")
                .and_then(Tree::as_list_mut)
                .into_iter()
                .flatten()
            {
                if port.text("protocol").is_empty() {
                    port.set("protocol", "TCP");
                }
            }
        }
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        validate_subsets(object, &Tree::Null, refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        validate_metadata(self.name(), true, object, refusals);
        validate_subsets(object, old, refusals);
    }

    fn warnings(&self, object: &Tree, _old: Option<&Tree>) -> Vec<String> {
        let mut warnings = Vec::new();
        if meta::labels(object).get(MANAGED.0).and_then(Tree::as_str) == Some(MANAGED.1) {
            return warnings;
        }
        let path = Path::of("subsets");
        for (at, subset) in object.items("subsets").iter().enumerate() {
            let path = path.index(at);
            for list in LISTS {
                let path = path.field(list);
                for (at, address) in subset.items(list).iter().enumerate() {
                    warnings.extend(ip_warning(&path.index(at).field("ip"), address.text("ip")));
                }
            }
        }
        warnings
    }

    fn deprecated(&self) -> Option<&'static str> {
        Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
    }

    fn creates_on_update(&self) -> bool {
        true
    }
}

fn addresses(object: &Tree) -> impl Iterator<Item = &Tree> {
    let subsets = object.items("subsets").iter();
    subsets.flat_map(|subset| LISTS.iter().flat_map(|list| subset.items(list)))
}

fn validate_subsets(object: &Tree, old: &Tree, refusals: &mut Refusals) {
    let had: BTreeSet<&str> = addresses(old).map(|address| address.text("ip")).collect();
    let path = Path::of("subsets");
    for (at, subset) in object.items("subsets").iter().enumerate() {
        let path = path.index(at);
        if LISTS.iter().all(|list| subset.items(list).is_empty()) {
            refusals.required(&path, "must specify `addresses` or `notReadyAddresses`");
        }
        for list in LISTS {
            let path = path.field(list);
            for (at, address) in subset.items(list).iter().enumerate() {
                validate_address(&path.index(at), address, &had, refusals);
            }
        }
        let (ports, path) = (subset.items("ports"), path.field("ports"));
        for (at, port) in ports.iter().enumerate() {
            validate_port(&path.index(at), port, ports.len() > 1, refusals);
        }
    }
}

fn validate_address(path: &Path<'_>, address: &Tree, had: &BTreeSet<&str>, refusals: &mut Refusals) {
    let ip = address.text("ip");
    address::ip(&path.field("ip"), ip, had.contains(ip), refusals);
    let hostname = address.text("hostname");
    if !hostname.is_empty() {
        validate_label(&path.field("hostname"), hostname, refusals);
    }
    if let Some(node) = address.at("nodeName").as_str() {
        for message in name_is_dns_subdomain(node, false) {
            refusals.invalid(&path.field("nodeName"), node, &message);
        }
    }
    address::not_special(&path.field("ip"), ip, refusals);
}

fn validate_port(path: &Path<'_>, port: &Tree, named: bool, refusals: &mut Refusals) {
    let name = port.text("name");
    if named && name.is_empty() {
        refusals.required(&path.field("name"), "");
    } else if !name.is_empty() {
        validate_label(&path.field("name"), name, refusals);
    }
    let number = port.int("port");
    for message in in_range(number, 1, 65535) {
        refusals.invalid(&path.field("port"), number, &message);
    }
    validate_protocol(&path.field("protocol"), port.text("protocol"), refusals);
    validate_app_protocol(&path.field("appProtocol"), port.at("appProtocol"), refusals);
}

#[cfg(test)]
mod tests {
    use super::ENDPOINTS;
    use crate::trial::{cells, create, refused, update, warnings};

    fn with(subset: &str) -> String {
        format!(r#"{{"subsets": [{subset}]}}"#)
    }

    #[test]
    fn ports_speak_tcp_where_nothing_is_said() {
        let made = create(
            &ENDPOINTS,
            &with(r#"{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}"#),
        )
        .unwrap();
        assert_eq!(made.items("subsets")[0].items("ports")[0].text("protocol"), "TCP");
    }

    #[test]
    fn subsets_have_addresses_and_named_ports() {
        for (subset, field) in [
            ("{}", "subsets[0]: "),
            (
                r#"{"addresses": [{"ip": "127.0.0.1"}]}"#,
                "subsets[0].addresses[0].ip: ",
            ),
            (
                r#"{"addresses": [{"ip": "1.2.3.4", "hostname": "a.b"}]}"#,
                "subsets[0].addresses[0].hostname: ",
            ),
            (
                r#"{"notReadyAddresses": [{"ip": "1.2.3.4", "nodeName": "A"}]}"#,
                "subsets[0].notReadyAddresses[0].nodeName: ",
            ),
            (
                r#"{"addresses": [{"ip": "1.2.3.4"}], "ports": [{"port": 1, "name": "a"}, {"port": 2}]}"#,
                "subsets[0].ports[1].name: ",
            ),
            (
                r#"{"addresses": [{"ip": "1.2.3.4"}], "ports": [{"port": 0}]}"#,
                "subsets[0].ports[0].port: ",
            ),
        ] {
            let told = refused(&ENDPOINTS, &with(subset));
            assert!(told.len() == 1 && told[0].starts_with(field), "{told:?}");
        }
    }

    #[test]
    fn an_address_that_was_there_may_stay() {
        let odd = with(r#"{"addresses": [{"ip": "010.0.0.1"}]}"#);
        assert_eq!(refused(&ENDPOINTS, &odd).len(), 1);
        assert!(update(&ENDPOINTS, &odd, &odd).is_ok());
        assert_eq!(warnings(&ENDPOINTS, &odd).len(), 1);
        let managed = r#"{"metadata": {"labels": {"endpoints.kubernetes.io/managed-by": "endpoint-controller"}}, "#;
        assert!(warnings(&ENDPOINTS, &odd.replacen('{', managed, 1)).is_empty());
    }

    #[test]
    fn a_table_shows_three_endpoints() {
        let ip = |last: usize| format!(r#"{{"ip": "10.0.0.{last}"}}"#);
        let all = (1..5).map(ip).collect::<Vec<_>>().join(",");
        let shown = cells(
            &ENDPOINTS,
            &with(&format!(r#"{{"addresses": [{all}], "ports": [{{"port": 80}}]}}"#)),
        );
        assert_eq!(shown[1], "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more...");
        assert_eq!(cells(&ENDPOINTS, "{}")[1], "<none>");
    }

    #[test]
    fn a_table_counts_what_it_does_not_show_without_spelling_it_out() {
        let list = |item: &str, count: usize| vec![item; count].join(",");
        let addresses = list(r#"{"ip": "::1"}"#, 20_000);
        let subset = |ports: &str| format!(r#"{{"addresses": [{addresses}], "ports": [{ports}]}}"#);
        let shown = cells(&ENDPOINTS, &with(&subset(&list(r#"{"port": 1}"#, 20_000))));
        assert_eq!(shown[1], "[::1]:1,[::1]:1,[::1]:1 + 399999997 more...");
        assert_eq!(cells(&ENDPOINTS, &with(&subset("")))[1], "::1,::1,::1 + 19997 more...");
    }
}
