//! Addresses and networks, as Go's `net` and `net/netip` read and print them.
//!
//! "Sloppy" is how Kubernetes has always read them: numbers may have leading zeros, and an IPv4 address may be written as an
//! IPv6 address. Fields of old read sloppily; what is written anew must also be strict.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Messages;
use crate::go::quote;
use crate::path::Path;

const NO_IP: &str = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
const NO_CIDR: &str = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
const NO_INTERFACE: &str = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)";

/// An address in 128 bits. IPv4 is kept as IPv6-mapped, as Go's `net.IP` keeps it, and prints as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ip(Ipv6Addr);

impl Ip {
    /// The IPv4 address, where this is one.
    pub const fn v4(self) -> Option<Ipv4Addr> {
        self.0.to_ipv4_mapped()
    }

    /// The address as Rust knows it.
    pub const fn addr(self) -> IpAddr {
        self.0.to_canonical()
    }

    const fn bits(self) -> u128 {
        self.0.to_bits()
    }

    const fn masked(self, bits: u8) -> Self {
        let mask = if bits == 0 { 0 } else { u128::MAX << (128 - bits) };
        Self(Ipv6Addr::from_bits(self.bits() & mask))
    }
}

impl fmt::Display for Ip {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.addr().fmt(out)
    }
}

/// An address with the length of its network's prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr {
    ip: Ip,
    /// Of 128 bits.
    bits: u8,
    /// Whether it was written as IPv4.
    v4: bool,
}

impl Cidr {
    /// The address as written, with the bits behind the prefix.
    pub const fn ip(&self) -> Ip {
        self.ip
    }

    /// The network's first address.
    pub const fn network(&self) -> Ip {
        self.ip.masked(self.bits)
    }

    /// Whether the network holds an address.
    pub fn contains(&self, ip: Ip) -> bool {
        let v4 = self.network().v4().is_some() && self.bits >= 96;
        v4 == ip.v4().is_some() && ip.masked(self.bits) == self.network()
    }

    /// The network as Go's `net.IPNet` prints it.
    pub fn network_text(&self) -> String {
        let network = self.network();
        let v4 = network.v4().is_some() && self.bits >= 96;
        format!("{network}/{}", if v4 { self.bits - 96 } else { self.bits })
    }

    /// The address with the prefix as written, in normal form.
    fn interface_text(&self) -> String {
        let v4 = self.ip.v4().is_some() && self.bits >= 96;
        format!("{}/{}", self.ip, if v4 { self.bits - 96 } else { self.bits })
    }
}

/// Reads an address sloppily.
pub fn parse_ip_sloppy(text: &str) -> Option<Ip> {
    // What comes first decides how the whole is read.
    match text.bytes().find(|byte| matches!(byte, b'.' | b':'))? {
        b'.' => v4_sloppy(text).map(|v4| Ip(v4.to_ipv6_mapped())),
        _ => v6_sloppy(text).map(Ip),
    }
}

/// Reads an address and the length of a prefix sloppily.
pub fn parse_cidr_sloppy(text: &str) -> Option<Cidr> {
    let (address, length) = text.split_once('/')?;
    let (ip, v4) = match v4_sloppy(address) {
        Some(v4) => (Ip(v4.to_ipv6_mapped()), true),
        None => (Ip(v6_sloppy(address)?), false),
    };
    let most = if v4 { 32 } else { 128 };
    let length = number(length, 10, most)?;
    let bits = u8::try_from(length + 128 - most).ok()?;
    Some(Cidr { ip, bits, v4 })
}

/// A whole number of any count of digits, which is not above `most`.
fn number(text: &str, radix: u32, most: u32) -> Option<u32> {
    let mut value = 0_u32;
    for letter in text.chars() {
        value = value.saturating_mul(radix).saturating_add(letter.to_digit(radix)?);
    }
    (!text.is_empty() && value <= most).then_some(value)
}

fn v4_sloppy(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        *octet = u8::try_from(number(parts.next()?, 10, 255)?).ok()?;
    }
    parts.next().is_none().then(|| octets.into())
}

fn v6_sloppy(text: &str) -> Option<Ipv6Addr> {
    let (head, tail) = match text.split_once("::") {
        Some((_, tail)) if tail.contains("::") || tail.starts_with(':') => return None,
        Some((head, tail)) => (head, Some(tail)),
        None => (text, None),
    };
    let mut groups = [0; 8];
    let first = groups_of(head, &mut groups)?;
    let Some(tail) = tail else {
        return (first == 8).then(|| groups.into());
    };
    // An IPv4 address ends the whole, so there is none before the gap.
    if head.contains('.') {
        return None;
    }
    let mut rest = [0; 8];
    let last = groups_of(tail, &mut rest)?;
    // The gap stands for one group at least.
    if first + last > 7 {
        return None;
    }
    groups[8 - last..].copy_from_slice(&rest[..last]);
    Some(groups.into())
}

/// Reads groups between colons and says how many.
fn groups_of(text: &str, groups: &mut [u16; 8]) -> Option<usize> {
    let mut count = 0;
    if text.is_empty() {
        return Some(0);
    }
    let mut parts = text.split(':').peekable();
    while let Some(part) = parts.next() {
        if part.contains('.') {
            if parts.peek().is_some() {
                return None;
            }
            let [a, b, c, d] = v4_sloppy(part)?.octets();
            *groups.get_mut(count)? = u16::from_be_bytes([a, b]);
            *groups.get_mut(count + 1)? = u16::from_be_bytes([c, d]);
            count += 2;
        } else {
            *groups.get_mut(count)? = u16::try_from(number(part, 16, 0xffff)?).ok()?;
            count += 1;
        }
    }
    Some(count)
}

