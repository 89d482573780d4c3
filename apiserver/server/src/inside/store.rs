//! The two things that stand in the store beside objects: who of the apiservers is alive, and which ports are taken.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use store_client::{Client, Delete, Get, KeyValue, Put, Result, Swap};

use super::objects::{object, tree};

/// How long an apiserver counts as alive after it last said so.
const ALIVE: Duration = Duration::from_secs(15);

/// The apiservers that are alive: each says so again and again, and is forgotten when it does not.
#[async_trait]
pub trait MasterLeases: Send + Sync {
    /// Their addresses as text, in the order of their texts.
    ///
    /// # Errors
    /// What kept the store from answering.
    async fn list(&self) -> Result<Vec<String>>;

    /// Says that this one is alive.
    ///
    /// # Errors
    /// What kept the store from answering.
    async fn update(&self, address: IpAddr) -> Result<()>;

    /// Says that this one goes; tells whether it was there.
    ///
    /// # Errors
    /// What kept the store from answering.
    async fn remove(&self, address: IpAddr) -> Result<bool>;
}

/// [`MasterLeases`] as upstream keeps them: a key below `PREFIX/masterleases/` for each, which dies with its lease.
#[derive(Debug)]
pub struct StoredLeases {
    client: Client,
    folder: String,
}

impl StoredLeases {
    /// Leases below a prefix of the store: `/registry`.
    pub fn new(client: Client, prefix: &str) -> Self {
        Self {
            client,
            folder: format!("{prefix}/masterleases/"),
        }
    }
}

/// The value under a lease's key, in which upstream's apiservers read the address.
fn lease_value(address: IpAddr) -> Vec<u8> {
    let mut value = object("v1", "Endpoints", "", "");
    value.set("metadata", apiserver_api::tree::Tree::map());
    let address = tree([("ip", address.to_string().into())]);
    value.set("subsets", vec![tree([("addresses", vec![address].into())])]);
    value.to_json()
}

#[async_trait]
impl MasterLeases for StoredLeases {
    async fn list(&self) -> Result<Vec<String>> {
        let page = self.client.get(Get::prefix(self.folder.clone()).keys_only()).await?;
        let name = |kv: &KeyValue| {
            let key = std::str::from_utf8(&kv.key).ok()?;
            key.strip_prefix(&self.folder).map(str::to_owned)
        };
        Ok(page.kvs.iter().filter_map(name).collect())
    }

    async fn update(&self, address: IpAddr) -> Result<()> {
        let key = format!("{}{address}", self.folder);
        // The lease before it ends without a key.
        self.client
            .put_with_ttl(Put::new(key, lease_value(address)), ALIVE)
            .await?;
        Ok(())
    }

    async fn remove(&self, address: IpAddr) -> Result<bool> {
        let key = format!("{}{address}", self.folder);
        Ok(self.client.delete(Delete::new(key)).await?.deleted > 0)
    }
}

/// One key of the store that all apiservers change: which parts of a range are taken.
#[async_trait]
pub trait RangeStore: Send + Sync {
    /// The key as it stands; `None` where it was never written.
    ///
    /// # Errors
    /// What kept the store from answering.
    async fn read(&self) -> Result<Option<KeyValue>>;

    /// Writes it where its last change was at `expected`; 0 means that it was never written.
    ///
    /// # Errors
    /// What kept the store from answering; it may have been written. A conflict is no error.
    async fn swap(&self, expected: i64, value: Vec<u8>) -> Result<Swap>;
}

/// [`RangeStore`] in the store itself.
#[derive(Debug)]
pub struct StoredRange {
    client: Client,
    key: String,
}

impl StoredRange {
    /// The ports of nodes that services have, below a prefix of the store: `/registry`.
    pub fn node_ports(client: Client, prefix: &str) -> Self {
        Self {
            client,
            key: format!("{prefix}/ranges/servicenodeports"),
        }
    }
}

#[async_trait]
impl RangeStore for StoredRange {
    async fn read(&self) -> Result<Option<KeyValue>> {
        self.client.get_key(self.key.clone()).await
    }

    async fn swap(&self, expected: i64, value: Vec<u8>) -> Result<Swap> {
        let put = Put::new(self.key.clone(), value);
        self.client.compare_and_swap(expected, put).await
    }
}

#[cfg(test)]
mod tests {
    use super::lease_value;

    #[test]
    fn a_lease_holds_what_upstream_reads() {
        let value = lease_value("10.1.2.3".parse().unwrap());
        assert_eq!(
            String::from_utf8(value).unwrap(),
            r#"{"apiVersion":"v1","kind":"Endpoints","metadata":{},"subsets":[{"addresses":[{"ip":"10.1.2.3"}]}]}"#
        );
    }
}
