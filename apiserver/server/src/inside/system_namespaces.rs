//! The namespaces of the system, which are made anew when they are gone (upstream's `systemnamespaces`).

use std::time::Duration;

use super::Parts;
use super::objects::{NAMESPACES, ensure, object};

const NAMES: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "default"];
const EACH: Duration = Duration::from_secs(60);
/// How soon it is tried again where it failed.
const SOON: Duration = Duration::from_secs(1);

/// Keeps the namespaces there, until it is dropped.
pub(super) async fn run(parts: Parts) {
    parts.hooks.begin("start-system-namespaces-controller").done();
    loop {
        let all = keep(&parts).await;
        parts.clock.sleep(if all { EACH } else { SOON }).await;
    }
}

/// Makes those that are missing; says whether all are there.
async fn keep(parts: &Parts) -> bool {
    let mut all = true;
    for name in NAMES {
        if parts.cluster.cached(&NAMESPACES, "", name).is_some() {
            continue;
        }
        let namespace = object("v1", "Namespace", "", name);
        if let Err(status) = ensure(&*parts.cluster, &NAMESPACES, namespace).await {
            tracing::warn!(%status, namespace = name, "Unable to create required kubernetes system namespace");
            all = false;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::run;
    use crate::inside::hooks::State;
    use crate::inside::objects::NAMESPACES;
    use crate::inside::testing::{asleep, parts};

    const ALL: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

    #[tokio::test]
    async fn a_namespace_of_the_system_comes_back_within_a_minute() {
        let (double, clock, parts) = parts();
        parts.tasks.spawn_until("namespaces", run(parts.clone()));
        asleep(&clock, 1).await;
        assert_eq!(double.names(&NAMESPACES), ALL);
        assert_eq!(
            parts.hooks.state("start-system-namespaces-controller"),
            Some(State::Done)
        );
        double.take(&NAMESPACES, "", "kube-public");
        clock.advance(Duration::from_secs(60));
        asleep(&clock, 1).await;
        assert_eq!(double.names(&NAMESPACES), ALL);
        parts.tasks.shutdown().await;
    }

    #[tokio::test]
    async fn what_could_not_be_made_is_tried_again_soon() {
        let (double, clock, parts) = parts();
        double.refuse(&NAMESPACES);
        parts.tasks.spawn_until("namespaces", run(parts.clone()));
        asleep(&clock, 1).await;
        assert_eq!(double.names(&NAMESPACES), [""; 0]);
        double.allow(&NAMESPACES);
        clock.advance(Duration::from_secs(1));
        asleep(&clock, 1).await;
        assert_eq!(double.names(&NAMESPACES), ALL);
        parts.tasks.shutdown().await;
    }
}
