//! A cluster of one program: its members, their folder, and how clients reach them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use base::task::Tasks;
use proto::etcd::RangeRequest;

use super::member::Member;
use super::{Meter, Program, free_ports};
use crate::rpc::{Dialer, Ignore, Link, Method, Security, frame};

/// A cluster that does not serve after this time is given up.
const START_TIMEOUT: Duration = Duration::from_secs(600);
/// How often a starting member is asked; short, since the time to serving is measured with it.
const ASK: Duration = Duration::from_millis(5);
/// One question to a starting member may take so long.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);
/// Both programs may grow to this, so that no benchmark ends at etcd's usual 2 GiB.
const QUOTA_BYTES: u64 = 32 << 30;

/// How a cluster is to be.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) program: Program,
    pub(crate) members: usize,
    /// Flags for all members beyond those that put the cluster together.
    pub(crate) flags: Vec<String>,
}

/// A cluster in a folder. Its processes are gone when it is dropped; the folder stays.
pub(crate) struct Cluster {
    program: Program,
    members: Vec<Member>,
    tasks: Tasks,
}

impl Cluster {
    /// The cluster in `folder`, which may have its data already; nothing is started.
    pub(crate) fn new(setup: &Setup, folder: &Path, tasks: &Tasks) -> Self {
        let ports = free_ports(2 * setup.members);
        let mut members: Vec<Member> = (0..setup.members)
            .map(|n| member(n, ports[2 * n], ports[2 * n + 1], folder))
            .collect();
        let all: Vec<String> = members
            .iter()
            .map(|member| format!("{}={}", member.name, member.peer_url))
            .collect();
        for member in &mut members {
            member.flags.push(format!("--initial-cluster={}", all.join(",")));
            member.flags.extend(setup.flags.iter().cloned());
        }
        Self {
            program: setup.program.clone(),
            members,
            tasks: tasks.clone(),
        }
    }

    /// Starts all members and waits until each serves linearizable reads; how long that took.
    ///
    /// # Errors
    /// A member ended, or does not serve.
    pub(crate) async fn start(&mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        for member in &mut self.members {
            member.start(&self.program)?;
        }
        for member in &mut self.members {
            wait_serving(member, &self.tasks, began)
                .await
                .with_context(|| format!("starting {}", self.program.version))?;
        }
        Ok(began.elapsed())
    }

    /// Asks all members to end and waits for that.
    ///
    /// # Errors
    /// One cannot be waited for.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        for member in &mut self.members {
            member.stop().await?;
        }
        Ok(())
    }

    /// Ends all members at once, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.members.iter_mut().for_each(Member::kill);
    }

    /// One client URL a member.
    pub(crate) fn endpoints(&self) -> Vec<String> {
        self.members.iter().map(|member| member.client_url.clone()).collect()
    }

    /// Measures its processes.
    pub(crate) fn meter(&self) -> Meter {
        Meter::of(self.members.iter().filter_map(Member::pid).collect())
    }

    /// The data folders of its members.
    pub(crate) fn data(&self) -> Vec<PathBuf> {
        self.members.iter().map(|member| member.data.clone()).collect()
    }

    /// Fails if a member has ended.
    ///
    /// # Errors
    /// One has; with the end of its log.
    pub(crate) fn check_alive(&mut self) -> anyhow::Result<()> {
        self.members.iter_mut().try_for_each(Member::check_alive)
    }
}

fn member(n: usize, client_port: u16, peer_port: u16, folder: &Path) -> Member {
    let name = format!("m{n}");
    let client_url = format!("http://127.0.0.1:{client_port}");
    let peer_url = format!("http://127.0.0.1:{peer_port}");
    let data = folder.join(&name);
    let flags = [
        ("name", name.clone()),
        ("data-dir", data.display().to_string()),
        ("listen-client-urls", client_url.clone()),
        ("advertise-client-urls", client_url.clone()),
        ("listen-peer-urls", peer_url.clone()),
        ("initial-advertise-peer-urls", peer_url.clone()),
        ("initial-cluster-state", "new".to_owned()),
        ("quota-backend-bytes", QUOTA_BYTES.to_string()),
        ("log-level", "error".to_owned()),
    ];
    Member {
        log: folder.join(format!("{name}.log")),
        flags: flags.iter().map(|(flag, value)| format!("--{flag}={value}")).collect(),
        name,
        client_url,
        peer_url,
        data,
        process: None,
    }
}

async fn wait_serving(member: &mut Member, tasks: &Tasks, began: Instant) -> anyhow::Result<()> {
    let dialer = Dialer::new(&Security::default(), tasks)?;
    while !serves(&dialer, &member.client_url).await {
        member.check_alive()?;
        if began.elapsed() > START_TIMEOUT {
            bail!("{} does not serve after {START_TIMEOUT:?}", member.name);
        }
        tokio::time::sleep(ASK).await;
    }
    Ok(())
}

async fn serves(dialer: &Dialer, endpoint: &str) -> bool {
    let ask = async {
        let mut link: Link = dialer.dial(endpoint).await?;
        let range = RangeRequest {
            key: "health".into(),
            ..RangeRequest::default()
        };
        link.call(Method::Range, frame(&range), &mut Ignore).await?;
        anyhow::Ok(())
    };
    matches!(tokio::time::timeout(ASK_TIMEOUT, ask).await, Ok(Ok(())))
}