/// Whether an IPv4 address is written as an IPv6 address.
fn is_mapped(addr: &IpAddr) -> bool {
    matches!(addr, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some())
}

/// Reads an address and a prefix as Go's `netip.ParsePrefix`.
fn prefix_strict(text: &str) -> Option<IpAddr> {
    let (address, length) = text.rsplit_once('/')?;
    let leading = length.len() > 1 && length.starts_with('0');
    let addr: IpAddr = address.parse().ok()?;
    let most = if addr.is_ipv4() { 32 } else { 128 };
    (!leading).then(|| number(length, 10, most))?.map(|_| addr)
}

/// An address in a field of old. `strict` also refuses what is ambiguous; only what an object has already may be so.
pub fn ip(text: &str, strict: bool) -> Messages {
    let mut messages = Messages::new();
    if parse_ip_sloppy(text).is_none() {
        messages.push(NO_IP.into());
    } else if strict {
        match text.parse::<IpAddr>() {
            Err(_) => messages.push("must not have leading 0s".into()),
            Ok(addr) if is_mapped(&addr) => messages.push("must not be an IPv4-mapped IPv6 address".into()),
            Ok(_) => {}
        }
    }
    messages
}

/// An address in a new field: strict, and in normal form.
pub fn ip_canonical(text: &str) -> Messages {
    let messages = ip(text, true);
    match parse_ip_sloppy(text) {
        Some(ip) if messages.is_empty() => normal(text, &ip.to_string()),
        _ => messages,
    }
}

/// An IPv4 address.
pub fn ip_v4(text: &str) -> Messages {
    match parse_ip_sloppy(text) {
        Some(ip) if ip.v4().is_some() => Messages::new(),
        _ => vec!["must be a valid IPv4 address".into()],
    }
}

/// An IPv6 address.
pub fn ip_v6(text: &str) -> Messages {
    match parse_ip_sloppy(text) {
        Some(ip) if ip.v4().is_none() => Messages::new(),
        _ => vec!["must be a valid IPv6 address".into()],
    }
}

/// What a client should be warned of in an address that [`ip`] takes without `strict`.
pub fn ip_warning(path: &Path<'_>, text: &str) -> Option<String> {
    let ip = parse_ip_sloppy(text)?;
    let shown = quote(text);
    match text.parse::<IpAddr>() {
        Ok(addr) if !is_mapped(&addr) => {
            let normal = addr.to_string();
            (addr.is_ipv6() && normal != text).then(|| {
                format!(
                    "{path}: IPv6 address {shown} should be in RFC 5952 canonical format ({})",
                    quote(&normal)
                )
            })
        }
        _ => Some(format!(
            "{path}: non-standard IP address {shown} is invalid: use {}",
            quote(&ip.to_string())
        )),
    }
}

/// A network in a field of old. `strict` also refuses what is ambiguous.
pub fn cidr(text: &str, strict: bool) -> Messages {
    let mut messages = Messages::new();
    let Some(cidr) = parse_cidr_sloppy(text) else {
        messages.push(NO_CIDR.into());
        return messages;
    };
    if strict {
        match prefix_strict(text) {
            None => messages.push("must not have leading 0s in IP or prefix length".into()),
            Some(addr) if is_mapped(&addr) => messages.push("must not have an IPv4-mapped IPv6 address".into()),
            Some(_) if cidr.ip != cidr.network() => {
                messages.push("must not have bits set beyond the prefix length".into());
            }
            Some(_) => {}
        }
    }
    messages
}

/// A network in a new field: strict, and in normal form.
pub fn cidr_canonical(text: &str) -> Messages {
    let messages = cidr(text, true);
    match parse_cidr_sloppy(text) {
        Some(cidr) if messages.is_empty() => normal(text, &cidr.network_text()),
        _ => messages,
    }
}

/// The address of an interface with its network's prefix, in normal form: `192.168.1.5/24`.
pub fn interface_address(text: &str) -> Messages {
    match parse_cidr_sloppy(text) {
        Some(cidr) => normal(text, &cidr.interface_text()),
        None => vec![NO_INTERFACE.into()],
    }
}

/// What a client should be warned of in a network that [`cidr`] takes without `strict`.
pub fn cidr_warnings(path: &Path<'_>, text: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    let Some(cidr) = parse_cidr_sloppy(text) else {
        return warnings;
    };
    let (shown, network) = (quote(text), quote(&cidr.network_text()));
    if cidr.ip != cidr.network() {
        let alone = quote(&format!("{}/{}", cidr.ip, if cidr.v4 { 32 } else { 128 }));
        warnings.push(format!(
            "{path}: CIDR value {shown} is ambiguous in this context (should be {network} or {alone}?)"
        ));
    }
    match prefix_strict(text) {
        Some(addr) if !is_mapped(&addr) => {
            let normal = cidr.interface_text();
            if warnings.is_empty() && addr.is_ipv6() && normal != text {
                let normal = quote(&normal);
                warnings.push(format!(
                    "{path}: IPv6 CIDR value {shown} should be in RFC 5952 canonical format ({normal})"
                ));
            }
        }
        _ => warnings.push(format!(
            "{path}: non-standard CIDR value {shown} is invalid: use {network}"
        )),
    }
    warnings
}

fn normal(text: &str, normal: &str) -> Messages {
    if text == normal {
        Messages::new()
    } else {
        vec![format!("must be in canonical form ({})", quote(normal)).into()]
    }
}
