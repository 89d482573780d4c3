//! Addresses and ports of services, and the service `kubernetes`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base::flags::pflag::{Parsed, PortRange};

use super::Findings;

/// Addresses and ports of services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Services {
    /// `--service-cluster-ip-range`: one range, or two of both families.
    pub(crate) ranges: Vec<Network>,
    /// The address of the service `kubernetes`: the second of the first range.
    pub(crate) kubernetes_ip: IpAddr,
    /// `--kubernetes-service-node-port`, if it has one.
    pub(crate) kubernetes_node_port: Option<u16>,
    /// `--service-node-port-range`
    pub(crate) node_ports: PortRange,
    /// `--endpoint-reconciler-type`
    pub(crate) reconciler: Reconciler,
    /// `--apiserver-count`, for [`Reconciler::MasterCount`].
    pub(crate) apiservers: i64,
}

/// How the service `kubernetes` learns its endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reconciler {
    /// Each apiserver keeps a lease in the store.
    Lease,
    /// As many as there should be; on its way out.
    MasterCount,
    /// Not from the apiserver.
    None,
}

/// A network: its first address, and how many bits are the same for all of its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    /// With all other bits zero.
    pub(crate) address: IpAddr,
    /// From 0 to 32, or to 128.
    pub(crate) prefix: u8,
}

impl Network {
    /// Reads a CIDR; as upstream with zeros in front of the numbers of an IPv4 address, if someone wrote them.
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let prefix = if prefix.bytes().all(|byte| byte.is_ascii_digit()) {
            prefix.parse::<u8>().ok()?
        } else {
            return None;
        };
        if address.contains(':') {
            let bits = u128::from(address.parse::<Ipv6Addr>().ok()?);
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
            let address = IpAddr::V6((bits & mask).into());
            return (prefix <= 128).then_some(Self { address, prefix });
        }
        let plain: Vec<&str> = address.split('.').map(without_zeros).collect();
        let bits = u32::from(plain.join(".").parse::<Ipv4Addr>().ok()?);
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0);
        let address = IpAddr::V4((bits & mask).into());
        (prefix <= 32).then_some(Self { address, prefix })
    }

    /// How many bits differ between its addresses.
    fn host_bits(self) -> u8 {
        let all = if self.address.is_ipv4() { 32 } else { 128 };
        all - self.prefix
    }

    /// The address after the network's own; there is one where more than one bit differs.
    fn second(self) -> IpAddr {
        match self.address {
            IpAddr::V4(ip) => IpAddr::V4((u32::from(ip) | 1).into()),
            IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) | 1).into()),
        }
    }
}

fn without_zeros(number: &str) -> &str {
    match number.trim_start_matches('0') {
        "" if !number.is_empty() => "0",
        rest => rest,
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.prefix)
    }
}

/// Reads `--service-cluster-ip-range`: the first two networks, at least one.
///
/// # Errors
/// A text that is no network, or a network too small for services.
pub(super) fn ranges(text: &str, found: &mut Findings) -> Result<Vec<Network>, String> {
    const DEFAULT: Network = Network {
        address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)),
        prefix: 24,
    };
    if text.is_empty() {
        found.note(format!(
            "No CIDR for service cluster IPs specified. Default value which was {DEFAULT} is deprecated and will be \
             removed in future releases. Please specify it using --service-cluster-ip-range on kube-apiserver."
        ));
        return Ok(vec![DEFAULT]);
    }
    let mut parts = text.split(',');
    let first = parts.next().and_then(Network::parse);
    let first = first.ok_or("service-cluster-ip-range[0] is not a valid cidr")?;
    if first.host_bits() < 3 {
        let text = "error determining service IP ranges for primary service cidr: the service cluster IP range must be at \
                    least 8 IP addresses";
        return Err(text.to_owned());
    }
    let mut ranges = vec![first];
    if let Some(second) = parts.next() {
        let second = Network::parse(second).ok_or("service-cluster-ip-range[1] is not an ip net")?;
        ranges.push(second);
    }
    Ok(ranges)
}

impl Services {
    pub(super) fn read(parsed: &Parsed, ranges: Vec<Network>, advertised: IpAddr, found: &mut Findings) -> Self {
        let reconciler = match parsed.text("endpoint-reconciler-type") {
            "lease" => Some(Reconciler::Lease),
            "master-count" => Some(Reconciler::MasterCount),
            "none" => Some(Reconciler::None),
            _ => None,
        };
        if parsed.text("service-cluster-ip-range").split(',').count() > 2 {
            found.error("--service-cluster-ip-range must not contain more than two entries");
        }
        let same = |a: &Network, b: &Network| a.address.is_ipv4() == b.address.is_ipv4();
        if let [first, second] = ranges.as_slice()
            && same(first, second)
        {
            found.error(
                "--service-cluster-ip-range[0] and --service-cluster-ip-range[1] must be of different IP family",
            );
        }
        let node_ports = parsed.ports("service-node-port-range");
        let node_port = parsed.int("kubernetes-service-node-port");
        check_node_port(node_port, node_ports, found);
        let first = ranges.first().copied();
        if let Some(first) = first.filter(|first| first.address.is_ipv4() != advertised.is_ipv4())
            && reconciler != Some(Reconciler::None)
        {
            let (range, address) = (first.to_string(), advertised.to_string());
            found.error(format!(
                "service IP family {range:?} must match public address family {address:?}"
            ));
        }
        let apiservers = parsed.int("apiserver-count");
        if apiservers <= 0 {
            found.error(format!(
                "--apiserver-count should be a positive number, but value '{apiservers}' provided"
            ));
        }
        if reconciler.is_none() {
            let other = parsed.text("endpoint-reconciler-type");
            found.error(format!("endpoint reconciler not implemented: {other}"));
        }
        Self {
            kubernetes_ip: first.map_or(advertised, Network::second),
            ranges,
            kubernetes_node_port: u16::try_from(node_port).ok().filter(|port| *port > 0),
            node_ports,
            reconciler: reconciler.unwrap_or(Reconciler::Lease),
            apiservers,
        }
    }
}

fn check_node_port(port: i64, range: PortRange, found: &mut Findings) {
    if !(0..=65_535).contains(&port) {
        found.error(format!(
            "--kubernetes-service-node-port {port} must be between 0 and 65535, inclusive. If 0, the Kubernetes master \
             service will be of type ClusterIP"
        ));
    }
    if port > 0 && !range.contains(port) {
        found.error(format!(
            "kubernetes service node port range {range} doesn't contain {port}"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_and_written() {
        for (text, written, second) in [
            ("10.96.3.4/16", "10.96.0.0/16", "10.96.0.1"),
            ("010.000.0.0/8", "10.0.0.0/8", "10.0.0.1"),
            ("0.0.0.0/0", "0.0.0.0/0", "0.0.0.1"),
            ("fd00:1:2::9/108", "fd00:1:2::/108", "fd00:1:2::1"),
            ("::/0", "::/0", "::1"),
        ] {
            let network = Network::parse(text).unwrap();
            assert_eq!(
                (network.to_string(), network.second().to_string()),
                (written.into(), second.into())
            );
        }
        for text in [
            "10.0.0.0",
            "10.0.0/24",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/+8",
            "10.0.0.256/24",
            "10..0.0/8",
            "",
        ] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
