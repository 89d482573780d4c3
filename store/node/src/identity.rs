//! Member and cluster ids, computed as upstream's membership package does, so that both give the same cluster the same
//! name.

use sha1::{Digest, Sha1};

/// Who a data folder belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The cluster.
    pub cluster_id: u64,
    /// The member.
    pub member_id: u64,
    /// Format of the data folder.
    pub format: u32,
}

impl Identity {
    /// An identity in the format that this version writes.
    pub const fn new(cluster_id: u64, member_id: u64) -> Self {
        Self {
            cluster_id,
            member_id,
            format: FORMAT,
        }
    }
}

/// The format that this version writes. A folder with a higher number is refused.
pub(crate) const FORMAT: u32 = 1;

/// A member's id: SHA-1 over its sorted peer URLs, the cluster token, and for a member added later the second of its
/// addition; the first eight bytes, big-endian.
pub fn member_id(peer_urls: &[String], token: &str, added_at_seconds: Option<u64>) -> u64 {
    let mut urls: Vec<&str> = peer_urls.iter().map(String::as_str).collect();
    urls.sort_unstable();
    let mut hash = Sha1::new();
    for url in urls {
        hash.update(url.as_bytes());
    }
    hash.update(token.as_bytes());
    if let Some(seconds) = added_at_seconds {
        hash.update(seconds.to_string().as_bytes());
    }
    head(&hash.finalize())
}

/// A new cluster's id: SHA-1 over the sorted ids of its first members.
pub fn cluster_id(member_ids: impl IntoIterator<Item = u64>) -> u64 {
    let mut ids: Vec<u64> = member_ids.into_iter().collect();
    ids.sort_unstable();
    let mut hash = Sha1::new();
    for id in ids {
        hash.update(id.to_be_bytes());
    }
    head(&hash.finalize())
}

fn head(digest: &[u8]) -> u64 {
    digest
        .iter()
        .take(8)
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_upstreams() {
        // What a default single etcd prints in its log.
        let id = member_id(&["http://localhost:2380".to_owned()], "etcd-cluster", None);
        assert_eq!(format!("{id:x}"), "8e9e05c52164694d");
        assert_eq!(format!("{:x}", cluster_id([id])), "cdf818194e3a8c32");
        // From upstream's member_test.go.
        assert_eq!(
            member_id(&["http://10.0.0.8:2379".to_owned()], "", None),
            14_544_069_596_553_697_298
        );
    }

    #[test]
    fn the_order_of_urls_does_not_matter() {
        let (a, b) = ("http://a:1".to_owned(), "http://b:1".to_owned());
        assert_eq!(
            member_id(&[a.clone(), b.clone()], "t", Some(7)),
            member_id(&[b, a], "t", Some(7))
        );
    }
}
