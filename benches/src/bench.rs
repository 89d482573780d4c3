//! What a workload works with: connections, keys and values, the servers' processes, a progress bar.

use anyhow::{Context, bail};
use base::task::Tasks;
use bytes::Bytes;
use proto::etcd::StatusRequest;
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::load::{Keys, Plan, Stage, Values};
use crate::options::Options;
use crate::process::{Cluster, Meter};
use crate::progress::Progress;
use crate::rpc::{Dialer, Fault, Fields, Link, Method, Visit, frame};

/// An open benchmark.
pub(crate) struct Bench {
    pub(crate) options: Options,
    pub(crate) plan: Plan,
    pub(crate) keys: Keys,
    pub(crate) values: Values,
    pub(crate) meter: Meter,
    pub(crate) progress: Progress,
    pub(crate) tasks: Tasks,
    /// The servers, if they were started here.
    pub(crate) cluster: Option<Cluster>,
    /// Connections by endpoint.
    links: Vec<Vec<Link>>,
}

/// The servers that are measured.
pub(crate) enum Servers {
    /// They run, as these processes if that is known.
    Running(Vec<u32>),
    /// They were started here.
    Started(Cluster),
}

/// A client's way to the servers: one connection to each, taken in turn as etcd's own client does.
pub(crate) struct Caller {
    links: Vec<Link>,
    at: usize,
    /// The client's own randomness.
    pub(crate) random: StdRng,
}

impl Caller {
    /// Sends one ready frame to the server whose turn it is.
    ///
    /// # Errors
    /// The server's error, or a broken connection.
    pub(crate) async fn call(&mut self, method: Method, frame: Bytes, visit: &mut impl Visit) -> Result<(), Fault> {
        self.link().call(method, frame, visit).await
    }

    /// The connection to the server whose turn it is.
    pub(crate) fn link(&mut self) -> &mut Link {
        self.at = (self.at + 1) % self.links.len();
        &mut self.links[self.at]
    }
}

impl Bench {
    /// Connects to the endpoints of `options`.
    ///
    /// # Errors
    /// One of them cannot be reached.
    pub(crate) async fn open(
        options: &Options,
        servers: Servers,
        progress: &Progress,
        tasks: &Tasks,
    ) -> anyhow::Result<Self> {
        let dialer = Dialer::new(&options.security(), tasks)?;
        let endpoints = if options.leader {
            vec![leader(&dialer, &options.endpoints).await?]
        } else {
            options.endpoints.clone()
        };
        let mut links = Vec::new();
        for endpoint in &endpoints {
            let mut connections = Vec::new();
            for _ in 0..options.connections_each(endpoints.len()) {
                connections.push(dialer.dial(endpoint).await?);
            }
            links.push(connections);
        }
        if links.is_empty() {
            bail!("give at least one endpoint");
        }
        Ok(Self {
            links,
            ..Self::without_links(options, servers, progress, tasks)
        })
    }

    fn without_links(options: &Options, servers: Servers, progress: &Progress, tasks: &Tasks) -> Self {
        let (meter, cluster) = match servers {
            Servers::Running(pids) => (Meter::of(pids), None),
            Servers::Started(cluster) => (cluster.meter(), Some(cluster)),
        };
        Self {
            plan: options.plan(),
            keys: options.key_space(),
            values: options.value_source(),
            options: options.clone(),
            meter,
            cluster,
            progress: progress.clone(),
            tasks: tasks.clone(),
            links: Vec::new(),
        }
    }

    /// A benchmark that talks to nobody.
    #[cfg(test)]
    pub(crate) fn unconnected() -> Self {
        Self::without_links(
            &Options::default(),
            Servers::Running(Vec::new()),
            &Progress::hidden(),
            &Tasks::new(),
        )
    }

    /// What its loads run on.
    pub(crate) fn stage(&self) -> Stage {
        Stage {
            tasks: self.tasks.clone(),
            meter: self.meter.clone(),
            progress: self.progress.clone(),
        }
    }

    /// The way of client `number`. Clients are spread over the connections, and begin at different servers.
    pub(crate) fn caller(&self, number: usize) -> Caller {
        let share = number / self.links.len();
        let links = self.links.iter().map(|links| links[share % links.len()].clone());
        Caller {
            links: links.collect(),
            at: number % self.links.len(),
            random: StdRng::seed_from_u64(self.options.seed.wrapping_add(number as u64 + 1)),
        }
    }

    /// The ways of all clients that were asked for.
    pub(crate) fn callers(&self) -> impl Iterator<Item = Caller> + '_ {
        (0..self.options.clients.max(1)).map(|number| self.caller(number))
    }
}

/// What a member says about itself.
#[derive(Default)]
struct Status {
    own: u64,
    leader: u64,
}

impl Visit for Status {
    fn number(&mut self, field: u32, value: u64) {
        if field == 4 {
            self.leader = value;
        }
    }

    fn bytes(&mut self, field: u32, _: u64, head: &[u8]) {
        if field == 1 {
            self.own = Fields::of(head).number(2);
        }
    }
}

async fn leader(dialer: &Dialer, endpoints: &[String]) -> anyhow::Result<String> {
    for endpoint in endpoints {
        let mut status = Status::default();
        let mut link = dialer.dial(endpoint).await?;
        link.call(Method::Status, frame(&StatusRequest {}), &mut status)
            .await
            .with_context(|| format!("asking {endpoint} for its status"))?;
        if status.own == status.leader {
            return Ok(endpoint.clone());
        }
    }
    bail!("none of the endpoints leads")
}
