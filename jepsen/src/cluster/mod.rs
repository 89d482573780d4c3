//! A real cluster: members as processes of the released program, each on a node of the network, and what can be done to
//! them from outside.
//!
//! Members are killed by their process ids, never by name, and none outlives this program: each asks the kernel to be
//! killed with the thread that started it, whatever state it is in. Whether a member works is asked over its own ports,
//! which faults between members do not touch.
//!
//! Start reading at [`Cluster`], then `member` (one process), `membership`, `logs`.

mod clock;
mod damage;
mod flags;
mod health;
mod http;
mod logs;
mod means;
mod member;
mod membership;
mod program;
mod upkeep;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, ensure};
use base::task::Tasks;
use parking_lot::Mutex;
use store_client::{Client, Options};

use crate::disk::Disk;
use crate::net::Net;
use crate::seed::Seed;

pub(crate) use damage::Damage;
pub(crate) use logs::Incident;
pub(crate) use means::Means;
use member::Member;
pub(crate) use program::{Product, Program};

/// A cluster that is started serves after this, on a busy machine too.
const START: Duration = Duration::from_secs(60);

/// Where members keep their data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    /// In a folder of the real disk.
    Folder,
    /// On a disk with faults; see [`crate::disk`].
    Disk,
}

/// How a cluster is to be.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// What its members run.
    pub(crate) program: Program,
    /// How many there are at the start.
    pub(crate) members: usize,
    /// Nodes without a member, for those that are added later.
    pub(crate) spares: usize,
    /// Where their data are.
    pub(crate) storage: Storage,
    /// Whether the clocks of members can be set, which needs libfaketime.
    pub(crate) clocks: bool,
    /// Flags for all members, beyond those that put the cluster together.
    pub(crate) flags: Vec<String>,
    /// Where logs and data go; it must be there.
    pub(crate) folder: PathBuf,
    /// From which everything random in the network follows.
    pub(crate) seed: u64,
}

/// A running cluster. Its processes, disks and network are gone when it is dropped; logs and the data in folders stay.
pub(crate) struct Cluster {
    setup: Setup,
    tasks: Tasks,
    /// One a node, with or without a member.
    members: Vec<Mutex<Member>>,
    /// One a node.
    clients: Vec<Client>,
    /// Knows all members.
    admin: Client,
    /// Who is told of compactions.
    compactions: OnceLock<upkeep::Hears>,
    // Dropped in this order, after the processes: nobody is left on a disk, and no disk needs the network.
    disks: Vec<Option<Disk>>,
    net: Net,
}

impl Cluster {
    /// Starts a cluster and waits until each of its members serves.
    ///
    /// # Errors
    /// Something that is needed is missing, or a member does not start; its log says why.
    pub(crate) async fn start(setup: Setup, tasks: &Tasks) -> anyhow::Result<Arc<Self>> {
        ensure!(setup.members > 0, "a cluster has members");
        let faketime = if setup.clocks { Some(clock::library()?) } else { None };
        let nodes = setup.members + setup.spares;
        let net = Net::new(nodes, Seed::new(setup.seed).part("net", 0).number())?;
        let tasks = tasks.child();
        let mut members = Vec::new();
        let mut disks = Vec::new();
        for node in 0..nodes {
            let member = Member::new(&setup, node, faketime.clone());
            std::fs::create_dir_all(&member.folder)
                .with_context(|| format!("cannot make {}", member.folder.display()))?;
            disks.push(match setup.storage {
                Storage::Folder => None,
                // Of etcd only what Linux's own file systems promise is asked.
                Storage::Disk => Some(Disk::mount(&member.folder, setup.program.product == Product::Keelson)?),
            });
            members.push(Mutex::new(member));
        }
        let client = |node: usize| Client::new(patient(&[flags::client_url(node)]), &tasks);
        let cluster = Arc::new(Self {
            clients: (0..nodes).map(client).collect::<Result<_, _>>()?,
            admin: Client::new(
                patient(&(0..setup.members).map(flags::client_url).collect::<Vec<_>>()),
                &tasks,
            )?,
            compactions: OnceLock::new(),
            setup,
            tasks,
            members,
            disks,
            net,
        });
        let first: Vec<usize> = (0..cluster.setup.members).collect();
        for node in &first {
            cluster.members[*node].lock().found(&first);
            cluster.start_member(*node)?;
        }
        cluster.wait_healthy(&first, START).await?;
        Ok(cluster)
    }

    /// The nodes that hold a member now, whether or not it runs.
    pub(crate) fn nodes(&self) -> Vec<usize> {
        self.nodes_where(|member| member.takes_part)
    }

    /// The nodes that could hold one more.
    pub(crate) fn spare_nodes(&self) -> Vec<usize> {
        self.nodes_where(|member| !member.takes_part)
    }

    fn nodes_where(&self, is: impl Fn(&Member) -> bool) -> Vec<usize> {
        let all = self.members.iter().enumerate();
        all.filter(|(_, member)| is(&member.lock()))
            .map(|(node, _)| node)
            .collect()
    }

    /// The name of a node and of the member on it.
    pub(crate) fn name(&self, node: usize) -> String {
        self.members[node].lock().name.clone()
    }

    /// Names of nodes, in one text.
    pub(crate) fn names(&self, nodes: &[usize]) -> String {
        let names: Vec<String> = nodes.iter().map(|node| self.name(*node)).collect();
        names.join(", ")
    }

