//! Where a pod or a node is reached, and which addresses are not: nobody gets to what is the server's own by its proxies.

use std::net::IpAddr;

use apiserver_api::go;
use apiserver_api::names::parse_ip_sloppy;
use apiserver_api::status::Status;

use crate::connect::Asked;
use crate::connect::client::Client;
use crate::connect::location::{Location, Named};
use crate::connect::node::Kubelet;

const NOT_ALLOWED: &str = "address not allowed";

/// Where a pod is reached: at the port that is named, or the first that it names itself.
///
/// # Errors
/// 400, 404.
pub(super) async fn pod(asked: &Asked<'_>) -> Result<Location, Status> {
    let name = &asked.call.info.name;
    let named = parse("pod", name)?;
    let pod = asked.read("pods", named.name).await?;
    let mut port = named.port.to_owned();
    if port.is_empty() {
        let containers = pod.at("spec").items("containers");
        let first = containers.iter().find_map(|container| container.items("ports").first());
        port = first
            .map(|port| port.int("containerPort").to_string())
            .unwrap_or_default();
    }
    let address = pod
        .at("status")
        .items("podIPs")
        .first()
        .map_or("", |first| first.text("ip"));
    if !parse_ip_sloppy(address).is_some_and(|ip| is_allowed(ip.addr())) {
        return Err(Status::bad_request(NOT_ALLOWED));
    }
    Ok(Location {
        secure: named.secure,
        host: address.to_owned(),
        port,
        ..Location::default()
    })
}

/// Where a node is reached: its kubelet, or what listens at another port.
///
/// # Errors
/// 400, 404.
pub(super) async fn node<'a>(asked: &Asked<'a>) -> Result<(Location, &'a Client), Status> {
    let shared = &asked.connect.0;
    let named = parse("node", &asked.call.info.name)?;
    let kubelet = Kubelet::find(asked, named.name).await?;
    check(asked, &kubelet.host).await?;
    if named.port.is_empty() || named.port == kubelet.port {
        return Ok((kubelet.at(String::new(), String::new()), &shared.kubelets));
    }
    let location = Location {
        secure: named.secure,
        host: kubelet.host,
        port: named.port.to_owned(),
        ..Location::default()
    };
    Ok((location, &shared.others))
}

/// A name as proxies take it.
pub(super) fn parse<'n>(what: &str, name: &'n str) -> Result<Named<'n>, Status> {
    Named::parse(name).ok_or_else(|| Status::bad_request(format!("invalid {what} request {}", go::quote(name))))
}

/// Checks all addresses of a host.
async fn check(asked: &Asked<'_>, host: &str) -> Result<(), Status> {
    let addresses = if let Ok(address) = host.parse::<IpAddr>() {
        vec![address]
    } else {
        let found = asked.connect.0.network.addresses(host).await;
        found.map_err(|_| Status::bad_request(format!("lookup {host}: no such host")))?
    };
    if addresses.is_empty() {
        return Err(Status::bad_request("no addresses for hostname"));
    }
    if addresses.into_iter().all(is_allowed) {
        return Ok(());
    }
    Err(Status::bad_request(NOT_ALLOWED))
}

/// Whether an address is one machine's of all machines (`IsGlobalUnicast`), be it a private one.
fn is_allowed(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let special = match address {
        IpAddr::V4(v4) => v4.is_broadcast() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    !(special || address.is_unspecified() || address.is_loopback() || address.is_multicast())
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn addresses_of_the_machine_itself_and_of_its_link_are_not_allowed() {
        for (address, allowed) in [
            ("127.0.0.2", false),
            ("169.254.169.254", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("0.0.0.0", false),
            ("10.0.0.1", true),
            ("8.8.8.8", true),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("fe80::1", false),
            ("ff02::1", false),
            ("::", false),
            ("2600::1", true),
        ] {
            assert_eq!(is_allowed(address.parse().unwrap()), allowed, "{address}");
        }
    }
}
