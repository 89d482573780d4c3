//! Names in certificates, and for which of them an authority may vouch (RFC 5280, 4.2.1.10), as Go compares them.

use std::mem::discriminant;
use std::net::IpAddr;

use apiserver_api::go::quote;
use x509_parser::asn1_rs::{Any, Class, Tag};
use x509_parser::prelude::{FromDer, GeneralName};

/// A name, or what names an authority may vouch for.
#[derive(Debug)]
pub(super) enum Name {
    /// An address of mail; as a limit perhaps all addresses at a host.
    Mail(String),
    /// A host.
    Host(String),
    /// A URI; as a limit a host.
    Uri(String),
    /// An address; as a limit one with a mask behind it.
    Address(Vec<u8>),
}

impl Name {
    /// A name; `None` for kinds that nothing is said about.
    pub(super) fn of(name: &GeneralName<'_>) -> Option<Self> {
        Some(match name {
            GeneralName::RFC822Name(text) => Self::Mail((*text).to_owned()),
            GeneralName::DNSName(text) => Self::Host((*text).to_owned()),
            GeneralName::URI(text) => Self::Uri((*text).to_owned()),
            GeneralName::IPAddress(bytes) => Self::Address(bytes.to_vec()),
            _ => return None,
        })
    }

    /// As messages name it.
    fn told(&self) -> String {
        match self {
            Self::Mail(text) => format!("email address {}", quote(text)),
            Self::Host(text) => format!("DNS name {}", quote(text)),
            Self::Uri(text) => format!("URI {}", quote(text)),
            Self::Address(bytes) => format!("IP address {bytes:?}"),
        }
    }

    /// Whether it is among what a limit of its kind names; `None` where that cannot be said. What is excluded is so too
    /// where a wildcard may stand for it.
    fn within(&self, limit: &Self, excluded: bool) -> Option<bool> {
        match (self, limit) {
            (Self::Mail(name), Self::Mail(limit)) => {
                let (user, host) = name.rsplit_once('@')?;
                match limit.rsplit_once('@') {
                    Some((only, at)) => Some(user == only && host.eq_ignore_ascii_case(at)),
                    None => is_below(host, limit, excluded),
                }
            }
            (Self::Host(name), Self::Host(limit)) => is_below(name, limit, excluded),
            (Self::Uri(name), Self::Uri(limit)) => is_below(host(name)?, limit, excluded),
            (Self::Address(name), Self::Address(limit)) => {
                let (net, mask) = limit.split_at(limit.len() / 2);
                let same = |((byte, net), mask): ((&u8, &u8), &u8)| byte & mask == net & mask;
                Some(net.len() == name.len() && name.iter().zip(net).zip(mask).all(same))
            }
            _ => None,
        }
    }
}

/// Whether a host is another or one below it; with a dot in front only what is below counts.
fn is_below(host: &str, limit: &str, excluded: bool) -> Option<bool> {
    fn labels(host: &str) -> Option<Vec<&str>> {
        let labels: Vec<&str> = host.rsplit('.').collect();
        let good = |label: &&str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_graphic());
        labels.iter().all(good).then_some(labels)
    }
    if limit.is_empty() {
        return Some(true);
    }
    let (below, limit) = match limit.strip_prefix('.') {
        Some(limit) => (1, limit),
        None => (0, limit),
    };
    let (host, limit) = (labels(host)?, labels(limit)?);
    let same = |(own, limit): (&&str, &&str)| own.eq_ignore_ascii_case(limit) || excluded && *own == "*";
    Some(host.len() >= limit.len() + below && host.iter().zip(&limit).all(same))
}

/// The host of a URI; `None` where there is none or it is an address.
fn host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let place = rest.split(['/', '?', '#']).next()?;
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let host = place.split_once(':').map_or(place, |(host, _)| host);
    // Addresses in brackets have colons, so that one begins what is left.
    let is_host = !host.is_empty() && !host.starts_with('[') && host.parse::<IpAddr>().is_err();
    is_host.then_some(host)
}

/// For which names an authority may vouch.
#[derive(Debug, Default)]
pub(super) struct Limits {
    permitted: Vec<Name>,
    excluded: Vec<Name>,
}

impl Limits {
    /// Reads the extension, and says whether all of it is understood; `None` where it cannot be read.
    pub(super) fn read(der: &[u8]) -> Option<(Self, bool)> {
        let (mut limits, mut understood) = (Self::default(), true);
        let mut rest = whole(der, Tag::Sequence)?;
        // Neither list is empty, and there is one at least.
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let (behind, list) = Any::from_der(rest).ok()?;
            let own = match (list.class(), list.tag().0) {
                (Class::ContextSpecific, 0) => &mut limits.permitted,
                (Class::ContextSpecific, 1) => &mut limits.excluded,
                _ => return None,
            };
            rest = behind;
            let mut subtrees = list.data;
            while !subtrees.is_empty() {
                let (behind, subtree) = Any::from_der(subtrees).ok()?;
                subtree.tag().assert_eq(Tag::Sequence).ok()?;
                let (more, name) = GeneralName::from_der(subtree.data).ok()?;
                subtrees = behind;
                match name {
                    GeneralName::Invalid(..) => return None,
                    GeneralName::IPAddress(bytes) if !matches!(bytes.len(), 8 | 32) => return None,
                    _ => {}
                }
                match Name::of(&name) {
                    Some(name) if more.is_empty() => own.push(name),
                    _ => understood = false,
                }
            }
        }
        Some((limits, understood))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.permitted.len() + self.excluded.len()
    }

    /// Whether the authority may vouch for a name; else why not.
    pub(super) fn check(&self, name: &Name) -> Result<(), String> {
        let of_its_kind = |limit: &&Name| discriminant(*limit) == discriminant(name);
        let cannot = || format!("{} cannot be matched against constraints", name.told());
        for limit in self.excluded.iter().filter(of_its_kind) {
            if name.within(limit, true).ok_or_else(cannot)? {
                return Err(format!("{} is excluded by constraint", name.told()));
            }
        }
        let mut permitted = self.permitted.iter().filter(of_its_kind).peekable();
        if permitted.peek().is_none() {
            return Ok(());
        }
        for limit in permitted {
            if name.within(limit, false).ok_or_else(cannot)? {
                return Ok(());
            }
        }
        Err(format!("{} is not permitted by any constraint", name.told()))
    }
}

/// What is in an element that is all there is.
pub(super) fn whole(der: &[u8], tag: Tag) -> Option<&[u8]> {
    match Any::from_der(der) {
        Ok(([], any)) if any.tag() == tag && any.class() == Class::Universal => Some(any.data),
        _ => None,
    }
}
