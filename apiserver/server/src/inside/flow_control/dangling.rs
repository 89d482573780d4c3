//! Each `FlowSchema` says whether the priority level that it names is there (what upstream's
//! `priority-and-fairness-config-consumer` writes).

use std::collections::VecDeque;
use std::time::Duration;

use apiserver_api::go::quote;
use apiserver_api::gvk::GroupResource;
use apiserver_api::meta;
use apiserver_api::status::{Reason, Status};
use apiserver_api::tree::Tree;

use crate::inside::Parts;
use crate::inside::objects::{FLOW_SCHEMAS, PRIORITY_LEVELS, now, object, tree};

/// The field manager; upstream's.
const MANAGER: &str = "api-priority-and-fairness-config-consumer-v1";
const DANGLING: &str = "Dangling";
/// Levels that there are even where nobody wrote them down.
const MANDATORY: [&str; 2] = ["exempt", "catch-all"];
/// So often one schema is written in [`WHILE`]: apiservers of different minds do not wear out the store.
const MOST: usize = 6;
const WHILE: Duration = Duration::from_secs(60);
/// The least of the pause after a failure, or when a schema was written too often.
const PAUSE: Duration = Duration::from_secs(1);
const REST: Duration = Duration::from_secs(30);

/// What was written lately, and when, the oldest first.
type Lately = VecDeque<(Duration, String)>;

/// Keeps the conditions until it is dropped.
pub(super) async fn run(parts: Parts) {
    const WATCHED: [&GroupResource; 2] = [&FLOW_SCHEMAS, &PRIORITY_LEVELS];
    let mut lately = Lately::new();
    loop {
        let changed = WATCHED.map(|resource| parts.cluster.changed(resource));
        let seen = changed.into_iter().max().unwrap_or_default();
        let pause = match sync(&parts, &mut lately).await {
            Ok(true) => None,
            Ok(false) => Some(REST + Duration::from_secs(parts.random.below(45))),
            Err(error) => {
                tracing::warn!(%error, "failed to set a status.condition for a FlowSchema");
                Some(PAUSE)
            }
        };
        let moved = parts.applier.moved(&WATCHED, seen);
        match pause {
            None => moved.await,
            Some(pause) => tokio::select! {
                () = parts.clock.sleep(pause) => {}
                () = moved => {}
            },
        }
    }
}

/// Writes what is not as it should be; whether all of it could be.
async fn sync(parts: &Parts, lately: &mut Lately) -> Result<bool, Status> {
    let levels = parts.cluster.cached_list(&PRIORITY_LEVELS, "");
    let has = |name: &str| MANDATORY.contains(&name) || levels.iter().any(|level| meta::name(level) == name);
    let mut is_all = true;
    for schema in parts.cluster.cached_list(&FLOW_SCHEMAS, "") {
        let level = schema.at("spec").at("priorityLevelConfiguration").text("name");
        let (status, reason, message) = verdict(level, has(level));
        let is_same = |condition: &&Tree| {
            (condition.text("status"), condition.text("reason")) == (status, reason)
                && condition.text("message") == message
        };
        if condition(&schema).as_ref().is_some_and(is_same) {
            continue;
        }
        let name = meta::name(&schema);
        let at = parts.clock.monotonic();
        while lately.front().is_some_and(|(then, _)| at.saturating_sub(*then) > WHILE) {
            lately.pop_front();
        }
        if lately.iter().filter(|(_, other)| other == name).count() >= MOST {
            is_all = false;
            continue;
        }
        lately.push_back((at, name.to_owned()));
        let condition = tree([
            ("type", DANGLING.into()),
            ("status", status.into()),
            ("lastTransitionTime", now(&*parts.clock).to_string().into()),
            ("reason", reason.into()),
            ("message", message.into()),
        ]);
        let mut configuration = object("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "", name);
        configuration.set("status", tree([("conditions", vec![condition].into())]));
        match parts.applier.apply_status(MANAGER, &FLOW_SCHEMAS, configuration).await {
            // It is gone, which will be heard of.
            Err(error) if error.reason != Reason::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(is_all)
}

fn condition(schema: &Tree) -> Option<&Tree> {
    let conditions = schema.at("status").at("conditions").as_list()?;
    conditions.iter().find(|condition| condition.text("type") == DANGLING)
}

/// Status, reason and message of the condition; upstream's.
fn verdict(level: &str, is_there: bool) -> (&'static str, &'static str, String) {
    let names = format!(
        "This FlowSchema references the PriorityLevelConfiguration object named {}",
        quote(level)
    );
    if is_there {
        ("False", "Found", format!("{names} and it exists"))
    } else {
        ("True", "NotFound", format!("{names} but there is no such object"))
    }
}

#[cfg(test)]
mod tests {
    use super::{FLOW_SCHEMAS, Lately, MOST, PRIORITY_LEVELS, WHILE, condition, run, sync};
    use crate::inside::testing::{Double, asleep, json, parts};

    fn schema(double: &Double, name: &str, level: &str) {
        let text = format!(
            r#"{{"metadata":{{"name":"{name}"}},"spec":{{"matchingPrecedence":1,"priorityLevelConfiguration":{{"name":"{level}"}}}}}}"#
        );
        double.put(&FLOW_SCHEMAS, json(&text));
    }

    fn said(double: &Double, name: &str) -> [String; 3] {
        let schema = double.get(&FLOW_SCHEMAS, "", name).unwrap();
        let condition = condition(&schema).unwrap();
        ["status", "reason", "message"].map(|field| condition.text(field).to_owned())
    }

    #[tokio::test]
    async fn a_schema_says_whether_its_level_is_there_also_when_that_changes() {
        let (double, clock, parts) = parts();
        schema(&double, "a", "mine");
        schema(&double, "b", "exempt");
        parts.tasks.spawn_until("dangling", run(parts.clone()));
        asleep(&clock, 1).await;
        let names = "This FlowSchema references the PriorityLevelConfiguration object named \"mine\"";
        let missing = format!("{names} but there is no such object");
        assert_eq!(said(&double, "a"), ["True", "NotFound", &missing]);
        assert_eq!(said(&double, "b")[..2], ["False", "Found"]);
        let writes = double.writes();
        double.put(
            &PRIORITY_LEVELS,
            json(r#"{"metadata":{"name":"mine"},"spec":{"type":"Exempt"}}"#),
        );
        clock.advance(std::time::Duration::from_secs(1));
        asleep(&clock, 1).await;
        assert_eq!(
            said(&double, "a"),
            ["False", "Found", &format!("{names} and it exists")]
        );
        assert_eq!(double.writes(), writes + 1);
        parts.tasks.shutdown().await;
    }

    #[tokio::test]
    async fn one_schema_is_not_written_for_ever() {
        let (double, clock, parts) = parts();
        let mut lately = Lately::new();
        for _ in 0..MOST {
            // Another apiserver takes it back.
            schema(&double, "a", "mine");
            assert!(sync(&parts, &mut lately).await.unwrap());
        }
        schema(&double, "a", "mine");
        assert!(!sync(&parts, &mut lately).await.unwrap());
        clock.advance(WHILE + std::time::Duration::from_secs(1));
        assert!(sync(&parts, &mut lately).await.unwrap());
        assert_eq!(said(&double, "a")[0], "True");
    }
}
