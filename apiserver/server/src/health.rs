//! Whether the server is well: `/healthz`, `/livez` and `/readyz`, as a whole and check by check.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use apiserver_api::go::quote;
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

/// A check.
struct Check {
    name: String,
    /// What leaves it out beside its name, with others of its sort.
    group: Option<&'static str>,
    what: What,
}

/// What tells how a check goes.
enum What {
    /// It is known already: why it fails, nothing where all is well.
    Known(Option<String>),
    /// The store at this place, which must answer in this time.
    Store(usize, Duration),
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
        let checks = self.checks(Sort::Ready);
        let checks: Vec<&Check> = checks.iter().collect();
        self.faults(&checks).await.iter().all(Option::is_none)
    }

    /// Answers one of the paths; `None` for any other.
    pub(crate) async fn serve(&self, call: &Call) -> Option<Answer> {
        let path = call.path.strip_prefix('/')?;
        let (first, name) = match path.split_once('/') {
            Some((first, name)) => (first, Some(name)),
            None => (path, None),
        };
        let sort = [Sort::Health, Sort::Live, Sort::Ready]
            .into_iter()
            .find(|sort| sort.name() == first)?;
        let checks = self.checks(sort);
        let Some(name) = name else {
            return Some(self.whole(call, sort, &checks).await);
        };
        // Nothing but this is looked at.
        let check = checks.iter().find(|check| check.name == name)?;
        let fault = self.faults(&[check]).await.into_iter().flatten().next();
        Some(match fault {
            // Upstream says of it alone no more than what Go takes it for.
            None => answer::bytes(200, answer::TEXT, "ok"),
            Some(why) => answer::text(500, format!("internal server error: {why}\n")),
        })
    }

    /// The checks of a path, in upstream's order.
    fn checks(&self, sort: Sort) -> Vec<Check> {
        let known = |name: &str, fault: Option<&str>| Check {
            name: name.to_owned(),
            group: None,
            what: What::Known(fault.map(str::to_owned)),
        };
        let mut checks = vec![known("ping", None), known("log", None)];
        checks.extend((0..self.stores.len()).flat_map(|place| self.store_checks(sort, place)));
        if sort == Sort::Ready {
            let filled = self.stores.iter().all(|store| store.clock().now() > 0);
            let fault = (!filled).then_some("the caches are not filled yet");
            checks.push(known("informer-sync", fault));
        }
        let is_early = sort == Sort::Live && self.since.elapsed() < self.patience.boot;
        checks.extend(self.hooks.list().into_iter().map(|hook| {
            let fault = match &hook.state {
                _ if is_early => None,
                State::Running => Some("not finished"),
                State::Done => None,
                State::Failed(why) => Some(why.as_str()),
            };
            known(&format!("poststarthook/{}", hook.name), fault)
        }));
        if sort == Sort::Ready {
            let stopping = self.stopping.load(Ordering::Relaxed);
            checks.push(known("shutdown", stopping.then_some("process is shutting down")));
        }
        checks
    }

    /// Those of a store.
    fn store_checks(&self, sort: Sort, place: usize) -> Vec<Check> {
        let (name, ready_name) = match place {
            0 => ("etcd".to_owned(), "etcd-readiness".to_owned()),
            _ => (
                format!("etcd-override-{}", place - 1),
                format!("etcd-override-readiness-{}", place - 1),
            ),
        };
        let check = |name, group, patience| Check {
            name,
            group: Some(group),
            what: What::Store(place, patience),
        };
        let mut checks = vec![check(name, "etcd", self.patience.health)];
        if sort == Sort::Ready {
            checks.push(check(ready_name, "etcd-readiness", self.patience.ready));
        }
        checks
    }

    /// What each of these checks finds. The stores that they are about are asked at once, and each once for all of
    /// them.
    async fn faults(&self, checks: &[&Check]) -> Vec<Option<String>> {
        let asked = self.stores.iter().enumerate().map(async |(at, store)| {
            let patience = checks.iter().filter_map(|check| match check.what {
                What::Store(place, patience) if place == at => Some(patience),
                _ => None,
            });
            Some(answers(store, patience.max()?).await)
        });
        let answers = join_all(asked).await;
        let fault = |check: &&Check| match &check.what {
            What::Known(fault) => fault.clone(),
            What::Store(place, patience) => match answers.get(*place)?.as_ref()? {
                Ok(took) if took <= patience => None,
                Ok(_) => Some(format!("etcd did not answer within {patience:?}")),
                Err(why) => Some(why.clone()),
            },
        };
        checks.iter().map(fault).collect()
    }

    /// All checks together but those that the client leaves out: `ok`, or each of them where one fails or the client
    /// asks for all.
    async fn whole(&self, call: &Call, sort: Sort, checks: &[Check]) -> Answer {
        let excluded: BTreeSet<&str> = call.query.all("exclude").collect();
        let (left_out, matched) = leave_out(checks, &excluded);
        let asked = checks.iter().zip(&left_out).filter(|(_, left_out)| left_out.is_none());
        let asked: Vec<&Check> = asked.map(|(check, _)| check).collect();
        let mut faults = self.faults(&asked).await.into_iter();
        let (mut text, mut failed) = (String::new(), false);
        for (Check { name, .. }, left_out) in checks.iter().zip(left_out) {
            // Writing to a string does not fail.
            let _ = if let Some(how) = left_out {
                writeln!(text, "[+]{name} {how}")
            } else if self.note(name, sort, faults.next().flatten()) {
                writeln!(text, "[+]{name} ok")
            } else {
                failed = true;
                writeln!(text, "[-]{name} failed: reason withheld")
            };
        }
        let unknown: Vec<String> = excluded.difference(&matched).map(|name| quote(name)).collect();
        if !unknown.is_empty() {
            let names = unknown.join(",");
            let _ = writeln!(
                text,
                "warn: some health checks cannot be excluded: no matches for {names}"
            );
        }
        let name = sort.name();
        match (failed, call.query.get("verbose")) {
            (true, _) => answer::text(500, format!("{text}{name} check failed\n")),
            (false, None) => answer::text(200, "ok"),
            (false, Some(_)) => answer::text(200, format!("{text}{name} check passed\n")),
        }
    }

    /// Counts what a check found, and says in the log why it failed; tells whether all is well.
    fn note(&self, name: &str, sort: Sort, fault: Option<String>) -> bool {
        self.metrics.health.observe(name, sort.name(), fault.is_none());
        if let Some(why) = &fault {
            tracing::info!(check = %name, why, "{} check failed", sort.name());
        }
        fault.is_none()
    }
}

