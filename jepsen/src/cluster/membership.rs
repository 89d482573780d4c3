//! Members that come and go, through the cluster's own API.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use proto::etcd::Member as Known;
use tokio::time::{Instant, sleep, timeout};

use super::{Cluster, flags};

/// A change of membership takes no longer, while a majority works.
const CHANGE: Duration = Duration::from_secs(30);
/// One request of it.
const REQUEST: Duration = Duration::from_secs(3);
/// A removed member notices that and ends by itself; it need not, and is killed after this.
const LEAVE: Duration = Duration::from_secs(3);
/// Between two tries.
const AGAIN: Duration = Duration::from_millis(200);

impl Cluster {
    /// Adds a member without data on a node that has none, and waits until it serves.
    ///
    /// # Errors
    /// The node has one, the cluster does not take it, or it does not start.
    pub(crate) async fn add(&self, node: usize) -> anyhow::Result<()> {
        ensure!(!self.nodes().contains(&node), "{} is a member already", self.name(node));
        self.members[node].lock().wipe()?;
        let url = flags::peer_url(node);
        let others = self.nodes();
        again("a member is added", || self.try_add(&url)).await?;
        self.members[node].lock().join(others);
        self.follow()?;
        self.start_member(node)?;
        self.wait_healthy(&[node], CHANGE).await
    }

    /// Removes the member of a node from the cluster, ends it and forgets its data.
    ///
    /// # Errors
    /// The cluster does not let it go, or its data cannot be removed.
    pub(crate) async fn remove(&self, node: usize) -> anyhow::Result<()> {
        let url = flags::peer_url(node);
        // It may end as soon as it hears of it.
        self.excuse(node, true);
        if let Err(error) = again("a member is removed", || self.try_remove(&url)).await {
            self.excuse(node, false);
            return Err(error);
        }
        let until = Instant::now() + LEAVE;
        while self.is_running(node) && Instant::now() < until {
            sleep(AGAIN).await;
        }
        self.kill(node)?;
        {
            let mut member = self.members[node].lock();
            member.takes_part = false;
            member.wipe()?;
        }
        self.excuse(node, false);
        self.follow()
    }

    /// How many members the cluster itself counts.
    ///
    /// # Errors
    /// It does not say.
    pub(crate) async fn counted(&self) -> anyhow::Result<usize> {
        let list = timeout(REQUEST, self.admin.members())
            .await
            .context("no answer in time")?;
        Ok(list?.len())
    }

    /// The member that is reached at this URL, as the cluster knows it.
    async fn known(&self, peer_url: &str) -> store_client::Result<Option<Known>> {
        let list = self.admin.members().await?;
        Ok(list
            .into_iter()
            .find(|member| member.peer_ur_ls.iter().any(|url| url == peer_url)))
    }

    /// Asks those who are members now from the next call on.
    fn follow(&self) -> anyhow::Result<()> {
        Ok(self.admin.set_endpoints(self.endpoints())?)
    }

    /// Whether an earlier try was carried out although it failed is seen in the list of members.
    async fn try_add(&self, peer_url: &str) -> store_client::Result<()> {
        if self.known(peer_url).await?.is_none() {
            self.admin.member_add(vec![peer_url.to_owned()], false).await?;
        }
        Ok(())
    }

    async fn try_remove(&self, peer_url: &str) -> store_client::Result<()> {
        if let Some(member) = self.known(peer_url).await? {
            self.admin.member_remove(member.id).await?;
        }
        Ok(())
    }
}

/// Tries until it succeeds.
async fn again<F>(what: &str, mut attempt: impl FnMut() -> F) -> anyhow::Result<()>
where
    F: Future<Output = store_client::Result<()>>,
{
    let until = Instant::now() + CHANGE;
    loop {
        let why = match timeout(REQUEST, attempt()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        if Instant::now() >= until {
            bail!("tried in vain for {CHANGE:?}: {what}: {why}");
        }
        sleep(AGAIN).await;
    }
}
