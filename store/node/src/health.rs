//! Health as upstream's `/health`, `/livez` and `/readyz` tell it; the transport does only the HTTP.

use std::fmt::Write;

use proto::etcd::{AlarmType, RangeRequest};
use proto::fault::Fault;

use crate::Member;
use crate::caller::Who;
use crate::error::{Error, Result};

/// What `/health` is asked.
#[derive(Clone, Debug, Default)]
pub struct HealthQuery {
    /// Names of alarms that do not count (`?exclude=NOSPACE`).
    pub exclude: Vec<String>,
    /// Ask only this member, not the cluster (`?serializable=true`).
    pub serializable: bool,
}

/// What `/health` answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// All is well.
    pub ok: bool,
    /// What is wrong, "" if nothing is.
    pub reason: String,
}

/// Which probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// `/livez`: should the process be restarted.
    Live,
    /// `/readyz`: may it be given traffic.
    Ready,
}

/// One check of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    /// Upstream's name.
    pub name: &'static str,
    /// What is wrong.
    pub error: Option<String>,
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// All checks passed.
    pub ok: bool,
    /// Each check that ran.
    pub checks: Vec<CheckResult>,
    /// Names that were to be left out but are no checks of this probe.
    pub unknown_excludes: Vec<String>,
}

impl Report {
    /// Upstream's text: `ok`, with each check if `verbose` or if one failed.
    pub fn text(&self, verbose: bool) -> String {
        let mut text = String::new();
        if verbose || !self.ok {
            for check in &self.checks {
                // Writing to a string cannot fail.
                let _ = match &check.error {
                    None => writeln!(text, "[+]{} ok", check.name),
                    Some(error) => writeln!(text, "[-]{} failed: {error}", check.name),
                };
            }
        }
        if self.ok {
            text += "ok\n";
        }
        text
    }
}

const SERIALIZABLE: &str = "serializable_read";
const LINEARIZABLE: &str = "linearizable_read";
const CORRUPTION: &str = "data_corruption";
const NON_LEARNER: &str = "non_learner";

impl Probe {
    const fn checks(self) -> &'static [&'static str] {
        match self {
            Self::Live => &[SERIALIZABLE],
            Self::Ready => &[CORRUPTION, SERIALIZABLE, LINEARIZABLE, NON_LEARNER],
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Live => "livez",
            Self::Ready => "readyz",
        }
    }
}

impl Member {
    /// `/health`: alarms, a leader, a read.
    pub async fn health(&self, query: &HealthQuery) -> Health {
        let reason = self.trouble(query).await;
        match &reason {
            None => self.metrics.server.health_success.inc(),
            Some(reason) => {
                self.metrics.server.health_failures.inc();
                tracing::warn!(reason, "serving /health false");
            }
        }
        Health {
            ok: reason.is_none(),
            reason: reason.unwrap_or_default(),
        }
    }

    async fn trouble(&self, query: &HealthQuery) -> Option<String> {
        for alarm in self.reader.state().alarms.list(AlarmType::None) {
            let name = alarm.alarm().as_str_name();
            if !query.exclude.iter().any(|excluded| excluded == name) {
                return Some(format!("ALARM {name}"));
            }
        }
        if !query.serializable && !self.has_leader() {
            return Some("RAFT NO LEADER".to_owned());
        }
        self.read_check(query.serializable)
            .await
            .err()
            .map(|error| format!("RANGE ERROR:{error}"))
    }

    /// `/livez` and `/readyz`, or one of their checks; `None` if there is no such check.
    pub async fn probe(&self, probe: Probe, only: Option<&str>, exclude: &[String]) -> Option<Report> {
        let known = probe.checks();
        if only.is_some_and(|only| !known.contains(&only)) {
            return None;
        }
        let mut checks = Vec::new();
        for name in known.iter().copied() {
            let wanted = only.map_or_else(|| !exclude.iter().any(|excluded| excluded == name), |only| only == name);
            if wanted {
                let error = self.check(name).await.err().map(|error| error.text());
                self.metrics.server.checked(probe.label(), name, error.is_none());
                checks.push(CheckResult { name, error });
            }
        }
        let unknown_excludes = exclude
            .iter()
            .filter(|excluded| !known.contains(&excluded.as_str()))
            .cloned()
            .collect();
        Some(Report {
            ok: checks.iter().all(|check| check.error.is_none()),
            checks,
            unknown_excludes,
        })
    }

    async fn check(&self, name: &str) -> Result<()> {
        match name {
            SERIALIZABLE => self.read_check(true).await,
            LINEARIZABLE => self.read_check(false).await,
            CORRUPTION if self.reader.state().alarms.corrupt() => Err(Error::unknown("alarm activated: CORRUPT")),
            NON_LEARNER if self.is_learner() => Err(Error::unknown("not supported for learner")),
            _ => Ok(()),
        }
    }

    /// A read of one key. That nobody may read it is no trouble.
    async fn read_check(&self, serializable: bool) -> Result<()> {
        let _inside = self.life.enter()?;
        let key = bytes::Bytes::from_static(b"\0");
        let request = RangeRequest {
            key,
            limit: 1,
            keys_only: true,
            serializable,
            ..RangeRequest::default()
        };
        let mut trace = self.trace("Range");
        match self.range_admitted(&Who::own(), &request, &mut trace).await {
            // The alarm has a check of its own.
            Ok(_) | Err(Error::Fault(Fault::Corrupt)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
