//! Who this member is: read from its folder, worked out from the initial cluster, or learned from the cluster it joins.

use std::collections::BTreeSet;
use std::time::Duration;

use base::clock::Clock;
use proto::etcd::Member;
use proto::peer::{ClusterInfoRequest, ClusterInfoResponse};
use store_machine::Genesis;

use crate::config::{Config, InitialState};
use crate::identity::{FORMAT, Identity, cluster_id, member_id};
use crate::peers::Peers;

/// Why a member cannot find its place; one line that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The flags contradict each other.
    #[error(transparent)]
    Config(#[from] crate::config::Error),
    /// No member of the cluster answered.
    #[error(
        "cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs: {0}; check --initial-cluster and that the cluster runs"
    )]
    NoPeer(String),
    /// `--initial-cluster` and the cluster's own list differ.
    #[error("error validating peerURLs: {what}: --initial-cluster names {given}, the cluster has {found}{hint}")]
    Mismatch {
        /// Upstream's word for it.
        what: &'static str,
        /// What the flag says.
        given: String,
        /// What the cluster says.
        found: String,
        /// What to do about it, if that is known.
        hint: &'static str,
    },
    /// The cluster runs and this member was part of it before, with data that is gone.
    #[error(
        "member {0} has already been bootstrapped: its data is gone, so remove it from the cluster, add it again, and start with --initial-cluster-state existing"
    )]
    AlreadyBootstrapped(String),
}

/// A member's place.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) identity: Identity,
    /// What a new cluster starts from; none for one that joins or restarts.
    pub(crate) genesis: Option<Genesis>,
}

/// How often and how long a joining member asks.
const ATTEMPTS: u32 = 10;
const ASK: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_secs(1);

/// Works out the place of a member that starts for the first time.
pub(crate) async fn first_start(config: &Config, peers: &dyn Peers, clock: &dyn Clock) -> Result<Place, Error> {
    config.validate_initial_cluster()?;
    match config.initial_cluster_state {
        InitialState::New => found(config, peers).await,
        InitialState::Existing => join(config, peers, clock).await,
    }
}

/// The members of a new cluster.
fn founders(config: &Config) -> Vec<Member> {
    let member = |(_, urls): (&String, &Vec<String>)| {
        let mut peer_ur_ls = urls.clone();
        peer_ur_ls.sort();
        Member {
            id: member_id(urls, &config.initial_cluster_token, None),
            peer_ur_ls,
            ..Member::default()
        }
    };
    let mut members: Vec<Member> = config.initial_cluster.iter().map(member).collect();
    members.sort_by_key(|member| member.id);
    members
}

async fn found(config: &Config, peers: &dyn Peers) -> Result<Place, Error> {
    let members = founders(config);
    let cluster_id = cluster_id(members.iter().map(|member| member.id));
    let own = member_id(&config.initial_advertise_peer_urls, &config.initial_cluster_token, None);
    for url in others(config) {
        // Peers that do not run yet refuse at once; one that does knows whether this member was there before.
        let Ok(info) = peers.cluster_info(url, ClusterInfoRequest::default(), ASK).await else {
            continue;
        };
        let started = info
            .members
            .iter()
            .any(|member| member.id == own && !member.client_ur_ls.is_empty());
        if info.cluster_id == cluster_id && started {
            return Err(Error::AlreadyBootstrapped(config.name.clone()));
        }
    }
    Ok(Place {
        identity: Identity {
            cluster_id,
            member_id: own,
            format: FORMAT,
        },
        genesis: Some(Genesis {
            cluster_id,
            members,
            cluster_version: None,
        }),
    })
}

async fn join(config: &Config, peers: &dyn Peers, clock: &dyn Clock) -> Result<Place, Error> {
    let info = ask(config, peers, clock).await?;
    check_urls(config, &info)?;
    let own = own(&info, config).map_or(0, |member| member.id);
    let identity = Identity {
        cluster_id: info.cluster_id,
        member_id: own,
        format: FORMAT,
    };
    Ok(Place {
        identity,
        genesis: None,
    })
}

