//! The stores that the flags name: one for all kinds, and others for single kinds.

use std::collections::BTreeSet;

use apiserver_api::gvk::GroupResource;
use apiserver_server::server::{Apart, Options, Uncached};
use base::task::Tasks;
use base::tls::ClientOptions;
use store_client::{Client, Options as StoreOptions};

use crate::apiserver::settings::{CacheSize, Etcd, Override};
use crate::error::{Error, Result};

/// How many bytes of what happened are kept for each kind.
const HISTORY: usize = 32 * 1024 * 1024;

/// Clients of all stores.
pub(super) fn stores(etcd: &Etcd, tasks: &Tasks) -> Result<Options> {
    let mut seen: BTreeSet<&String> = etcd.servers.iter().collect();
    let mut apart = Vec::new();
    for (servers, kinds) in together(&etcd.overrides) {
        apart.push(Apart {
            kinds,
            client: client(etcd, servers, tasks)?,
            shared: servers.iter().any(|server| seen.contains(server)),
        });
        seen.extend(servers);
    }
    Ok(Options {
        client: client(etcd, &etcd.servers, tasks)?,
        apart,
        prefix: etcd.prefix.clone(),
        history: HISTORY,
        lease_reuse: etcd.lease_reuse,
        compaction: etcd.compaction_interval,
        uncached: uncached(etcd.watch_cache, &etcd.watch_cache_sizes),
    })
}

/// The kinds of each set of servers, whatever their order.
fn together(overrides: &[Override]) -> Vec<(&[String], Vec<GroupResource>)> {
    let mut found: Vec<(BTreeSet<&String>, &[String], Vec<GroupResource>)> = Vec::new();
    for one in overrides {
        let servers: BTreeSet<&String> = one.servers.iter().collect();
        let kind = GroupResource::new(one.group.as_str(), one.resource.as_str());
        // Of several for one kind the last counts.
        for (.., kinds) in &mut found {
            kinds.retain(|other| *other != kind);
        }
        match found.iter_mut().find(|(other, ..)| *other == servers) {
            Some((.., kinds)) => kinds.push(kind),
            None => found.push((servers, &one.servers, vec![kind])),
        }
    }
    found.into_iter().map(|(_, servers, kinds)| (servers, kinds)).collect()
}

fn client(etcd: &Etcd, servers: &[String], tasks: &Tasks) -> Result<Client> {
    let mut options = StoreOptions::new(servers.iter().cloned());
    let is_secure = |server: &String| server.starts_with("https://") || server.starts_with("unixs://");
    if servers.iter().any(is_secure) {
        options = options.with_tls(ClientOptions {
            cert_file: etcd.cert_file.clone(),
            key_file: etcd.key_file.clone(),
            trusted_ca_file: etcd.ca_file.clone(),
            ..ClientOptions::default()
        });
    }
    Client::new(options, tasks).map_err(|error| Error::chain(&error))
}

/// Before which kinds no cache stands; of several sizes for one kind the last counts.
fn uncached(watch_cache: bool, sizes: &[CacheSize]) -> Uncached {
    if !watch_cache {
        return Uncached::All;
    }
    let mut off: Vec<GroupResource> = Vec::new();
    for one in sizes {
        let kind = GroupResource::new(one.group.as_str(), one.resource.as_str());
        off.retain(|other| *other != kind);
        if one.size == 0 {
            off.push(kind);
        }
    }
    Uncached::Some(off)
}

#[cfg(test)]
mod tests {
    use super::{CacheSize, GroupResource, Override, Uncached, together, uncached};

    #[test]
    fn kinds_of_the_same_servers_share_a_store() {
        let one = |resource: &str, servers: &[&str]| Override {
            group: String::new(),
            resource: resource.to_owned(),
            servers: servers.iter().map(|server| (*server).to_owned()).collect(),
        };
        let overrides = [
            one("events", &["http://a", "http://b"]),
            one("pods", &["http://c"]),
            one("leases", &["http://b", "http://a"]),
            one("pods", &["http://a", "http://b"]),
        ];
        let found = together(&overrides);
        let names = |kinds: &[GroupResource]| kinds.iter().map(|kind| kind.resource.to_string()).collect::<Vec<_>>();
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].0, names(&found[0].1)),
            (
                overrides[0].servers.as_slice(),
                vec!["events".to_owned(), "leases".to_owned(), "pods".to_owned()]
            )
        );
        assert!(found[1].1.is_empty());
    }

    #[test]
    fn the_last_size_of_a_kind_counts() {
        let size = |resource: &str, size| CacheSize {
            resource: resource.to_owned(),
            group: String::new(),
            size,
        };
        assert_eq!(uncached(false, &[]), Uncached::All);
        let sizes = [size("events", 0), size("pods", 0), size("events", 5)];
        assert_eq!(
            uncached(true, &sizes),
            Uncached::Some(vec![GroupResource::new("", "pods")])
        );
    }
}
