//! Leases that nodes renew, as many as the server takes, or as often as that many nodes do it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::task::Tasks;
use bytes::Bytes;
use http::{Method, header};

use super::{Phase, Unit, bulk, clients, closed};
use crate::api::client::{Answer, Ask, Connection, text};
use crate::api::object::{self, Template, Values};
use crate::api::report::Group;
use crate::api::server::Side;
use crate::api::stamp::Clock;
use crate::load::{Client, Done, Plan, Turn};
use crate::rpc::Fault;

/// A kubelet renews its Lease so often.
const PERIOD: Duration = Duration::from_secs(10);
const CONFLICT: u32 = 409;

/// Renewals of so many Leases.
pub(crate) struct Renewals {
    pub(crate) nodes: u64,
    pub(crate) clients: usize,
    pub(crate) duration: Duration,
    /// At the rate of the nodes instead of as fast as it goes.
    pub(crate) paced: bool,
}

#[async_trait]
impl Unit for Renewals {
    fn name(&self) -> String {
        if self.paced {
            format!("heartbeats of {} nodes, one each {PERIOD:?}", self.nodes)
        } else {
            format!("renewals of {} leases, {}", self.nodes, clients(self.clients))
        }
    }

    fn group(&self) -> Group {
        Group::Leases
    }

    async fn run(&self, side: &mut Side, phases: &mut Vec<Phase>) -> anyhow::Result<()> {
        if side.leases < self.nodes {
            bulk::create(side, &object::leases(), side.leases..self.nodes, 1).await?;
            side.leases = self.nodes;
        }
        let plan = Plan {
            rate: self.paced.then(|| self.nodes as f64 / PERIOD.as_secs_f64()),
            ..closed(self.duration)
        };
        let group = side.group();
        let outcome = self.load(side, &plan, &group).await;
        group.shutdown().await;
        phases.push(Phase {
            name: self.name(),
            outcome: outcome?,
        });
        Ok(())
    }
}

impl Renewals {
    async fn load(&self, side: &Side, plan: &Plan, group: &Tasks) -> anyhow::Result<crate::report::Outcome> {
        let clients = (self.clients as u64).clamp(1, self.nodes);
        let dialer = side.dialer(group);
        let json = "application/json";
        let shared = Arc::new(Shared {
            path: object::leases().item,
            body: object::renewal(),
            get: dialer.ask(Method::GET, &[(header::ACCEPT, json)]),
            put: dialer.ask(Method::PUT, &[(header::ACCEPT, json), (header::CONTENT_TYPE, json)]),
            clock: side.clock,
        });
        let kubelets = (0..clients).map(|client| Kubelets {
            shared: Arc::clone(&shared),
            connection: Connection::new(dialer.clone()),
            answer: Answer::default(),
            leases: (client..self.nodes)
                .step_by(clients as usize)
                .map(|number| Lease { number, revision: None })
                .collect(),
            next: 0,
        });
        // All revisions are asked for before anything is measured.
        let asked: Vec<_> = kubelets
            .map(|mut kubelets| {
                group.spawn_value("asking for leases", async move {
                    kubelets.ask_all().await?;
                    Ok::<_, Fault>(kubelets)
                })
            })
            .collect();
        let mut ready = Vec::new();
        for kubelets in asked {
            ready.push(
                kubelets
                    .await
                    .ok_or_else(|| anyhow::anyhow!("a client ended early"))??,
            );
        }
        side.load(plan, "renew", ready, group).await
    }
}

/// What all clients have in common.
struct Shared {
    path: Template,
    body: Template,
    get: Ask,
    put: Ask,
    clock: Clock,
}

struct Lease {
    number: u64,
    /// The one that an update must name; asked for if it is not known.
    revision: Option<u64>,
}

/// One client, which stands for the kubelets of several nodes.
struct Kubelets {
    shared: Arc<Shared>,
    connection: Connection,
    answer: Answer,
    leases: Vec<Lease>,
    next: usize,
}

impl Kubelets {
    async fn ask_all(&mut self) -> Result<(), Fault> {
        for place in 0..self.leases.len() {
            self.ask(place).await?;
        }
        Ok(())
    }

    async fn ask(&mut self, place: usize) -> Result<u64, Fault> {
        let lease = &mut self.leases[place];
        let values = Values {
            number: lease.number,
            ..Values::default()
        };
        let path = self.shared.path.fill(&values);
        let get = &self.shared.get;
        self.connection.call(get, path, Bytes::new(), &mut self.answer).await?;
        let revision = revision(&self.answer)?;
        lease.revision = Some(revision);
        Ok(revision)
    }
}

impl Client for Kubelets {
    async fn step(&mut self, turn: Turn) -> Result<Done, Fault> {
        let place = self.next;
        self.next = (place + 1) % self.leases.len();
        let revision = match self.leases[place].revision {
            Some(revision) => revision,
            None => self.ask(place).await?,
        };
        let lease = &mut self.leases[place];
        let values = Values {
            number: lease.number,
            turn: turn.number,
            nodes: 1,
            stamp: self.shared.clock.stamp(0, turn.due),
            revision,
        };
        let (path, body) = (self.shared.path.fill(&values), self.shared.body.fill(&values));
        let sent = self
            .connection
            .call(&self.shared.put, path, body, &mut self.answer)
            .await;
        if let Err(Fault::Lost(_) | Fault::Status { code: CONFLICT, .. }) = &sent {
            lease.revision = None;
        }
        sent?;
        lease.revision = Some(self::revision(&self.answer)?);
        Ok(Done::default())
    }
}

fn revision(answer: &Answer) -> Result<u64, Fault> {
    text(&answer.head, "resourceVersion")
        .and_then(|revision| revision.parse().ok())
        .ok_or_else(|| Fault::Broken("an object has no resourceVersion that is a number".to_owned()))
}
