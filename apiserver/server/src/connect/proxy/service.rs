//! Where a service is reached: at one of its endpoints that are ready, chosen by chance.

use apiserver_api::go;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use super::target::parse;
use crate::connect::Asked;
use crate::connect::location::Location;

/// Where a service is reached.
///
/// # Errors
/// 400, 404, or 503 where none of its endpoints is there.
pub(super) async fn find(asked: &Asked<'_>) -> Result<Location, Status> {
    let id = &asked.call.info.name;
    let named = parse("service", id)?;
    let mut port = named.port.to_owned();
    if let Some(number) = number(named.port) {
        port = port_name(&asked.read("services", named.name).await?, number, named.name)?;
    }
    let endpoints = asked.read("endpoints", named.name).await?;
    let subsets = endpoints.items("subsets");
    if subsets.is_empty() {
        return Err(none(named.name));
    }
    for subset in shuffled(asked, subsets) {
        let ports = subset.items("ports").iter().filter(|own| own.text("name") == port);
        for found in ports {
            for address in shuffled(asked, subset.items("addresses")) {
                if is_pods(asked, address).await {
                    return Ok(Location {
                        secure: named.secure,
                        host: address.text("ip").to_owned(),
                        port: found.int("port").to_string(),
                        ..Location::default()
                    });
                }
            }
        }
    }
    Err(none(id))
}

/// A port that is given as a number.
fn number(port: &str) -> Option<i64> {
    let digits = port.strip_prefix(['+', '-']).unwrap_or(port);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| port.parse().ok()).flatten()
}

/// What a service calls one of its ports.
fn port_name(service: &Tree, number: i64, name: &str) -> Result<String, Status> {
    let ports = service.at("spec").items("ports");
    let found = ports.iter().find(|port| port.int("port") == number);
    found.map(|port| port.text("name").to_owned()).ok_or_else(|| {
        let name = go::quote(name);
        Status::service_unavailable(format!("no service port {number} found for service {name}"))
    })
}

fn none(name: &str) -> Status {
    Status::service_unavailable(format!("no endpoints available for service {}", go::quote(name)))
}

/// All items, from one on that chance chooses.
fn shuffled<'t>(asked: &Asked<'_>, items: &'t [Tree]) -> impl Iterator<Item = &'t Tree> {
    let first = if items.is_empty() {
        0
    } else {
        asked.random.below(items.len() as u64) as usize
    };
    items[first..].iter().chain(&items[..first])
}

/// Whether an address is that of the pod that it names: whoever writes endpoints gets to no other.
async fn is_pods(asked: &Asked<'_>, address: &Tree) -> bool {
    let pod = address.at("targetRef");
    if pod.is_null() || pod.text("namespace") != asked.call.info.namespace {
        return false;
    }
    let Ok(pod) = asked.read("pods", pod.text("name")).await else {
        return false;
    };
    let own = pod.at("status").items("podIPs");
    own.iter().any(|own| own.text("ip") == address.text("ip"))
}
