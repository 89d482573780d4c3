//! Whether the server is well: `/healthz`, `/livez` and `/readyz`, as a whole and check by check.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use apiserver_storage::store::Store;
use futures_util::future::join_all;

use crate::answer::{self, Answer};
use crate::inside::hooks::{Hooks, State};
use crate::metrics::Metrics;
use crate::request::Call;

/// How long checks wait for what they check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Those of all paths (`--etcd-healthcheck-timeout`).
    pub health: Duration,
    /// That of `/readyz` (`--etcd-readycheck-timeout`).
    pub ready: Duration,
    /// How long after the start `/livez` takes what was started for done (`--livez-grace-period`).
    pub boot: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let usual = Duration::from_secs(2);
        Self {
            health: usual,
            ready: usual,
            boot: Duration::ZERO,
        }
    }
}

/// What is checked.
pub struct Health {
    /// That of all kinds first.
    stores: Vec<Arc<Store>>,
    patience: Patience,
    since: Instant,
    hooks: Hooks,
    stopping: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
}

/// A check and what it found: nothing where all is well.
struct Check {
    name: String,
    fault: Option<String>,
}

/// A path on which checks are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Health,
    Live,
    Ready,
}

impl Sort {
    const fn name(self) -> &'static str {
        match self {
            Self::Health => "healthz",
            Self::Live => "livez",
            Self::Ready => "readyz",
        }
    }
}

impl Health {
    /// Checks of stores, of what was started, and of whether the server is on its way out.
    pub fn new(
        stores: Vec<Arc<Store>>,
        patience: Patience,
        hooks: Hooks,
        stopping: Arc<AtomicBool>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            stores,
            patience,
            since: Instant::now(),
            hooks,
            stopping,
            metrics,
        }
    }

    /// Whether `/readyz` passes.
    pub(crate) async fn is_ready(&self) -> bool {
        self.checks(Sort::Ready).await.iter().all(|check| check.fault.is_none())
    }

    /// Answers one of the paths; `None` for any other.
    pub(crate) async fn serve(&self, call: &Call) -> Option<Answer> {
        let path = call.path.trim_start_matches('/').trim_end_matches('/');
        let (first, name) = path.split_once('/').unwrap_or((path, ""));
        let sort = [Sort::Health, Sort::Live, Sort::Ready]
            .into_iter()
            .find(|sort| sort.name() == first)?;
        let checks = self.checks(sort).await;
        if name.is_empty() {
            let note = |name: &str, is_well| self.metrics.health.observe(name, sort.name(), is_well);
            return Some(whole(call, sort, &checks, note));
        }
        let check = checks.iter().find(|check| check.name == name)?;
        Some(match &check.fault {
            None => answer::text(200, "ok"),
            // Only those who read the log learn why.
            Some(_) => answer::text(500, "internal server error: failed\n"),
        })
    }

    async fn checks(&self, sort: Sort) -> Vec<Check> {
        let well = |name: &str| Check {
            name: name.to_owned(),
            fault: None,
        };
        let mut checks = vec![well("ping"), well("log")];
        checks.extend(self.store_checks(sort).await);
        if sort == Sort::Ready {
            let filled = self.stores.iter().all(|store| store.clock().now() > 0);
            checks.push(Check {
                name: "informer-sync".to_owned(),
                fault: (!filled).then(|| "the caches are not filled yet".to_owned()),
            });
        }
        let is_early = sort == Sort::Live && self.since.elapsed() < self.patience.boot;
        checks.extend(self.hooks.list().into_iter().map(|hook| Check {
            name: format!("poststarthook/{}", hook.name),
            fault: match hook.state {
                _ if is_early => None,
                State::Running => Some("not finished".to_owned()),
                State::Done => None,
                State::Failed(why) => Some(why),
            },
        }));
        if sort == Sort::Ready {
            let stopping = self.stopping.load(Ordering::Relaxed);
            checks.push(Check {
                name: "shutdown".to_owned(),
                fault: stopping.then(|| "process is shutting down".to_owned()),
            });
        }
        checks
    }

    /// Whether the stores answer. All are asked at once, and each once for both of its checks.
    async fn store_checks(&self, sort: Sort) -> Vec<Check> {
        let Patience { health, ready, .. } = self.patience;
        let most = if sort == Sort::Ready { health.max(ready) } else { health };
        let asked = self.stores.iter().map(|store| answers(store, most));
        let mut checks = Vec::new();
        for (place, answer) in join_all(asked).await.into_iter().enumerate() {
            let fault = |patience: Duration| match &answer {
                Ok(took) if *took <= patience => None,
                Ok(_) => Some(format!("etcd did not answer within {patience:?}")),
                Err(why) => Some(why.clone()),
            };
            let (name, ready_name) = match place {
                0 => ("etcd".to_owned(), "etcd-readiness".to_owned()),
                _ => (
                    format!("etcd-override-{}", place - 1),
                    format!("etcd-override-readiness-{}", place - 1),
                ),
            };
            checks.push(Check {
                name,
                fault: fault(health),
            });
            if sort == Sort::Ready {
                checks.push(Check {
                    name: ready_name,
                    fault: fault(ready),
                });
            }
        }
        checks
    }
}

/// How long a store took to answer, or why it did not in this time.
async fn answers(store: &Store, most: Duration) -> Result<Duration, String> {
    let begun = Instant::now();
    match tokio::time::timeout(most, store.revision()).await {
        Ok(Ok(_)) => Ok(begun.elapsed()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("etcd did not answer within {most:?}")),
    }
}

/// All checks together: `ok`, or each of them where one fails or the client asks for all.
fn whole(call: &Call, sort: Sort, checks: &[Check], note: impl Fn(&str, bool)) -> Answer {
    let mut excluded: Vec<&str> = call.query.all("exclude").collect();
    // Writing to a string does not fail.
    let mut text = String::new();
    let mut failed = Vec::new();
    for check in checks {
        let name = &check.name;
        if let Some(at) = excluded.iter().position(|one| one == name) {
            excluded.remove(at);
            let _ = writeln!(text, "[+]{name} excluded: ok");
            continue;
        }
        note(name, check.fault.is_none());
        match &check.fault {
            None => {
                let _ = writeln!(text, "[+]{name} ok");
            }
            Some(why) => {
                tracing::info!(check = %name, why, "{} check failed", sort.name());
                failed.push(name.as_str());
                let _ = writeln!(text, "[-]{name} failed: reason withheld");
            }
        }
    }
    if !excluded.is_empty() {
        let names: Vec<String> = excluded.iter().map(|name| apiserver_api::go::quote(name)).collect();
        let names = names.join(", ");
        let _ = writeln!(
            text,
            "warn: some health checks cannot be excluded: no matches for {names}"
        );
    }
    let name = sort.name();
    if !failed.is_empty() {
        return answer::text(500, format!("{text}{name} check failed\n"));
    }
    if call.query.get("verbose").is_none() {
        return answer::text(200, "ok");
    }
    answer::text(200, format!("{text}{name} check passed\n"))
}
