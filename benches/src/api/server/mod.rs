//! The servers that are measured: found, started, reached, and their processes watched.
//!
//! Start reading at [`Side`].

mod command;
mod flags;
mod kubeconfig;
mod started;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use base::task::Tasks;
use bytes::Bytes;
use http::{Method, header};
use serde::{Deserialize, Serialize};

pub(crate) use flags::{Endpoint, PeerFlags, ServerFlags};
pub(crate) use started::Started;

use super::client::{Answer, Connection, Dialer};
use super::object;
use super::report::cost;
use super::stamp::Clock;
use crate::load::{Client, Plan, Stage, drive};
use crate::process::{Begun, Meter};
use crate::progress::Progress;
use crate::report::Outcome;
use crate::rpc::Fault;

/// A server that is not ready after this time is given up.
const READY_TIMEOUT: Duration = Duration::from_secs(600);
/// How often a starting server is asked; short, since the time to readiness is measured with it.
const ASK: Duration = Duration::from_millis(10);
/// One question to a starting server may take so long.
const ASK_TIMEOUT: Duration = Duration::from_secs(10);
/// The code of an object that is there already.
const CONFLICT: u32 = 409;
/// The code of what is not there.
const NOT_FOUND: u32 = 404;

/// What reports say about a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    /// What it is called in tables.
    pub(crate) name: String,
    pub(crate) url: String,
    /// `gitVersion` of `/version`.
    pub(crate) version: String,
    /// The command lines that started it and its store, if they were.
    pub(crate) commands: Vec<String>,
}

/// One of the servers that are measured.
pub(crate) struct Side {
    pub(crate) about: About,
    /// The server, if it was started here.
    pub(crate) started: Option<Started>,
    /// Pods that were written to stay.
    pub(crate) pods: u64,
    /// Leases that were.
    pub(crate) leases: u64,
    pub(crate) clock: Clock,
    dialer: Dialer,
    /// Its processes and those of its store.
    server: Meter,
    store: Meter,
    progress: Progress,
    tasks: Tasks,
    runs: u32,
}

/// A measurement of both meters that has begun.
pub(crate) struct Measuring {
    server: Begun,
    store: Begun,
}

impl Side {
    /// Finds the server of `endpoint`, or starts it in `folder`, waits until it is ready, and makes the namespaces that all
    /// is written to.
    ///
    /// # Errors
    /// It cannot be started or reached, or takes no namespace.
    pub(crate) async fn open(
        endpoint: &Endpoint,
        folder: &Path,
        progress: &Progress,
        tasks: &Tasks,
    ) -> anyhow::Result<Self> {
        let mut access = endpoint.access(folder)?;
        let started = match &endpoint.server_command {
            Some(server) => {
                let store = endpoint.store_command.as_deref();
                Some(Started::new(server, store, folder, &mut access).await?)
            }
            None => None,
        };
        let commands = [&endpoint.store_command, &endpoint.server_command];
        let mut side = Self {
            about: About {
                name: endpoint.name.clone(),
                url: access.url.clone(),
                version: String::new(),
                commands: commands.into_iter().flatten().cloned().collect(),
            },
            started,
            pods: 0,
            leases: 0,
            clock: Clock::start(),
            dialer: Dialer::new(&access, tasks)?,
            server: Meter::of(endpoint.server_pids.clone()),
            store: Meter::of(endpoint.store_pids.clone()),
            progress: progress.clone(),
            tasks: tasks.clone(),
            runs: 0,
        };
        if side.started.is_some() {
            side.start().await?;
        }
        side.prepare()
            .await
            .with_context(|| format!("preparing {}", side.about.url))?;
        Ok(side)
    }

    /// Starts the server and waits until it is ready; how long that took.
    ///
    /// # Errors
    /// It was not started here, ended, or does not become ready.
    pub(crate) async fn start(&mut self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        let started = self.started.as_mut().context("the server was not started here")?;
        started.start()?;
        let (server, store) = started.pids();
        (self.server, self.store) = (Meter::of(server), Meter::of(store));
        loop {
            let last = match tokio::time::timeout(ASK_TIMEOUT, self.ask("/readyz")).await {
                Ok(Ok(_)) => return Ok(began.elapsed()),
                Ok(Err(fault)) => fault.to_string(),
                Err(_) => format!("no answer within {ASK_TIMEOUT:?}"),
            };
            self.check_alive()?;
            if began.elapsed() > READY_TIMEOUT {
                bail!("the server is not ready after {READY_TIMEOUT:?}; the last answer was: {last}");
            }
            tokio::time::sleep(ASK).await;
        }
    }

