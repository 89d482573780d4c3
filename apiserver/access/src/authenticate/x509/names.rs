//! Names in certificates, and for which of them an authority may vouch (RFC 5280, 4.2.1.10), as Go compares them.

use std::mem::discriminant;
use std::net::IpAddr;

use apiserver_api::go::quote;
use x509_parser::asn1_rs::{Any, Class, Tag};
use x509_parser::prelude::{FromDer, GeneralName};

use super::host::Host;
use super::steps::{Steps, Uncompared};

/// A name, or what names an authority may vouch for.
#[derive(Debug)]
pub(super) enum Name {
    /// An address of mail: who, where that is said, and at which host. A limit that does not say who is for all there.
    Mail(Option<String>, Host),
    /// A host.
    Host(Host),
    /// A URI and its host, if it has one; as a limit both are the same.
    Uri(String, Option<Host>),
    /// An address; as a limit one with a mask behind it.
    Address(Vec<u8>),
}

impl Name {
    /// A name; `None` for kinds that nothing is said about.
    pub(super) fn of(name: &GeneralName<'_>) -> Option<Self> {
        Some(match name {
            GeneralName::RFC822Name(text) => match text.rsplit_once('@') {
                Some((user, host)) => Self::Mail(Some(user.to_owned()), Host::read(host)),
                None => Self::Mail(None, Host::read(text)),
            },
            GeneralName::DNSName(text) => Self::Host(Host::read(text)),
            GeneralName::URI(text) => Self::Uri((*text).to_owned(), host(text).map(Host::read)),
            GeneralName::IPAddress(bytes) => Self::Address(bytes.to_vec()),
            _ => return None,
        })
    }

    /// The same for a limit.
    fn limit(name: &GeneralName<'_>) -> Option<Self> {
        match name {
            GeneralName::URI(text) => Some(Self::Uri((*text).to_owned(), Some(Host::read(text)))),
            _ => Self::of(name),
        }
    }

    /// As messages name it.
    fn told(&self) -> String {
        match self {
            Self::Mail(Some(user), host) => format!("email address {}", quote(&format!("{user}@{}", host.text()))),
            Self::Mail(None, host) => format!("email address {}", quote(host.text())),
            Self::Host(host) => format!("DNS name {}", quote(host.text())),
            Self::Uri(text, _) => format!("URI {}", quote(text)),
            Self::Address(bytes) => format!("IP address {bytes:?}"),
        }
    }

    /// Whether it is among what a limit of its kind names. What is excluded is so too where a wildcard may stand for it.
    fn within(&self, limit: &Self, excluded: bool, steps: &mut Steps) -> Result<bool, Uncompared> {
        match (self, limit) {
            (Self::Mail(Some(user), host), Self::Mail(Some(only), at)) => {
                steps.compare(&mut 0, only.len() + at.text().len())?;
                Ok(user == only && host.text().eq_ignore_ascii_case(at.text()))
            }
            (Self::Mail(Some(_), host), Self::Mail(None, limit))
            | (Self::Host(host), Self::Host(limit))
            | (Self::Uri(_, Some(host)), Self::Uri(_, Some(limit))) => host.is_below(limit, excluded, steps),
            (Self::Address(name), Self::Address(limit)) => {
                let (net, mask) = limit.split_at(limit.len() / 2);
                let same = |((byte, net), mask): ((&u8, &u8), &u8)| byte & mask == net & mask;
                Ok(net.len() == name.len() && name.iter().zip(net).zip(mask).all(same))
            }
            _ => Err(Uncompared::Malformed),
        }
    }
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
                match Name::limit(&name) {
                    Some(name) if more.is_empty() => own.push(name),
                    _ => understood = false,
                }
            }
        }
        Some((limits, understood))
    }

    /// Whether there are none.
    pub(super) const fn is_empty(&self) -> bool {
        self.permitted.is_empty() && self.excluded.is_empty()
    }

    /// Whether the authority may vouch for a name; else why not.
    pub(super) fn check(&self, name: &Name, steps: &mut Steps) -> Result<(), String> {
        let why = match self.judge(name, steps) {
            Ok(None) => return Ok(()),
            Ok(Some(why)) => why,
            Err(Uncompared::Malformed) => "cannot be matched against constraints",
            Err(Uncompared::Spent) => return Err("too many constraints".to_owned()),
        };
        Err(format!("{} {why}", name.told()))
    }

    fn judge(&self, name: &Name, steps: &mut Steps) -> Result<Option<&'static str>, Uncompared> {
        if within_one(&self.excluded, name, true, steps)? == Some(true) {
            return Ok(Some("is excluded by constraint"));
        }
        let permitted = within_one(&self.permitted, name, false, steps)?;
        Ok((permitted == Some(false)).then_some("is not permitted by any constraint"))
    }
}

