//! The `FlowSchemas` and `PriorityLevelConfigurations` that flow control begins with (upstream's
//! `priority-and-fairness-config-producer`).
//!
//! Mandatory ones are as they are here, whatever anyone makes of them. Suggested ones are kept up to date until an operator
//! changes them; the annotation says who has the say.

mod dangling;
mod objects;

use std::time::Duration;

use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use apiserver_storage::cluster::Cluster;

use super::Parts;
use super::objects::{FLOW_SCHEMAS, PRIORITY_LEVELS, is_conflict, is_there_already, remove};
use objects::{AUTO_UPDATE, mandatory_levels, mandatory_schemas, suggested_levels, suggested_schemas};

const EACH: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_secs(1);
/// The field manager; upstream's.
const MANAGER: &str = "api-priority-and-fairness-config-producer-v1";
/// For so long it is tried at the start; then the hook has failed.
const GIVE_UP: Duration = Duration::from_secs(5 * 60);
/// The level of which operators may set the shares.
const EXEMPT: &str = "exempt";

/// Keeps the schemas' word on whether their levels are there, until it is dropped.
pub(super) async fn consume(parts: Parts) {
    dangling::run(parts).await;
}

/// Keeps the objects until it is dropped. The hook is done once all are there.
pub(super) async fn run(parts: Parts) {
    let hook = parts.hooks.begin("priority-and-fairness-config-producer");
    let start = parts.clock.monotonic();
    while let Err(status) = ensure_all(&parts).await {
        tracing::warn!(%status, "APF bootstrap ensurer ran into error, will retry later");
        if parts.clock.monotonic().saturating_sub(start) >= GIVE_UP {
            return hook.failed(format!("unable to initialize APF bootstrap configuration: {status}"));
        }
        parts.clock.sleep(SOON).await;
    }
    hook.done();
    loop {
        parts.clock.sleep(EACH).await;
        if let Err(status) = ensure_all(&parts).await {
            tracing::warn!(%status, "APF bootstrap ensurer ran into error, will retry later");
        }
    }
}

async fn ensure_all(parts: &Parts) -> Result<(), Status> {
    let cluster = &*parts.cluster;
    let levels = [(suggested_levels(), false), (mandatory_levels(), true)];
    let schemas = [(suggested_schemas(), false), (mandatory_schemas(), true)];
    for (resource, sets) in [(&PRIORITY_LEVELS, &levels), (&FLOW_SCHEMAS, &schemas)] {
        for (objects, mandatory) in sets {
            for object in objects {
                ensure_one(parts, resource, object, *mandatory).await?;
            }
        }
    }
    // Schemas first, for they name levels.
    for (resource, sets) in [(&FLOW_SCHEMAS, &schemas), (&PRIORITY_LEVELS, &levels)] {
        let wanted: Vec<&str> = sets.iter().flat_map(|(objects, _)| objects).map(meta::name).collect();
        remove_unwanted(cluster, resource, &wanted).await?;
    }
    Ok(())
}

async fn ensure_one(parts: &Parts, resource: &GroupResource, wanted: &Tree, mandatory: bool) -> Result<(), Status> {
    let Some(current) = parts.cluster.cached(resource, "", meta::name(wanted)) else {
        return match parts.applier.create_as(MANAGER, resource, wanted.clone()).await {
            // Another apiserver was faster; the next look compares.
            Err(status) if !is_there_already(&status) => Err(status),
            _ => Ok(()),
        };
    };
    let Some(revised) = revise(current, wanted, mandatory) else {
        return Ok(());
    };
    match parts.applier.update_as(MANAGER, resource, revised).await {
        Err(status) if !is_conflict(&status) => Err(status),
        _ => Ok(()),
    }
}

/// What an object should be; `None` where it is so already.
fn revise(mut current: Tree, wanted: &Tree, mandatory: bool) -> Option<Tree> {
    let said = said(&current);
    // What no operator touched since it was made is still ours.
    let ours = mandatory || said.unwrap_or(meta::generation(&current) == 1);
    let annotate = said != Some(ours);
    let change = ours && !is_same(&current, wanted);
    if !annotate && !change {
        return None;
    }
    if change {
        current.set("spec", wanted.at("spec").clone());
    }
    if annotate {
        meta::set_annotation(&mut current, AUTO_UPDATE, if ours { "true" } else { "false" });
    }
    Some(current)
}

