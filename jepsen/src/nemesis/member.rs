//! Members that leave and come back as new ones, and members that come and leave again.

use async_trait::async_trait;
use rand::Rng;
use rand::seq::IndexedRandom;

use super::chance::Chance;
use super::target::Target;
use super::{Nemesis, Seen, Started};
use crate::cluster::Cluster;

/// What is taken back in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// The node's member left; it comes back without data, as another member.
    Left(usize),
    /// The node got a member; it leaves again.
    Came(usize),
}

/// A change of membership.
#[derive(Default)]
pub(super) struct Membership {
    change: Option<Change>,
    expected: usize,
    /// The cluster said that it was done.
    acknowledged: bool,
}

#[async_trait]
impl Nemesis for Membership {
    async fn start(&mut self, cluster: &Cluster, random: &mut Chance) -> anyhow::Result<Started> {
        let (members, spare) = (cluster.nodes().len(), cluster.spare_nodes());
        if !spare.is_empty() && (members < 3 || random.random_bool(0.5)) {
            let node = spare.choose(random).copied().unwrap_or(spare[0]);
            self.expected = members + 1;
            self.change = Some(Change::Came(node));
            cluster.add(node).await?;
            self.acknowledged = true;
            return Ok(Started::Installed(format!("{} came", cluster.name(node))));
        }
        if members < 3 {
            return Ok(Started::Skipped("nobody can be spared, and nobody can come".to_owned()));
        }
        let target = Target::among(&[Target::One, Target::Leader], random);
        let Some(node) = target.nodes(cluster, random).await.first().copied() else {
            return Ok(Started::Skipped("there is no member".to_owned()));
        };
        self.expected = members - 1;
        self.change = Some(Change::Left(node));
        cluster.remove(node).await?;
        self.acknowledged = true;
        Ok(Started::Installed(format!("{} left", cluster.name(node))))
    }

    async fn observe(&mut self, cluster: &Cluster) -> Seen {
        match cluster.counted().await {
            Ok(counted) => Seen {
                seen: counted == self.expected,
                evidence: format!("the cluster counts {counted} members, {} are expected", self.expected),
            },
            // Under other faults there may be nobody to ask; the cluster's own word is as good as its count.
            Err(error) if self.acknowledged => Seen {
                seen: true,
                evidence: format!("the cluster said that it was done; it did not count its members: {error}"),
            },
            Err(error) => Seen {
                seen: false,
                evidence: error.to_string(),
            },
        }
    }

    async fn stop(&mut self, cluster: &Cluster) -> anyhow::Result<()> {
        match self.change {
            None => Ok(()),
            // An attempt that failed may have been carried out or not.
            Some(Change::Left(node)) => {
                if cluster.nodes().contains(&node) {
                    cluster.remove(node).await?;
                }
                cluster.add(node).await
            }
            Some(Change::Came(node)) => cluster.remove(node).await,
        }
    }
}
