//! Clusters of members in one process: Memory engines, disks in memory, channels that can be cut, and a clock that is
//! tokio's, so that a paused runtime skips over every wait.

use std::sync::Arc;
use std::time::Duration;

use base::clock::{Clock, Sleep};
use base::random::Seeded;
use base::task::Tasks;
use parking_lot::Mutex;
use proto::etcd;
use store_engine::Memory;
use store_log::{Executor, MemoryDisk};

use super::net::{Addressed, Net, Way};
use crate::{Caller, Config, IdentityStore, InitialState, LogTuning, Member, MemoryIdentity, Parts, assemble};

/// Time as tokio counts it.
pub(crate) struct TokioClock(tokio::time::Instant);

impl Clock for TokioClock {
    fn wall_ms(&self) -> u64 {
        1_700_000_000_000 + self.0.elapsed().as_millis() as u64
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(time))
    }
}

/// What a member leaves behind when it ends.
#[derive(Clone)]
pub(crate) struct Home {
    pub(crate) identity: MemoryIdentity,
    pub(crate) engine: Memory,
    pub(crate) disk: MemoryDisk,
    pub(crate) config: Config,
}

impl Home {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            identity: MemoryIdentity::default(),
            engine: Memory::new(),
            disk: MemoryDisk::new(),
            config,
        }
    }
}

/// A cluster.
pub(crate) struct Cluster {
    pub(crate) net: Net,
    pub(crate) homes: Vec<Home>,
    pub(crate) members: Vec<Member>,
    clock: Arc<TokioClock>,
    random: Arc<Seeded>,
}

pub(crate) fn url(number: usize) -> String {
    format!("http://member-{number}:2380")
}

/// The configuration of member `number` of `size`.
pub(crate) fn config(number: usize, size: usize) -> Config {
    Config {
        name: format!("m{number}"),
        initial_advertise_peer_urls: vec![url(number)],
        advertise_client_urls: vec![format!("http://member-{number}:2379")],
        initial_cluster: (0..size)
            .map(|number| (format!("m{number}"), vec![url(number)]))
            .collect(),
        bcrypt_cost: 4,
        ..Config::default()
    }
}

/// Members that seldom speak to each other, for tests in which much time passes.
pub(crate) fn slow(config: &mut Config) {
    config.heartbeat_interval = Duration::from_secs(2);
    config.election_timeout = Duration::from_secs(20);
}

impl Cluster {
    /// A cluster of `size` members that are ready.
    pub(crate) async fn start(size: usize) -> Self {
        Self::start_with(size, |_| {}).await
    }

    pub(crate) async fn start_with(size: usize, tune: impl Fn(&mut Config)) -> Self {
        let mut cluster = Self {
            net: Net::default(),
            homes: Vec::new(),
            members: Vec::new(),
            clock: Arc::new(TokioClock(tokio::time::Instant::now())),
            random: Arc::new(Seeded::new(7)),
        };
        for number in 0..size {
            let mut config = config(number, size);
            tune(&mut config);
            let home = Home::new(config);
            let member = cluster.run(&home).await.unwrap();
            cluster.homes.push(home);
            cluster.members.push(member);
        }
        for member in &cluster.members {
            member.ready().await.unwrap();
        }
        cluster
    }

    /// Starts a member on what it left behind, or on nothing.
    pub(crate) async fn run(&self, home: &Home) -> Result<Member, crate::AssembleError> {
        let peers = Arc::new(Way {
            net: self.net.clone(),
            from: Mutex::new(0),
        });
        let id = self.id_of(home);
        let parts = Parts {
            config: home.config.clone(),
            identity: Arc::new(home.identity.clone()),
            engine: Arc::new(home.engine.clone()),
            disk: Arc::new(home.disk.clone()),
            log: LogTuning {
                executor: Executor::Inline,
                segment_bytes: 64 << 10,
                ..LogTuning::default()
            },
            clock: self.clock.clone(),
            random: self.random.clone(),
            transport: Arc::new(Addressed {
                net: self.net.clone(),
                inner: self.net.channels.transport(id),
            }),
            peers,
            registry: prometheus::Registry::new(),
            tasks: Tasks::inline(),
            on_fatal: Arc::new(|reason| panic!("fatal: {reason}")),
        };
        let member = assemble(parts).await?;
        self.net.channels.join(member.consensus().clone());
        self.net.members.lock().insert(member.id(), member.clone());
        Ok(member)
    }

    /// The id that the transport is made for; a joiner's is known to the cluster only.
    fn id_of(&self, home: &Home) -> u64 {
        if let Ok(Some(identity)) = home.identity.load() {
            return identity.member_id;
        }
        let urls = &home.config.initial_advertise_peer_urls;
        if home.config.initial_cluster_state == InitialState::Existing {
            let members = self
                .members
                .iter()
                .flat_map(|member| member.reader().state().members.list());
            let mut found = members.into_iter().filter(|member| member.peer_ur_ls == *urls);
            return found.next().map_or(0, |member| member.id);
        }
        crate::member_id(urls, &home.config.initial_cluster_token, None)
    }

    /// The member that leads, once there is one.
    pub(crate) async fn leader(&self) -> Member {
        loop {
            if let Some(member) = self.members.iter().find(|member| self.leads(member)) {
                return member.clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn leads(&self, member: &Member) -> bool {
        member.is_leader() && !self.net.cut.borrow().contains(&member.id())
    }

    /// A member that does not lead.
    pub(crate) async fn follower(&self) -> Member {
        let leader = self.leader().await.id();
        self.members
            .iter()
            .find(|member| member.id() != leader)
            .cloned()
            .unwrap()
    }

    /// Cuts a member off, or connects it again.
    pub(crate) fn isolate(&self, id: u64, cut: bool) {
        self.net.cut.send_modify(|all| {
            if cut {
                all.insert(id);
            } else {
                all.remove(&id);
            }
        });
        self.deafen(id, cut);
    }

    /// Cuts a member off from consensus alone, so that it answers whoever asks and knows nothing new.
    pub(crate) fn deafen(&self, id: u64, cut: bool) {
        for other in self.members.iter().map(Member::id).filter(|other| *other != id) {
            self.net.channels.link(id, other, !cut);
            self.net.channels.link(other, id, !cut);
        }
    }

    /// Takes a member off the net, for good or until it is run again.
    pub(crate) fn gone(&self, id: u64) {
        self.net.channels.leave(id);
        self.net.members.lock().remove(&id);
        self.net.cut.send_modify(|_| {});
    }
}

pub(crate) fn nobody() -> Caller {
    Caller::default()
}

/// Waits until something holds.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(600), async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.unwrap();
}

pub(crate) fn put(key: &str, value: &str) -> etcd::PutRequest {
    etcd::PutRequest {
        key: key.to_owned().into(),
        value: value.to_owned().into(),
        ..etcd::PutRequest::default()
    }
}

pub(crate) fn get(key: &str) -> etcd::RangeRequest {
    etcd::RangeRequest {
        key: key.to_owned().into(),
        ..etcd::RangeRequest::default()
    }
}

/// All keys.
pub(crate) fn all() -> etcd::RangeRequest {
    etcd::RangeRequest {
        key: "\0".into(),
        range_end: "\0".into(),
        ..etcd::RangeRequest::default()
    }
}

pub(crate) fn values(response: &etcd::RangeResponse) -> Vec<String> {
    let value = |kv: &proto::Encoded<proto::mvcc::KeyValue>| kv.decode().unwrap().value;
    response
        .kvs
        .iter()
        .map(|kv| String::from_utf8(value(kv).to_vec()).unwrap())
        .collect()
}