/// What the annotation says, in any of the words that Go reads as a truth.
fn said(object: &Tree) -> Option<bool> {
    match meta::annotation(object, AUTO_UPDATE)? {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn is_same(current: &Tree, wanted: &Tree) -> bool {
    let (current, mut wanted_spec) = (current.at("spec"), wanted.at("spec").clone());
    if meta::name(wanted) == EXEMPT && wanted_spec.has(EXEMPT) {
        let shares = current.at(EXEMPT);
        if shares.is_null() {
            return false;
        }
        for field in ["nominalConcurrencyShares", "lendablePercent"] {
            wanted_spec.child(EXEMPT).set(field, shares.at(field).clone());
        }
    }
    *current == wanted_spec
}

/// Takes away what was made by an older version and is not known any more.
async fn remove_unwanted(cluster: &dyn Cluster, resource: &GroupResource, wanted: &[&str]) -> Result<(), Status> {
    for object in cluster.cached_list(resource, "") {
        let name = meta::name(&object);
        if said(&object) == Some(true) && !wanted.contains(&name) {
            remove(cluster, resource, "", name).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use apiserver_api::meta;
    use apiserver_api::tree::Tree;

    use super::objects::AUTO_UPDATE;
    use super::{ensure_all, run};
    use crate::inside::hooks::State;
    use crate::inside::objects::{FLOW_SCHEMAS, PRIORITY_LEVELS};
    use crate::inside::testing::{Double, asleep, json, parts};

    const HOOK: &str = "priority-and-fairness-config-producer";

    fn edit(double: &Double, name: &str, change: impl FnOnce(&mut Tree)) {
        let mut level = double.get(&PRIORITY_LEVELS, "", name).unwrap();
        change(&mut level);
        double.put(&PRIORITY_LEVELS, level);
    }

    fn shares(double: &Double, name: &str) -> i64 {
        let level = double.get(&PRIORITY_LEVELS, "", name).unwrap();
        level.at("spec").at("limited").int("nominalConcurrencyShares")
    }

    #[tokio::test]
    async fn the_objects_are_as_they_are_written_down_and_made_once() {
        let (double, clock, parts) = parts();
        parts.tasks.spawn_until("flow-control", run(parts.clone()));
        asleep(&clock, 1).await;
        assert_eq!(parts.hooks.state(HOOK), Some(State::Done));
        assert_eq!(
            (double.list(&PRIORITY_LEVELS).len(), double.list(&FLOW_SCHEMAS).len()),
            (8, 11)
        );
        // What the schema and the rules make of an object is what it was.
        let writes = double.writes();
        clock.advance(Duration::from_secs(60));
        asleep(&clock, 1).await;
        assert_eq!(double.writes(), writes);
        parts.tasks.shutdown().await;
    }

    #[tokio::test]
    async fn mandatory_objects_come_back_and_suggested_ones_are_the_operator_s() {
        let (double, _, parts) = parts();
        ensure_all(&parts).await.unwrap();
        let one = |level: &mut Tree| {
            let limited = level.child("spec").child("limited");
            limited.set("nominalConcurrencyShares", 1);
        };
        edit(&double, "catch-all", |level| {
            one(level);
            meta::set_annotation(level, AUTO_UPDATE, "false");
        });
        edit(&double, "workload-low", |level| {
            one(level);
            meta::set_annotation(level, AUTO_UPDATE, "false");
        });
        edit(&double, "workload-high", one);
        edit(&double, "system", |level| {
            one(level);
            level.child("metadata").remove("annotations");
            meta::set_generation(level, 2);
        });
        edit(&double, "exempt", |level| {
            level.child("spec").child("exempt").set("lendablePercent", 50);
        });
        double.take(&FLOW_SCHEMAS, "", "probes");
        ensure_all(&parts).await.unwrap();
        let all: Vec<i64> = ["catch-all", "workload-low", "workload-high", "system"]
            .into_iter()
            .map(|name| shares(&double, name))
            .collect();
        assert_eq!(all, [5, 1, 40, 1]);
        let system = double.get(&PRIORITY_LEVELS, "", "system").unwrap();
        assert_eq!(meta::annotation(&system, AUTO_UPDATE), Some("false"));
        let exempt = double.get(&PRIORITY_LEVELS, "", "exempt").unwrap();
        assert_eq!(exempt.at("spec").at("exempt").int("lendablePercent"), 50);
        assert!(double.get(&FLOW_SCHEMAS, "", "probes").is_some());
    }

    #[tokio::test]
    async fn what_an_older_version_made_goes() {
        let (double, _, parts) = parts();
        for (name, auto) in [("old", "true"), ("own", "false"), ("words", "maybe")] {
            let annotations = format!(r#"{{"apf.kubernetes.io/autoupdate-spec":"{auto}"}}"#);
            let text = format!(r#"{{"metadata":{{"name":"{name}","annotations":{annotations}}}}}"#);
            double.put(&FLOW_SCHEMAS, json(&text));
        }
        ensure_all(&parts).await.unwrap();
        let names = double.names(&FLOW_SCHEMAS);
        assert!(!names.contains(&"old".to_owned()));
        assert!(names.contains(&"own".to_owned()) && names.contains(&"words".to_owned()));
    }

    #[tokio::test]
    async fn it_gives_up_after_five_minutes() {
        let (double, clock, parts) = parts();
        double.refuse(&PRIORITY_LEVELS);
        let running = parts.tasks.spawn_until("flow-control", run(parts.clone()));
        for _ in 0..300 {
            asleep(&clock, 1).await;
            clock.advance(Duration::from_secs(1));
        }
        running.await;
        assert!(matches!(parts.hooks.state(HOOK), Some(State::Failed(_))));
    }
}