/// Whether a name is within one of the limits; `None` where none is of its kind.
fn within_one(limits: &[Name], name: &Name, excluded: bool, steps: &mut Steps) -> Result<Option<bool>, Uncompared> {
    let mut found = None;
    for limit in limits {
        steps.look()?;
        if discriminant(limit) != discriminant(name) {
            continue;
        }
        if name.within(limit, excluded, steps)? {
            return Ok(Some(true));
        }
        found = Some(false);
    }
    Ok(found)
}

/// What is in an element that is all there is.
pub(super) fn whole(der: &[u8], tag: Tag) -> Option<&[u8]> {
    match Any::from_der(der) {
        Ok(([], any)) if any.tag() == tag && any.class() == Class::Universal => Some(any.data),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::GeneralName;

    use super::{Limits, Name, Steps};

    fn limits(permitted: &[GeneralName<'_>], excluded: &[GeneralName<'_>]) -> Limits {
        let all = |names: &[GeneralName<'_>]| names.iter().filter_map(Name::limit).collect();
        Limits {
            permitted: all(permitted),
            excluded: all(excluded),
        }
    }

    #[test]
    fn every_limit_that_is_looked_at_costs_a_step() {
        let hosts = limits(
            &[GeneralName::DNSName("example.org"), GeneralName::DNSName("example.com")],
            &[GeneralName::URI("example.com"), GeneralName::DNSName("bad.example.com")],
        );
        let name = Name::of(&GeneralName::DNSName("www.example.com")).unwrap();
        let mut steps = Steps(4);
        assert_eq!(hosts.check(&name, &mut steps), Ok(()));
        assert_eq!(steps, Steps(0));
        let mut few = Steps(3);
        assert_eq!(hosts.check(&name, &mut few), Err("too many constraints".to_owned()));
        // One that is excluded needs no look at what is permitted.
        let bad = Name::of(&GeneralName::DNSName("bad.example.com")).unwrap();
        let told = Err("DNS name \"bad.example.com\" is excluded by constraint".to_owned());
        assert_eq!(hosts.check(&bad, &mut Steps(2)), told);
    }

    #[test]
    fn addresses_of_mail_are_compared_whole_or_at_their_host() {
        let name = |text| Name::of(&GeneralName::RFC822Name(text)).unwrap();
        let check = |limits: &Limits, text| limits.check(&name(text), &mut Steps(9));
        let jane = limits(&[GeneralName::RFC822Name("jane@example.com")], &[]);
        assert_eq!(check(&jane, "jane@EXAMPLE.com"), Ok(()));
        for other in ["Jane@example.com", "jane@a.example.com"] {
            let told = format!("email address {other:?} is not permitted by any constraint");
            assert_eq!(check(&jane, other), Err(told));
        }
        let told = "email address \"jane\" cannot be matched against constraints".to_owned();
        assert_eq!(check(&jane, "jane"), Err(told.clone()));
        let host = limits(&[GeneralName::RFC822Name("example.com")], &[]);
        assert_eq!(check(&host, "jane@a.example.com"), Ok(()));
        assert_eq!(check(&host, "jane"), Err(told));
    }
}
