//! What is started once the server answers, by upstream's names: `/readyz/poststarthook/NAME` asks for each.

use std::sync::Arc;

use tokio::sync::watch;

/// Upstream's names in the order in which its checks list them. A name that is not here comes last.
const ORDER: &[&str] = &[
    "start-apiserver-admission-initializer",
    "generic-apiserver-start-informers",
    "priority-and-fairness-config-consumer",
    "priority-and-fairness-filter",
    "storage-object-count-tracker-hook",
    "start-apiextensions-informers",
    "start-apiextensions-controllers",
    "crd-informer-synced",
    "start-system-namespaces-controller",
    "start-kube-apiserver-coordinated-leader-election-controller",
    "peer-endpoint-reconciler-controller",
    "local-discovery-cache-sync",
    "peer-discovery-cache-sync",
    "mixed-version-proxy-handler",
    "start-cluster-authentication-info-controller",
    "start-kube-apiserver-identity-lease-controller",
    "start-kube-apiserver-identity-lease-garbage-collector",
    "storage-readiness",
    "start-legacy-token-tracking-controller",
    "start-service-ip-repair-controllers",
    "rbac/bootstrap-roles",
    "scheduling/bootstrap-system-priority-classes",
    "priority-and-fairness-config-producer",
    "bootstrap-controller",
    "start-kubernetes-service-cidr-controller",
    "aggregator-reload-proxy-client-cert",
    "start-kube-aggregator-informers",
    "apiservice-status-local-available-controller",
    "apiservice-status-remote-available-controller",
    "apiservice-registration-controller",
    "apiservice-wait-for-first-sync",
    "apiservice-discovery-controller",
    "kube-apiserver-autoregistration",
    "apiservice-openapi-controller",
    "apiservice-openapiv3-controller",
];

fn place(name: &str) -> usize {
    ORDER.iter().position(|one| *one == name).unwrap_or(ORDER.len())
}

/// How far a hook is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It was started; checks that ask for it fail with `not finished`.
    Running,
    /// What the server needs of it is there. What it left running may run on.
    Done,
    /// It gave up, and says why: upstream's server ends then.
    Failed(String),
}

/// A hook as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// `rbac/bootstrap-roles`.
    pub name: &'static str,
    /// How far it is.
    pub state: State,
}

/// The hooks of a server. Clones share them.
#[derive(Clone, Debug)]
pub struct Hooks {
    checks: Arc<watch::Sender<Vec<Check>>>,
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            checks: Arc::new(watch::Sender::new(Vec::new())),
        }
    }
}

impl Hooks {
    /// No hooks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes hooks as running that are to begin soon, so that nobody takes the server for ready before they do.
    pub fn expect(&self, names: &[&'static str]) {
        for name in names {
            self.begin(name);
        }
    }

    /// Notes a hook as running; the answer tells how it ended. A name that is noted already begins anew.
    pub fn begin(&self, name: &'static str) -> Hook {
        self.checks.send_modify(|checks| {
            let check = Check {
                name,
                state: State::Running,
            };
            if let Some(old) = checks.iter_mut().find(|check| check.name == name) {
                *old = check;
            } else {
                let at = checks.partition_point(|old| place(old.name) <= place(name));
                checks.insert(at, check);
            }
        });
        Hook {
            name,
            hooks: self.clone(),
        }
    }

    /// All hooks, in upstream's order.
    pub fn list(&self) -> Vec<Check> {
        self.checks.borrow().clone()
    }

    /// How far a hook is; `None` where there is none of this name.
    pub fn state(&self, name: &str) -> Option<State> {
        let checks = self.checks.borrow();
        let found = checks.iter().find(|check| check.name == name)?;
        Some(found.state.clone())
    }

    /// Resolves once every hook that was begun is done.
    pub async fn done(&self) {
        let mut checks = self.checks.subscribe();
        // The sender lives in `self`, so that waiting cannot fail.
        let all_done = |checks: &Vec<Check>| checks.iter().all(|check| check.state == State::Done);
        let _ = checks.wait_for(all_done).await;
    }

    /// Resolves with the first hook that failed; never where none does.
    pub async fn failed(&self) -> Check {
        let mut checks = self.checks.subscribe();
        let failed = |check: &&Check| matches!(check.state, State::Failed(_));
        loop {
            let found = checks.borrow_and_update().iter().find(failed).cloned();
            if let Some(check) = found {
                return check;
            }
            if checks.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn end(&self, name: &str, state: State) {
        self.checks.send_modify(|checks| {
            if let Some(check) = checks.iter_mut().find(|check| check.name == name) {
                check.state = state;
            }
        });
    }
}

/// A hook that runs. Dropped without a word it stays running: the server is on its way down.
#[derive(Debug)]
pub struct Hook {
    name: &'static str,
    hooks: Hooks,
}

impl Hook {
    /// What the server needs of it is there.
    pub fn done(self) {
        self.hooks.end(self.name, State::Done);
    }

    /// It gave up.
    pub fn failed(self, why: impl Into<String>) {
        let why = why.into();
        tracing::error!(hook = self.name, why, "PostStartHook failed");
        self.hooks.end(self.name, State::Failed(why));
    }
}

#[cfg(test)]
mod tests {
    use super::{Hooks, State};

    #[tokio::test]
    async fn hooks_are_listed_as_upstream_lists_them() {
        let hooks = Hooks::new();
        let names = [
            "own",
            "bootstrap-controller",
            "rbac/bootstrap-roles",
            "crd-informer-synced",
        ];
        let begun: Vec<_> = names.into_iter().map(|name| hooks.begin(name)).collect();
        let listed: Vec<_> = hooks.list().iter().map(|check| check.name).collect();
        assert_eq!(
            listed,
            [
                "crd-informer-synced",
                "rbac/bootstrap-roles",
                "bootstrap-controller",
                "own"
            ]
        );
        assert_eq!(hooks.state("own"), Some(State::Running));
        begun.into_iter().for_each(super::Hook::done);
        hooks.done().await;
        assert_eq!(hooks.state("own"), Some(State::Done));
        assert_eq!(hooks.state("none"), None);
    }

    #[tokio::test]
    async fn the_first_failure_is_told() {
        let hooks = Hooks::new();
        hooks.begin("bootstrap-controller").done();
        hooks.begin("rbac/bootstrap-roles").failed("no store");
        let failed = hooks.failed().await;
        assert_eq!(
            (failed.name, failed.state),
            ("rbac/bootstrap-roles", State::Failed("no store".to_owned()))
        );
    }
}
