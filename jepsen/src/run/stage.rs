//! A run from its first member to its last hash.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use base::task::Tasks;
use jepsen_check::history::{Call, Get, Reply};
use tokio::time::Instant;

use super::chronicle::{Accomplice, Chronicle};
use super::facts::{Facts, Tried};
use super::folder::Folder;
use super::load::{Actor, Load, leave};
use super::order::Order;
use super::spell::Spell;
use crate::client::{Client, Members, Place, Route};
use crate::cluster::{Cluster, Program, Setup, Storage};
use crate::disk::Contents;
use crate::judge::Judge;
use crate::nemesis::{self, Plan, State};
use crate::recorder::Recorder;
use crate::workload::{Audited, Outline, Workload, auditor, insist};

/// Nodes without a member, for members that come and go.
const SPARES: usize = 1;
/// Patience of what is asked before and after the faults.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks at how much was answered.
const LOOK: Duration = Duration::from_millis(200);
/// A part of a run with too little in it is prolonged to so many times its length.
const PROLONGED: u32 = 3;
/// Of so many clients all but one always ask the same member.
const ROAM: usize = 4;
/// So often are members asked for hashes until all are of one history.
const HASHES: usize = 10;
/// What is read to learn the store's revision; nobody writes it.
const NOTHING: &str = "nothing";

/// What a run is played with.
pub(super) struct Stage<'a> {
    pub(super) order: &'a Order,
    pub(super) folder: &'a Folder,
    pub(super) recorder: &'a Arc<Recorder>,
    pub(super) facts: &'a mut Facts,
    /// What the members' disks hold in the end, by the members' names.
    pub(super) disks: &'a mut Vec<(String, Contents)>,
    pub(super) tasks: &'a Tasks,
}

/// Everybody who takes part, before they begin.
struct Cast {
    players: Vec<Actor>,
    auditors: Vec<Actor>,
    /// Prepares and ends the run.
    director: Client,
    /// The number of the accomplice.
    accomplice: u64,
    width: u64,
}