    /// Fails if a process that was started has ended.
    ///
    /// # Errors
    /// One has; with the end of its log.
    pub(crate) fn check_alive(&mut self) -> anyhow::Result<()> {
        self.started.as_mut().map_or(Ok(()), Started::check_alive)
    }

    async fn prepare(&mut self) -> anyhow::Result<()> {
        self.about.version = match self.ask("/version").await {
            Ok(version) => serde_json::from_slice::<serde_json::Value>(&version)
                .ok()
                .and_then(|version| Some(version["gitVersion"].as_str()?.to_owned())),
            // It serves nothing but resources.
            Err(Fault::Status { .. }) => None,
            Err(fault) => return Err(fault.into()),
        }
        .unwrap_or_else(|| "unknown version".to_owned());
        for namespace in object::namespaces() {
            self.create("/api/v1/namespaces", object::namespace(&namespace)).await?;
            let accounts = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
            self.create(&accounts, object::service_account(&namespace)).await?;
        }
        if self.started.is_none() {
            // What an interrupted run has left would be in the way of what is created.
            for collection in object::passing() {
                let path = format!("{collection}?gracePeriodSeconds=0");
                self.send(Method::DELETE, &path, String::new(), NOT_FOUND).await?;
            }
        }
        Ok(())
    }

    /// Creates an object that may be there already.
    async fn create(&self, collection: &str, body: String) -> anyhow::Result<()> {
        self.send(Method::POST, collection, body, CONFLICT).await
    }

    /// Sends one request, which may be answered with one code that is an error.
    async fn send(&self, method: Method, path: &str, body: String, accepts: u32) -> anyhow::Result<()> {
        let what = format!("{method} {path}");
        let ask = self.dialer.ask(method, &[(header::CONTENT_TYPE, "application/json")]);
        let mut connection = Connection::new(self.dialer.clone());
        let path = Bytes::copy_from_slice(path.as_bytes());
        match connection.call(&ask, path, body.into(), &mut Answer::default()).await {
            Err(Fault::Status { code, .. }) if code == accepts => Ok(()),
            outcome => outcome.context(what),
        }
    }

    /// The first bytes of what stands at a path.
    ///
    /// # Errors
    /// The server's error, or no connection.
    pub(crate) async fn ask(&self, path: &str) -> Result<Vec<u8>, Fault> {
        let mut answer = Answer::default();
        let ask = self.dialer.ask(Method::GET, &[(header::ACCEPT, "application/json")]);
        let mut connection = Connection::new(self.dialer.clone());
        let path = Bytes::copy_from_slice(path.as_bytes());
        connection.call(&ask, path, Bytes::new(), &mut answer).await?;
        Ok(answer.head)
    }

    /// A number that no earlier run had, for the stamps of what it writes.
    pub(crate) fn next_run(&mut self) -> u32 {
        self.runs += 1;
        self.runs
    }

    /// Tasks of one run, which the caller ends.
    pub(crate) fn group(&self) -> Tasks {
        self.tasks.child()
    }

    /// Opens connections that live in `group`.
    pub(crate) fn dialer(&self, group: &Tasks) -> Dialer {
        self.dialer.among(group)
    }

    /// Begins to measure the processes.
    pub(crate) fn measure(&self) -> Measuring {
        Measuring {
            server: self.server.begin(),
            store: self.store.begin(),
        }
    }

    /// Memory of the server now.
    pub(crate) fn rss_bytes(&self) -> u64 {
        self.server.rss_bytes()
    }

    /// Runs clients until the plan ends, and the tasks of `group` with them.
    ///
    /// # Errors
    /// Nothing was answered for a minute.
    pub(crate) async fn load<C: Client>(
        &self,
        plan: &Plan,
        class: &str,
        clients: Vec<C>,
        group: &Tasks,
    ) -> anyhow::Result<Outcome> {
        let stage = Stage {
            tasks: group.clone(),
            meter: self.server.clone(),
            progress: self.progress.clone(),
        };
        let measuring = self.measure();
        let loaded = drive(&stage, plan, 1, clients).await?;
        let mut outcome = Outcome::of(loaded, plan, &[class]);
        measuring.end(&mut outcome);
        // What a report of many phases has no room for.
        outcome.series.clear();
        Ok(outcome)
    }
}

impl Measuring {
    /// Goes on with the processes of a server that was started after the measurement had begun.
    pub(crate) fn restarted(self, side: &Side) -> Self {
        Self {
            server: self.server.restarted(&side.server),
            store: self.store,
        }
    }

    /// Ends, and sets what the processes used.
    pub(crate) fn end(self, outcome: &mut Outcome) {
        let store = self.store.end();
        outcome.used = self.server.end();
        cost::set(outcome, &store);
    }
}