/// The member that has the URLs which `--initial-cluster` gives this one's name.
fn own<'a>(info: &'a ClusterInfoResponse, config: &Config) -> Option<&'a Member> {
    let wanted = sorted(config.initial_cluster.get(&config.name)?);
    info.members.iter().find(|member| sorted(&member.peer_ur_ls) == wanted)
}

async fn ask(config: &Config, peers: &dyn Peers, clock: &dyn Clock) -> Result<ClusterInfoResponse, Error> {
    if others(config).next().is_none() {
        return Err(Error::NoPeer("--initial-cluster names this member alone".to_owned()));
    }
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            clock.sleep(RETRY).await;
        }
        for url in others(config) {
            match peers.cluster_info(url, ClusterInfoRequest { current: true }, ASK).await {
                Ok(info) if !info.members.is_empty() => return Ok(info),
                Ok(_) => tracing::info!(url, "the member does not know its cluster yet"),
                Err(error) => tracing::warn!(url, %error, "failed to get cluster info"),
            }
        }
    }
    Err(Error::NoPeer(others(config).cloned().collect::<Vec<_>>().join(",")))
}

/// The flag must name every member, by the same URLs; upstream's rule.
fn check_urls(config: &Config, info: &ClusterInfoResponse) -> Result<(), Error> {
    let given: BTreeSet<Vec<String>> = config.initial_cluster.values().map(|urls| sorted(urls)).collect();
    let found: BTreeSet<Vec<String>> = info.members.iter().map(|member| sorted(&member.peer_ur_ls)).collect();
    if given == found {
        return Ok(());
    }
    let text = |urls: &BTreeSet<Vec<String>>| urls.iter().flatten().cloned().collect::<Vec<_>>().join(",");
    Err(Error::Mismatch {
        what: if given.len() == found.len() {
            "PeerURLs: no match found for existing member"
        } else {
            "member count is unequal"
        },
        given: text(&given),
        found: text(&found),
        hint: match own(info, config) {
            None => "; add this member with `etcdctl member add` first, with its URLs of --initial-cluster",
            Some(_) => "",
        },
    })
}

/// Peer URLs of the other members of the initial cluster.
fn others(config: &Config) -> impl Iterator<Item = &String> {
    config
        .initial_cluster
        .iter()
        .filter(|(name, _)| **name != config.name)
        .flat_map(|(_, urls)| urls)
}

fn sorted(urls: &[String]) -> Vec<String> {
    let mut urls = urls.to_vec();
    urls.sort();
    urls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_founders_see_the_same_cluster() {
        let cluster = [("a", "http://a:1"), ("b", "http://b:1")];
        let initial_cluster = cluster
            .iter()
            .map(|(name, url)| ((*name).to_owned(), vec![(*url).to_owned()]))
            .collect();
        let config = Config {
            name: "a".to_owned(),
            initial_cluster,
            ..Config::default()
        };
        let other = Config {
            name: "b".to_owned(),
            ..config.clone()
        };
        assert_eq!(founders(&config), founders(&other));
        assert_eq!(founders(&config).len(), 2);
    }

    #[test]
    fn a_joining_member_must_name_the_cluster_as_it_is() {
        let config = Config::default();
        let member = |url: &str| Member {
            peer_ur_ls: vec![url.to_owned()],
            ..Member::default()
        };
        let mut info = ClusterInfoResponse {
            members: vec![member("http://localhost:2380")],
            ..Default::default()
        };
        assert_eq!(check_urls(&config, &info), Ok(()));
        info.members.push(member("http://b:1"));
        let said = |info: &ClusterInfoResponse| check_urls(&config, info).unwrap_err().to_string();
        assert_eq!(
            said(&info),
            "error validating peerURLs: member count is unequal: --initial-cluster names http://localhost:2380, the \
             cluster has http://b:1,http://localhost:2380"
        );
        info.members.remove(0);
        let text = said(&info);
        assert!(text.starts_with("error validating peerURLs: PeerURLs: no match found for existing member: "));
        assert!(
            text.contains("add this member with `etcdctl member add` first"),
            "{text}"
        );
    }
}
