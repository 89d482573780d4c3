//! Addresses in fields of several kinds: which of them old objects may keep, and which mean nothing to other hosts.

use std::net::IpAddr;

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;

/// An address in a field of old, checked strictly; one that the object had before may stay as it is.
pub(crate) fn ip(path: &Path<'_>, text: &str, had: bool, refusals: &mut Refusals) {
    if !had {
        for message in names::ip(text, true) {
            refusals.invalid(path, text, &message);
        }
    }
}

/// A network in a field of old, by the same rule.
pub(crate) fn cidr(path: &Path<'_>, text: &str, had: bool, refusals: &mut Refusals) {
    if !had {
        for message in names::cidr(text, true) {
            refusals.invalid(path, text, &message);
        }
    }
}

/// An address at which something can be reached from elsewhere.
pub(crate) fn not_special(path: &Path<'_>, text: &str, refusals: &mut Refusals) {
    let Some(ip) = names::parse_ip_sloppy(text) else {
        return refusals.invalid(path, text, "must be a valid IP address");
    };
    let addr = ip.addr();
    if addr.is_unspecified() {
        refusals.invalid(path, text, &format!("may not be unspecified ({text})"));
    }
    if addr.is_loopback() {
        let detail = "may not be in the loopback range (127.0.0.0/8, ::1/128)";
        refusals.invalid(path, text, detail);
    }
    let (link_local, multicast) = match addr {
        IpAddr::V4(v4) => (v4.is_link_local(), v4.octets().starts_with(&[224, 0, 0])),
        IpAddr::V6(v6) => (v6.is_unicast_link_local(), v6.segments()[0] & 0xff0f == 0xff02),
    };
    if link_local {
        let detail = "may not be in the link-local range (169.254.0.0/16, fe80::/10)";
        refusals.invalid(path, text, detail);
    }
    if multicast {
        let detail = "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)";
        refusals.invalid(path, text, detail);
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, cidr, ip, not_special};

    #[test]
    fn addresses_are_strict_unless_the_object_had_them() {
        let mut refusals = Refusals::new();
        let path = Path::of("ip");
        ip(&path, "010.0.0.1", true, &mut refusals);
        cidr(&path, "010.0.0.1/8", true, &mut refusals);
        ip(&path, "10.0.0.1", false, &mut refusals);
        cidr(&path, "10.0.0.0/8", false, &mut refusals);
        assert!(refusals.is_empty());
        ip(&path, "010.0.0.1", false, &mut refusals);
        cidr(&path, "10.0.0.1/8", false, &mut refusals);
        assert_eq!(refusals.len(), 2);
    }

    #[test]
    fn addresses_that_mean_only_this_host_or_link_are_refused() {
        let told = |text: &str| {
            let mut refusals = Refusals::new();
            not_special(&Path::of("ip"), text, &mut refusals);
            refusals
                .iter()
                .map(|refusal| refusal.message.clone())
                .collect::<Vec<_>>()
        };
        for fine in ["10.0.0.1", "2001:db8::1", "224.0.1.1", "ff05::1"] {
            assert!(told(fine).is_empty(), "{fine}");
        }
        for (text, part) in [
            ("x", "valid IP"),
            ("::", "unspecified (::)"),
            ("127.0.0.1", "loopback"),
            ("::1", "loopback"),
            ("169.254.1.1", "link-local range"),
            ("fe80::1", "link-local range"),
            ("224.0.0.7", "link-local multicast"),
            ("ff12::1", "link-local multicast"),
        ] {
            let told = told(text);
            assert!(told.len() == 1 && told[0].contains(part), "{text}: {told:?}");
        }
    }
}