/// What is said of each check that a client leaves out, by its name or with others, and the words of the client that
/// did so.
fn leave_out<'c>(checks: &'c [Check], excluded: &BTreeSet<&str>) -> (Vec<Option<String>>, BTreeSet<&'c str>) {
    let mut matched = BTreeSet::new();
    let mut left_out = |check: &'c Check| {
        if excluded.contains(check.name.as_str()) {
            matched.insert(check.name.as_str());
            return Some("excluded: ok".to_owned());
        }
        let group = check.group.filter(|group| excluded.contains(group))?;
        matched.insert(group);
        Some(format!("excluded with {group}: ok"))
    };
    (checks.iter().map(&mut left_out).collect(), matched)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Check, What, leave_out};

    #[test]
    fn a_check_is_left_out_by_its_name_or_with_others_of_its_sort() {
        let check = |name: &str, group| Check {
            name: name.to_owned(),
            group,
            what: What::Known(None),
        };
        let checks = [
            check("ping", None),
            check("etcd", Some("etcd")),
            check("etcd-override-0", Some("etcd")),
        ];
        let (said, matched) = leave_out(&checks, &BTreeSet::from(["etcd", "nope"]));
        let said: Vec<_> = said.iter().map(Option::as_deref).collect();
        assert_eq!(said, [None, Some("excluded: ok"), Some("excluded with etcd: ok")]);
        assert_eq!(matched, BTreeSet::from(["etcd"]));
    }
}
