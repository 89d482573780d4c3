//! Whether members serve, who leads them, and whether all have come equally far.

use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::future::join_all;
use proto::etcd::StatusResponse;
use tokio::time::{Instant, sleep, timeout};

use super::{Cluster, flags, http};

/// A member that does not say in this time how it is says nothing.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

impl Cluster {
    /// Waits until each of these members serves linearizable reads.
    ///
    /// # Errors
    /// One does not in time, or has ended; with the end of its log.
    pub(crate) async fn wait_healthy(&self, nodes: &[usize], within: Duration) -> anyhow::Result<()> {
        let until = Instant::now() + within;
        for node in nodes {
            while !self.is_healthy(*node).await {
                if !self.is_running(*node) {
                    let how = self.last_end(*node).unwrap_or_else(|| "it was not started".to_owned());
                    bail!("{}: {how}\n{}", self.name(*node), self.log_end(*node));
                }
                if Instant::now() >= until {
                    bail!(
                        "{} does not serve after {within:?}\n{}",
                        self.name(*node),
                        self.log_end(*node)
                    );
                }
                sleep(LOOK).await;
            }
        }
        Ok(())
    }

    /// Whether a member serves linearizable reads.
    pub(crate) async fn is_healthy(&self, node: usize) -> bool {
        let page = http::get(flags::metrics_address(node), "/health").await;
        page.is_ok_and(|page| page.status == 200 && page.body.contains("\"true\""))
    }

    /// What each member says of itself, in the order of the nodes; `None`: nothing in time.
    async fn statuses(&self, nodes: &[usize]) -> Vec<Option<StatusResponse>> {
        let ask = |node: &usize| timeout(PATIENCE, self.clients[*node].status());
        let answers = join_all(nodes.iter().map(ask)).await;
        answers.into_iter().map(|answer| answer.ok()?.ok()).collect()
    }

    /// The node whose member leads: it says so itself, and of several that do, the one with the newest term.
    pub(crate) async fn leader(&self) -> Option<usize> {
        let nodes = self.nodes();
        let statuses = self.statuses(&nodes).await;
        let leading = nodes.into_iter().zip(statuses).filter_map(|(node, status)| {
            let status = status?;
            let own = status.header.as_ref()?.member_id;
            (status.leader != 0 && status.leader == own).then_some((status.raft_term, node))
        });
        leading.max().map(|(_, node)| node)
    }

    /// Waits until all members follow one leader and have applied the same; how long that took. Clients must have
    /// stopped to write.
    ///
    /// # Errors
    /// They have not in time; with what each said last.
    pub(crate) async fn converged(&self, within: Duration) -> anyhow::Result<Duration> {
        let began = Instant::now();
        loop {
            let nodes = self.nodes();
            let statuses = self.statuses(&nodes).await;
            let known: Option<Vec<&StatusResponse>> = statuses.iter().map(Option::as_ref).collect();
            if known.is_some_and(|known| agree(&known)) {
                return Ok(began.elapsed());
            }
            if began.elapsed() >= within {
                let said: Vec<String> = nodes
                    .iter()
                    .zip(&statuses)
                    .map(|(node, status)| format!("{}: {}", self.name(*node), describe(status.as_ref())))
                    .collect();
                bail!("the members do not agree after {within:?}: {}", said.join("; "));
            }
            sleep(LOOK).await;
        }
    }

    /// The last lines of a member's log.
    fn log_end(&self, node: usize) -> String {
        let text = std::fs::read_to_string(self.members[node].lock().log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// The newest revision that any member is at.
    ///
    /// # Errors
    /// None answers.
    pub(crate) async fn revision(&self) -> anyhow::Result<i64> {
        let statuses = self.statuses(&self.nodes()).await;
        let revisions = statuses
            .into_iter()
            .flatten()
            .filter_map(|status| Some(status.header?.revision));
        revisions.max().context("no member answers")
    }
}

/// All follow one leader of one term, and have applied the same.
fn agree(statuses: &[&StatusResponse]) -> bool {
    let place = |status: &StatusResponse| (status.leader, status.raft_term, status.raft_applied_index);
    let Some(first) = statuses.first().map(|status| place(status)) else {
        return false;
    };
    first.0 != 0 && statuses.iter().all(|status| place(status) == first)
}

fn describe(status: Option<&StatusResponse>) -> String {
    match status {
        None => "says nothing".to_owned(),
        Some(status) => format!(
            "leader {:x} of term {}, applied {}",
            status.leader, status.raft_term, status.raft_applied_index
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_agree_on_the_leader_and_how_far_they_are() {
        let status = |leader, raft_applied_index| StatusResponse {
            leader,
            raft_term: 3,
            raft_applied_index,
            ..StatusResponse::default()
        };
        let (one, behind, lost) = (status(7, 10), status(7, 9), status(0, 10));
        assert!(agree(&[&one, &one, &one]));
        assert!(!agree(&[&one, &behind]));
        assert!(!agree(&[&one, &lost]));
        assert!(!agree(&[&lost, &lost]));
        assert!(!agree(&[]));
    }
}
