//! A network from which services get their addresses: which of its addresses they may have, and in what order.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use apiserver_api::names::parse_cidr_sloppy;

/// The family of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::inside) enum Family {
    V4,
    V6,
}

impl Family {
    pub(in crate::inside) const fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// As services spell it.
    pub(in crate::inside) const fn as_str(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::V4, Self::V6].into_iter().find(|family| family.as_str() == name)
    }
}

/// The shortest prefix that a network of IPv6 may have.
const SHORTEST_V6: u8 = 64;

/// Why a text is no network for services.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// It is no network at all.
    #[error("invalid CIDR address: {0}")]
    Unreadable(String),
    /// It has more addresses than can be handled.
    #[error("shortest allowed prefix length for service CIDR is {SHORTEST_V6}, got {0}")]
    TooShort(u8),
}

/// A network for services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::inside) struct Range {
    text: String,
    pub(super) family: Family,
    network: u128,
    /// How many bits tell its addresses apart.
    host_bits: u8,
}

impl Range {
    /// Reads `10.0.0.0/16`; bits behind the prefix are cleared.
    pub(in crate::inside) fn parse(text: &str) -> Result<Self, RangeError> {
        let unreadable = || RangeError::Unreadable(text.to_owned());
        let text = parse_cidr_sloppy(text).ok_or_else(unreadable)?.network_text();
        let (address, bits) = text.split_once('/').ok_or_else(unreadable)?;
        let address: IpAddr = address.parse().map_err(|_| unreadable())?;
        let bits: u8 = bits.parse().map_err(|_| unreadable())?;
        let family = Family::of(address);
        let (network, width) = match address {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
            IpAddr::V6(v6) => (v6.to_bits(), 128),
        };
        if family == Family::V6 && bits < SHORTEST_V6 {
            return Err(RangeError::TooShort(bits));
        }
        Ok(Self {
            family,
            network,
            host_bits: width - bits,
            text,
        })
    }

    /// In normal form.
    pub(in crate::inside) fn as_str(&self) -> &str {
        &self.text
    }

    /// The network's own address, which no service has.
    pub(super) fn network(&self) -> IpAddr {
        self.address(self.network)
    }

    /// The address of the service `kubernetes`.
    pub(in crate::inside) fn first_address(&self) -> IpAddr {
        self.address(self.first())
    }

    pub(super) fn address(&self, number: u128) -> IpAddr {
        match self.family {
            Family::V4 => Ipv4Addr::from_bits(number as u32).into(),
            Family::V6 => Ipv6Addr::from_bits(number).into(),
        }
    }

    pub(super) fn number(ip: IpAddr) -> u128 {
        match ip {
            IpAddr::V4(v4) => v4.to_bits().into(),
            IpAddr::V6(v6) => v6.to_bits(),
        }
    }

    /// How many addresses services may have.
    pub(super) fn size(&self) -> u64 {
        u64::try_from((self.last() + 1).saturating_sub(self.first())).unwrap_or(u64::MAX)
    }

    pub(super) const fn first(&self) -> u128 {
        self.network + 1
    }

    /// The last that a service may have; below the first where there is none.
    pub(super) const fn last(&self) -> u128 {
        let broadcast = self.network + ((1 << self.host_bits) - 1);
        match self.family {
            Family::V4 => broadcast.saturating_sub(1),
            Family::V6 => broadcast,
        }
    }

    /// Whether a service may have an address: not the network's own, nor IPv4's broadcast.
    pub(in crate::inside) fn holds(&self, ip: IpAddr) -> bool {
        let number = Self::number(ip);
        Family::of(ip) == self.family && self.first() <= number && number <= self.last()
    }

    /// How many of the first addresses are left to those who ask for them by name, as long as there are others (KEP-3070).
    pub(super) fn band(&self) -> u128 {
        let size = 1_u128 << self.host_bits;
        if size <= 16 { 0 } else { (size / 16).clamp(16, 256) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Range, RangeError};

    fn range(text: &str) -> Range {
        Range::parse(text).unwrap()
    }

    #[test]
    fn the_network_s_own_address_and_the_broadcast_are_nobody_s() {
        let four = range("10.0.0.7/24");
        assert_eq!(
            (four.as_str(), four.first_address().to_string().as_str()),
            ("10.0.0.0/24", "10.0.0.1")
        );
        for (ip, held) in [
            ("10.0.0.0", false),
            ("10.0.0.1", true),
            ("10.0.0.254", true),
            ("10.0.0.255", false),
            ("10.0.1.1", false),
            ("::a00:1", false),
        ] {
            assert_eq!(four.holds(ip.parse().unwrap()), held, "{ip}");
        }
        let six = range("fd00::/120");
        assert!(six.holds("fd00::ff".parse().unwrap()) && !six.holds("fd00::".parse().unwrap()));
    }

    #[test]
    fn the_lower_band_is_a_sixteenth_within_bounds() {
        for (text, band) in [
            ("10.0.0.0/28", 0),
            ("10.0.0.0/27", 16),
            ("10.0.0.0/24", 16),
            ("10.0.0.0/22", 64),
            ("10.0.0.0/12", 256),
            ("fd00::/64", 256),
        ] {
            assert_eq!(range(text).band(), band, "{text}");
        }
    }

    #[test]
    fn the_smallest_networks_hold_nothing() {
        for text in ["10.0.0.0/31", "10.0.0.0/32", "0.0.0.0/32", "fd00::/128"] {
            let range = range(text);
            assert!(range.first() > range.last(), "{text}");
        }
        assert_eq!(Range::parse("fd00::/63"), Err(RangeError::TooShort(63)));
        assert!(Range::parse("10.0.0.0/33").is_err());
    }
}