impl Stage<'_> {
    /// Plays the run. What the store fails to do, and what shows too little, stands in the facts afterwards.
    ///
    /// # Errors
    /// This program failed; the run proves nothing.
    pub(super) async fn play(mut self, program: Program) -> anyhow::Result<()> {
        let kinds = &self.order.nemesis.kinds;
        let setup = Setup {
            program,
            members: self.order.members,
            spares: SPARES,
            storage: if kinds.iter().any(|kind| kind.needs_disk()) {
                Storage::Disk
            } else {
                Storage::Folder
            },
            clocks: kinds.iter().any(|kind| kind.needs_clocks()),
            flags: self.order.flags.clone(),
            folder: self.folder.path().to_owned(),
            seed: self.order.root().part("cluster", 0).number(),
        };
        let cluster = Cluster::start(setup, self.tasks)
            .await
            .context("the cluster did not start")?;
        let played = self.act(&cluster).await;
        let incidents = cluster.incidents();
        self.facts.incidents = incidents
            .iter()
            .map(|one| format!("{}: {}", one.node, one.text))
            .collect();
        cluster.stop().await;
        let disk = |node| Some((cluster.name(node), cluster.disk(node)?.contents()));
        let nodes = self.order.members + SPARES;
        *self.disks = (0..nodes).filter_map(disk).collect();
        played
    }

    async fn act(&mut self, cluster: &Arc<Cluster>) -> anyhow::Result<()> {
        let workload = self.order.workload.workload();
        let least = workload.least(self.order.rate);
        let floor = self.order.floor(least, &Spell::default());
        let mut cast = self.cast(&*workload, cluster)?;
        self.facts.width = cast.width;
        let (interval, seed) = (self.order.interval(), self.order.root());
        let auditors = Load::start(cast.auditors, interval, seed.part("auditors", 0), self.tasks);
        let prepared = workload.prepare(&mut cast.director).await;
        prepared.map_err(|mishap| anyhow::anyhow!("the run could not be prepared: {}", mishap.text()))?;
        let load = Load::start(cast.players, interval, seed.part("players", 0), self.tasks);
        let parts = self.order.parts();
        self.calm("before", parts.before, floor.map_or(0, |floor| floor.before))
            .await;
        if self.order.nemesis.kinds.is_empty() {
            tokio::time::sleep(parts.during).await;
        } else {
            let chronicle = Chronicle::new(self.order, Arc::clone(self.recorder), least);
            let accomplice = Accomplice::new(Arc::clone(self.recorder), cast.accomplice, cast.width);
            cluster.tell_compactions(move |revision| accomplice.compacts(revision));
            let spell = self.storm(cluster, parts.during, chronicle).await;
            self.facts.floor = self.order.floor(least, &spell);
            self.recover(cluster, &spell).await;
        }
        self.calm("after", parts.after, floor.map_or(0, |floor| floor.after))
            .await;
        if floor.is_none() {
            self.check_answered(least.calm);
        }
        let players = load.stop().await?;
        self.end(cluster, &*workload, cast.director, players, auditors).await
    }

    /// Gives everybody a client. Most ask one member only, so that each member is asked whatever happens to it.
    fn cast(&self, workload: &dyn Workload, cluster: &Arc<Cluster>) -> anyhow::Result<Cast> {
        let seed = self.order.root();
        let members = self.order.members;
        let is_audited = workload.judges().contains(&Judge::Replay);
        let auditors = if is_audited { members } else { 0 };
        let audited = Audited::new(auditors);
        let outline = Outline {
            seed,
            clients: self.order.clients,
            audited: audited.clone(),
        };
        let players = workload.players(&outline);
        let width = players.len() + auditors + 2;
        let recorder = Arc::clone(self.recorder);
        let known: Arc<dyn Members> = Arc::clone(cluster) as Arc<dyn Members>;
        let place = Place::new(recorder, known, members + SPARES, width)?;
        let count = players.len();
        let players = players.into_iter().enumerate().map(|(number, player)| {
            let route = if number % ROAM == ROAM - 1 {
                Route::Roaming
            } else {
                Route::Pinned(number % members)
            };
            Actor {
                player,
                client: Client::new(&place, number, route, seed),
            }
        });
        let auditors = (0..auditors).map(|number| Actor {
            player: Box::new(auditor(number, &audited, seed)),
            client: Client::new(&place, count + number, Route::Pinned(number), seed),
        });
        Ok(Cast {
            players: players.collect(),
            auditors: auditors.collect(),
            director: Client::new(&place, width - 1, Route::Roaming, seed).patient(PATIENCE),
            accomplice: width as u64 - 2,
            width: width as u64,
        })
    }

    /// Lets the load go on for a while, longer if too little is answered.
    async fn calm(&self, name: &str, time: Duration, least: usize) {
        tracing::info!(
            part = name,
            seconds = time.as_secs_f64(),
            "the load goes on without faults"
        );
        let (first, began) = (self.recorder.answered(), Instant::now());
        tokio::time::sleep(time).await;
        while self.recorder.answered() - first < least as u64 && began.elapsed() < time * PROLONGED {
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn storm(&mut self, cluster: &Arc<Cluster>, time: Duration, mut chronicle: Chronicle<'_>) -> Spell {
        let plan = Plan {
            kinds: self.order.nemesis.kinds.clone(),
            // Each workload meets faults of its own.
            seed: self.order.root().part("nemesis", self.order.workload as u64).number(),
            rest: self.order.rest,
            hold: self.order.hold,
            least: self.order.nemesis.least,
            together: self.order.nemesis.together,
        };
        tracing::info!(
            nemesis = self.order.nemesis.text(),
            seconds = time.as_secs_f64(),
            "faults begin"
        );
        let report = nemesis::storm(cluster, &plan, time, time * PROLONGED, &mut chronicle).await;
        self.facts.faults = report
            .faults
            .iter()
            .map(|done| Tried {
                name: done.name.to_owned(),
                state: match done.state {
                    State::Installed => "installed",
                    State::Skipped => "skipped",
                    State::Indeterminate => "indeterminate",
                }
                .to_owned(),
                detail: done.detail.clone(),
                seen: done.seen,
                evidence: done.evidence.clone(),
            })
            .collect();
        self.facts.troubles.extend(report.problems());
        chronicle.spell
    }

    /// The faults are over: every member must serve soon. The storm itself has rested and looked after members before
    /// it ended, so the time is counted from the end of its last fault.
    async fn recover(&mut self, cluster: &Cluster, spell: &Spell) {
        let settle = self.order.settle;
        let healthy = cluster.wait_healthy(&cluster.nodes(), settle).await;
        let took = spell.ended().map_or(Duration::ZERO, |ended| ended.elapsed());
        let took = took.saturating_sub(self.order.rest);
        self.facts.recovered_ms = Some(took.as_millis() as u64);
        if let Err(error) = healthy {
            let failure = format!("recovery: not every member served {took:?} after the faults: {error:#}");
            self.facts.failures.push(failure);
        } else if took > settle {
            let failure = format!("recovery: it took {took:?} after the faults, {settle:?} are allowed");
            self.facts.failures.push(failure);
        }
    }

    /// Without faults there are no parts; but something must have been answered.
    fn check_answered(&mut self, least: f64) {
        let least = (least * self.order.time.as_secs_f64()).ceil().max(1.0) as u64;
        let answered = self.recorder.answered();
        if answered < least {
            let trouble = format!("only {answered} calls were answered, {least} are asked for");
            self.facts.troubles.push(trouble);
        }
    }

    /// The load is over: last reads, last words of those who watch, and the hashes of all members.
    async fn end(
        &mut self,
        cluster: &Cluster,
        workload: &dyn Workload,
        mut director: Client,
        players: Vec<Actor>,
        auditors: Load,
    ) -> anyhow::Result<()> {
        let (ok, failed, unknown) = self.recorder.outcomes();
        tracing::info!(ok, failed, unknown, "the load is over, the last reads begin");
        if let Err(mishap) = workload.finish(&mut director).await {
            let failure = format!("last reads: they were not answered after the faults: {}", mishap.text());
            self.facts.failures.push(failure);
        }
        let through = self.revision(&mut director).await;
        self.dismiss(players, through).await?;
        let settle = self.order.settle;
        if let Err(error) = cluster.converged(settle).await {
            let failure = format!("convergence: members did not agree within {settle:?} after the load: {error:#}");
            self.facts.failures.push(failure);
        }
        // Those who leave may have written, and leases end at any time.
        let through = self.revision(&mut director).await;
        self.dismiss(auditors.stop().await?, through).await?;
        self.hash(cluster, &mut director, through).await;
        Ok(())
    }

    /// Lets players leave, when the store's revision is this.
    async fn dismiss(&mut self, players: Vec<Actor>, through: i64) -> anyhow::Result<()> {
        let failures = leave(players, through, self.tasks).await?;
        let failures = failures.into_iter().map(|text| format!("last words: {text}"));
        self.facts.failures.extend(failures);
        Ok(())
    }

    /// The store's revision now.
    async fn revision(&mut self, director: &mut Client) -> i64 {
        let get = Get {
            key: NOTHING.to_owned(),
            ..Get::default()
        };
        match insist(director, &Call::Get(get)).await {
            Ok(answer) => answer.revision.unwrap_or(0),
            Err(mishap) => {
                let failure = format!("last reads: the revision was not told: {}", mishap.text());
                self.facts.failures.push(failure);
                self.recorder.revision()
            }
        }
    }

    /// Asks all members for the hash of one revision, until all tell it of the same history.
    async fn hash(&mut self, cluster: &Cluster, director: &mut Client, revision: i64) {
        for _ in 0..HASHES {
            let mut compacted = Vec::new();
            let nodes = cluster.nodes();
            for node in &nodes {
                director.pin(*node);
                if let Ok(answer) = director.call(Call::Hash { revision }).await
                    && let Reply::Hash { compact_revision, .. } = answer.reply
                {
                    compacted.push(compact_revision);
                }
            }
            let all_alike = compacted.windows(2).all(|pair| pair[0] == pair[1]);
            if compacted.len() == nodes.len() && all_alike {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        let trouble = format!("not every member told the hash of revision {revision} over the same history");
        self.facts.troubles.push(trouble);
    }
}