    /// Where clients reach the member on a node.
    pub(crate) fn endpoint(&self, node: usize) -> String {
        self.members[node].lock().client_url.clone()
    }

    /// Where clients reach the members.
    pub(crate) fn endpoints(&self) -> Vec<String> {
        self.nodes().into_iter().map(|node| self.endpoint(node)).collect()
    }

    /// The network between the members.
    pub(crate) const fn net(&self) -> &Net {
        &self.net
    }

    /// The disk of a node, if the run has disks.
    pub(crate) fn disk(&self, node: usize) -> Option<&Disk> {
        self.disks[node].as_ref()
    }

    /// Starts the member of a node; nothing happens if it runs.
    ///
    /// # Errors
    /// The program cannot be started.
    pub(crate) fn start_member(&self, node: usize) -> anyhow::Result<()> {
        let mut member = self.members[node].lock();
        member.start(&self.setup.program, |command| self.net.spawn(node, command))
    }

    /// Ends the member of a node at once and waits until it is gone; nothing happens if it does not run.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub(crate) fn kill(&self, node: usize) -> anyhow::Result<()> {
        self.members[node].lock().kill()
    }

    /// Stops the process of a node where it is.
    ///
    /// # Errors
    /// It does not run.
    pub(crate) fn freeze(&self, node: usize) -> anyhow::Result<()> {
        self.members[node].lock().freeze()
    }

    /// Lets it go on; nothing happens if it is not stopped.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn thaw(&self, node: usize) -> anyhow::Result<()> {
        self.members[node].lock().thaw()
    }

    /// Whether the process of a node is there, stopped or not.
    pub(crate) fn is_running(&self, node: usize) -> bool {
        self.members[node].lock().is_running()
    }

    /// How the last process of a node ended, if none runs now.
    pub(crate) fn last_end(&self, node: usize) -> Option<String> {
        self.members[node].lock().last_end()
    }

    /// Whether the kernel says that the process of a node is stopped.
    pub(crate) fn is_frozen(&self, node: usize) -> bool {
        self.members[node].lock().is_frozen()
    }

    /// What a member does while it is excused is the fault's doing: neither what it logs nor that it ends is an
    /// incident. Each excuse must be taken back.
    pub(crate) fn excuse(&self, node: usize, excused: bool) {
        self.members[node].lock().excuse(excused);
    }

    /// Panics, fatal lines and ends of members that nothing excuses, so far.
    pub(crate) fn incidents(&self) -> Vec<Incident> {
        self.members
            .iter()
            .flat_map(|member| member.lock().incidents())
            .collect()
    }

    /// Damages a file of a member that does not run; what was done, in words.
    ///
    /// # Errors
    /// It runs, or has no file to damage.
    pub(crate) fn damage(&self, node: usize, damage: Damage, seed: u64) -> anyhow::Result<String> {
        let mut member = self.members[node].lock();
        ensure!(!member.is_running(), "{} runs", member.name);
        damage::damage(&member.data, damage, &mut Seed::new(seed).part("damage", 0).rng())
    }

    /// Whether the clocks of members can be set.
    pub(crate) const fn has_clocks(&self) -> bool {
        self.setup.clocks
    }

    /// Sets the clocks of the members on a node off by so many seconds.
    ///
    /// # Errors
    /// The run has no clocks that can be set.
    pub(crate) fn set_clock(&self, node: usize, offset_seconds: i64) -> anyhow::Result<()> {
        let member = self.members[node].lock();
        ensure!(self.has_clocks(), "this run has no clocks that can be set");
        clock::set(&member.clock, offset_seconds)
    }

    /// How far the clock of a member is from this program's, in seconds, as its answers tell; `None`: it does not
    /// answer.
    pub(crate) async fn clock_offset(&self, node: usize) -> Option<i64> {
        // A page that no other member has a say in: under other faults there may be no majority.
        let page = http::get(flags::metrics_address(node), "/version").await.ok()?;
        clock::offset(page.date.as_deref()?)
    }

    /// Lets everything that stands still go on, without waiting for anything: for when nobody else does any more.
    pub(crate) fn rescue(&self) {
        // Disks first: whoever waits for one may hold what the rest needs.
        self.disks.iter().flatten().for_each(Disk::heal);
        for (node, member) in self.members.iter().enumerate() {
            if let Err(error) = member.lock().thaw() {
                tracing::error!(node, %error, "a stopped process stays stopped");
            }
        }
        self.net.clear_weather();
        if let Err(error) = self.net.heal() {
            tracing::error!(%error, "the network stays cut");
        }
    }

    /// Ends all members and the cluster's own clients.
    pub(crate) async fn stop(&self) {
        self.end_processes();
        self.tasks.shutdown().await;
    }

    fn end_processes(&self) {
        self.disks.iter().flatten().for_each(Disk::heal);
        for member in &self.members {
            let mut member = member.lock();
            member.excuse(true);
            if let Err(error) = member.kill() {
                tracing::error!(member = member.name, %error, "a process stays");
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end_processes();
        self.tasks.cancel();
    }
}

/// Options of a client that gives up soon: whoever asks while there are faults asks again.
fn patient(endpoints: &[String]) -> Options {
    Options {
        dial_timeout: Duration::from_millis(500),
        // Members are told to allow it, see `flags`.
        keepalive_interval: Duration::from_secs(2),
        keepalive_timeout: Duration::from_secs(2),
        retry_for: Duration::from_secs(2),
        ..Options::new(endpoints.iter().cloned())
    }
}
