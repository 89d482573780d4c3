//! The rule that a peer's certificate must name the address it connects from.

use std::net::IpAddr;

use super::HandshakeError;
use super::identity::Identity;

/// Checks as upstream's listeners do: a certificate without hosts passes; else the remote address must be among its
/// addresses, or its reverse name must be among its DNS names (of which `*.` ones match any prefix), or one of its
/// plain DNS names must resolve to it.
pub(super) async fn check(identity: &Identity, remote: IpAddr) -> Result<(), HandshakeError> {
    if identity.ip_addresses.is_empty() && identity.dns_names.is_empty() {
        return Ok(());
    }
    let remote = remote.to_canonical();
    if identity
        .ip_addresses
        .iter()
        .any(|address| address.to_canonical() == remote)
    {
        return Ok(());
    }
    if let Some(name) = reverse_name(remote).await
        && identity.dns_names.iter().any(|pattern| covers(pattern, &name))
    {
        return Ok(());
    }
    for name in identity.dns_names.iter().filter(|name| !name.starts_with("*.")) {
        if resolves_to(name, remote).await {
            return Ok(());
        }
    }
    Err(HandshakeError::WrongHost {
        remote: remote.to_string(),
        hosts: identity.hosts(),
    })
}

fn covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(suffix) if suffix.starts_with('.') => name.ends_with(suffix),
        _ => pattern == name,
    }
}

async fn reverse_name(remote: IpAddr) -> Option<String> {
    tokio::task::spawn_blocking(move || reverse_lookup(remote))
        .await
        .ok()
        .flatten()
}

/// The name the system's resolver has for an address, without a final dot.
fn reverse_lookup(remote: IpAddr) -> Option<String> {
    let mut name = [0u8; 1025];
    let code = match remote {
        IpAddr::V4(address) => {
            let target = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: 0,
                sin_addr: libc::in_addr {
                    s_addr: u32::from_ne_bytes(address.octets()),
                },
                sin_zero: [0; 8],
            };
            name_info(&target, &mut name)
        }
        IpAddr::V6(address) => {
            let target = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: 0,
                sin6_flowinfo: 0,
                sin6_addr: libc::in6_addr {
                    s6_addr: address.octets(),
                },
                sin6_scope_id: 0,
            };
            name_info(&target, &mut name)
        }
    };
    if code != 0 {
        return None;
    }
    let text = std::ffi::CStr::from_bytes_until_nul(&name).ok()?.to_str().ok()?;
    Some(text.trim_end_matches('.').to_owned())
}

#[expect(unsafe_code, reason = "the standard library has no reverse lookup")]
fn name_info<T>(target: &T, name: &mut [u8]) -> libc::c_int {
    // SAFETY: `T` is `sockaddr_in` or `sockaddr_in6`, given with its own size; `name` is writable for the length that
    // is passed with it, and no service name is asked for.
    unsafe {
        libc::getnameinfo(
            std::ptr::from_ref(target).cast(),
            size_of::<T>() as libc::socklen_t,
            name.as_mut_ptr().cast(),
            name.len() as libc::socklen_t,
            std::ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    }
}

async fn resolves_to(name: &str, remote: IpAddr) -> bool {
    match tokio::net::lookup_host((name, 0)).await {
        Ok(mut found) => found.any(|address| address.ip().to_canonical() == remote),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_matches_any_prefix() {
        assert!(covers("*.etcd.svc", "a.etcd.svc") && covers("*.etcd.svc", "a.b.etcd.svc"));
        assert!(!covers("*.etcd.svc", "etcd.svc") && !covers("*etcd.svc", "a.etcd.svc") && covers("a", "a"));
    }

    #[tokio::test]
    async fn the_remote_must_be_among_the_hosts_if_there_are_any() {
        let local: IpAddr = [127, 0, 0, 1].into();
        let other: IpAddr = [192, 0, 2, 7].into();
        assert!(check(&Identity::default(), other).await.is_ok());
        let by_address = Identity {
            ip_addresses: vec![local],
            ..Identity::default()
        };
        assert!(check(&by_address, local).await.is_ok());
        assert!(check(&by_address, other).await.is_err());
        let by_name = Identity {
            dns_names: vec!["localhost".into()],
            ..Identity::default()
        };
        assert!(check(&by_name, local).await.is_ok());
        let error = check(&by_name, other).await.unwrap_err().to_string();
        assert_eq!(
            error,
            "tls: \"192.0.2.7\" does not match any of the certificate's hosts [\"localhost\"]"
        );
    }
}
