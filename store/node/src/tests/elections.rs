//! How long a cluster is without a leader: as upstream, one to two election timeouts after the last one was heard.

use std::time::Duration;

use proto::peer;
use tokio::time::{Instant, sleep};

use super::cluster::{Cluster, nobody, put, until};
use crate::Member;

const TIMEOUT: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(1);

/// Waits until all members follow one leader; answers it.
async fn agreed(cluster: &Cluster) -> Member {
    until(|| {
        let first = cluster.members[0].leader();
        first.is_some() && cluster.members.iter().all(|member| member.leader() == first)
    })
    .await;
    cluster.leader().await
}

/// How long it takes from now until another member than `old` leads.
async fn until_replaced(cluster: &Cluster, old: &Member) -> Duration {
    let began = Instant::now();
    let leads = |member: &Member| member.id() != old.id() && member.is_leader();
    while !cluster.members.iter().any(leads) {
        sleep(TICK).await;
    }
    began.elapsed()
}

async fn losses(size: usize, count: usize) -> Vec<Duration> {
    let cluster = Cluster::start(size).await;
    let mut times = Vec::new();
    for _ in 0..count {
        let old = agreed(&cluster).await;
        old.put(&nobody(), put("k", "v")).await.unwrap();
        cluster.isolate(old.id(), true);
        times.push(until_replaced(&cluster, &old).await);
        cluster.isolate(old.id(), false);
    }
    times.sort_unstable();
    times
}

#[tokio::test(start_paused = true)]
async fn an_isolated_leader_is_replaced_within_two_election_timeouts() {
    for size in [3, 5] {
        let times = losses(size, 50).await;
        let (first, median, last) = (times[0], times[25], times[49]);
        println!("{size} members: {first:?} to {last:?}, median {median:?}");
        // It was heard up to a heartbeat before the cut, so this is still one timeout after that.
        assert!(first >= TIMEOUT, "{size} members: {times:?}");
        assert!(last <= 2 * TIMEOUT, "{size} members: {times:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_voter_is_bound_to_its_leader_for_less_than_an_election_timeout() {
    let cluster = Cluster::start(3).await;
    let old = agreed(&cluster).await;
    let mut others = cluster.members.iter().filter(|member| member.id() != old.id());
    let (voter, candidate) = (others.next().unwrap(), others.next().unwrap());
    let term = voter.consensus().look().term + 1;
    let ask = peer::VoteRequest {
        vote: Some(peer::Vote {
            term,
            node: candidate.id(),
            committed: false,
        }),
        last_log_id: Some(peer::LogId {
            term,
            node: candidate.id(),
            index: u64::MAX,
        }),
        leadership_transfer: false,
    };
    cluster.isolate(old.id(), true);
    let began = Instant::now();
    while !voter.consensus().pre_vote(ask).await.unwrap().granted {
        sleep(TICK).await;
    }
    // Longer than any lease that reads rely on, wherever in the heartbeat's interval the cut fell.
    let refused = began.elapsed();
    assert!(refused > TIMEOUT / 2 && refused <= TIMEOUT, "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_member_that_starts_again_waits_for_the_end_of_a_lease_that_it_forgot() {
    let mut cluster = Cluster::start_with(3, |config| config.lease_reads = true).await;
    for _ in 0..20 {
        let old = agreed(&cluster).await;
        let mut others = (0..3).filter(|at| cluster.members[*at].id() != old.id());
        let (forgetful, other) = (others.next().unwrap(), others.next().unwrap());
        let away = cluster.members[other].id();
        // One member alone answers the leader; the third does not know any more that there is one.
        for (from, to) in [(old.id(), away), (away, old.id())] {
            cluster.net.channels.link(from, to, false);
        }
        sleep(3 * TIMEOUT).await;
        old.barrier().await.unwrap();
        let member = cluster.members[forgetful].clone();
        cluster.gone(member.id());
        member.consensus().shutdown().await;
        cluster.isolate(old.id(), true);
        let home = cluster.homes[forgetful].clone();
        cluster.members[forgetful] = cluster.run(&home).await.unwrap();
        let alone = until_replaced(&cluster, &old).await;
        assert!(alone >= TIMEOUT / 2, "{alone:?} after its start");
        cluster.isolate(old.id(), false);
    }
}
