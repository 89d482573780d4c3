//! The two priority classes of the system (upstream's `scheduling/bootstrap-system-priority-classes`).

use std::time::Duration;

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;

use super::Parts;
use super::objects::{PRIORITY_CLASSES, ensure, is_missing, object};

const CLASSES: [(&str, i64, &str); 2] = [
    (
        "system-node-critical",
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    (
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
];
const EACH: Duration = Duration::from_secs(1);
/// For so long it is tried; then the hook has failed.
const GIVE_UP: Duration = Duration::from_secs(30);

/// Makes the classes, then ends.
pub(super) async fn run(parts: Parts) {
    let hook = parts.hooks.begin("scheduling/bootstrap-system-priority-classes");
    let start = parts.clock.monotonic();
    while let Err(status) = ensure_all(&parts).await {
        if parts.clock.monotonic().saturating_sub(start) >= GIVE_UP {
            return hook.failed(format!("unable to add default system priority classes: {status}"));
        }
        tracing::info!(%status, "unable to add the system priority classes, will retry");
        parts.clock.sleep(EACH).await;
    }
    hook.done();
}

async fn ensure_all(parts: &Parts) -> Result<(), Status> {
    for (name, value, description) in CLASSES {
        match parts.cluster.read(&PRIORITY_CLASSES, "", name).await {
            Ok(_) => continue,
            Err(status) if !is_missing(&status) => return Err(status),
            Err(_) => {}
        }
        let mut class: Tree = object("scheduling.k8s.io/v1", "PriorityClass", "", name);
        class.set("value", value);
        class.set("description", description);
        ensure(&*parts.cluster, &PRIORITY_CLASSES, class).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::run;
    use crate::inside::hooks::State;
    use crate::inside::objects::PRIORITY_CLASSES;
    use crate::inside::testing::{asleep, parts};

    const HOOK: &str = "scheduling/bootstrap-system-priority-classes";

    #[tokio::test]
    async fn the_classes_of_the_system_are_made() {
        let (double, _, parts) = parts();
        run(parts.clone()).await;
        let made: Vec<_> = double
            .list(&PRIORITY_CLASSES)
            .iter()
            .map(|class| class.int("value"))
            .collect();
        assert_eq!(made, [2_000_000_000, 2_000_001_000]);
        assert_eq!(parts.hooks.state(HOOK), Some(State::Done));
    }

    #[tokio::test]
    async fn what_cannot_be_made_fails_after_half_a_minute() {
        let (double, clock, parts) = parts();
        double.refuse(&PRIORITY_CLASSES);
        let running = parts.tasks.spawn_until("classes", run(parts.clone()));
        for _ in 0..30 {
            asleep(&clock, 1).await;
            assert_eq!(parts.hooks.state(HOOK), Some(State::Running));
            clock.advance(Duration::from_secs(1));
        }
        running.await;
        assert!(matches!(parts.hooks.state(HOOK), Some(State::Failed(_))));
    }
}
