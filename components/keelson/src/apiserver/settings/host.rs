//! The address that this machine is reached at.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use super::DefaultAddress;

/// The address to advertise: the one given, else the one listened on, else that of the default route.
///
/// # Errors
/// There is no default route either.
pub(super) fn advertised(
    given: Option<IpAddr>,
    bind: Option<IpAddr>,
    default: DefaultAddress<'_>,
) -> Result<IpAddr, String> {
    if let Some(given) = given.filter(|ip| !ip.is_unspecified()) {
        return Ok(given);
    }
    let bind = bind.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    if !bind.is_unspecified() && !bind.is_loopback() {
        return Ok(bind);
    }
    default(bind.is_ipv6()).or_else(|| default(bind.is_ipv4())).ok_or_else(|| {
        "Unable to find suitable network address.error='no default routes found in \"/proc/net/route\" or \
         \"/proc/net/ipv6_route\"'. Try to set the AdvertiseAddress directly or provide a valid BindAddress to fix this."
            .to_owned()
    })
}

/// The address that packets to elsewhere leave this machine with; nothing is sent.
pub(crate) fn default_address(v6: bool) -> Option<IpAddr> {
    // Addresses for documentation, which no machine has.
    let (own, other) = if v6 {
        ("[::]:0", "[2001:db8::1]:9")
    } else {
        ("0.0.0.0:0", "192.0.2.1:9")
    };
    let socket = UdpSocket::bind(own).ok()?;
    socket.connect(other).ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_unspecified() && !address.is_loopback()).then_some(address)
}
