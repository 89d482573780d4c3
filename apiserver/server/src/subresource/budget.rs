//! `PodDisruptionBudget`s as evictions spend them.

use apiserver_api::gvk::GroupResource;
use apiserver_api::labels::Selector;
use apiserver_api::meta;
use apiserver_api::status::{Reason, Status};
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;
use apiserver_storage::cluster::Cluster;

use super::eviction::{TRIES, pause};
use super::pod::is_ready;
use crate::catalog::Kept;
use crate::machine::Machine;

static BUDGETS: GroupResource = GroupResource::known("policy", "poddisruptionbudgets");
/// What upstream calls it in a refusal.
static BUDGET: GroupResource = GroupResource::known("policy", "poddisruptionbudget");
/// The reason of a cause that names a budget.
const CAUSE: &str = "DisruptionBudget";
const REFUSED: &str = "Cannot evict pod as it would violate the pod's disruption budget.";
/// So many evictions at most that the budgets' controller has not seen.
const UNSEEN_MAX: usize = 2000;
/// After so many seconds a budget may have been seen to.
const RETRY_AFTER: i32 = 10;
/// The condition that says whether a budget has anything left.
const ALLOWED: &str = "DisruptionAllowed";

/// How a pod is guarded.
pub(super) enum Guard {
    /// By no budget, or by one that has been spent for it.
    Open,
    /// By this budget, which does not count it as it is now.
    Unhealthy(String),
}

/// Spends what the eviction of a pod costs.
///
/// # Errors
/// 429 where the budget has nothing left, 403 and 500 where it is odd, or what kept it from being written.
pub(super) async fn ask(machine: &Machine, pod: &Tree, now: Time, dry_run: bool) -> Result<Guard, Status> {
    let budgets = of(machine, pod).await?;
    let mut budget = match <[Tree; 1]>::try_from(budgets) {
        Ok([budget]) => budget,
        Err(none) if none.is_empty() => return Ok(Guard::Open),
        Err(_) => {
            let message =
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return Err(Status::new(500, Reason::Unknown, message));
        }
    };
    let name = meta::name(&budget).to_owned();
    if !is_ready(pod) && allows_unhealthy(&budget) {
        return Ok(Guard::Unhealthy(name));
    }
    let namespace = meta::namespace(pod);
    let mut refusal = None;
    for attempt in 0..TRIES {
        if attempt > 0 {
            pause(machine).await;
            budget = machine.read(&BUDGETS, namespace, &name).await?;
        }
        let spent = spend(&budget, meta::name(pod), now)?;
        if dry_run {
            return Ok(Guard::Open);
        }
        match machine.update(&BUDGETS, "status", spent).await {
            Ok(_) => return Ok(Guard::Open),
            Err(status) if status.reason == Reason::Conflict => refusal = Some(status),
            Err(status) => return Err(status),
        }
    }
    Err(refusal.unwrap_or_else(|| Status::internal("a budget was never spent")))
}

/// The budgets that guard a pod.
async fn of(machine: &Machine, pod: &Tree) -> Result<Vec<Tree>, Status> {
    let Kept { store, shelf, .. } = Machine::kept(machine.known(&BUDGETS)?)?;
    shelf.is_fresh(store).await?;
    let all = machine.cached_list(&BUDGETS, meta::namespace(pod));
    let guards = |budget: &Tree| {
        // One that cannot be read guards nothing.
        let selector = Selector::from_object(budget.at("spec").at("selector"));
        selector.is_ok_and(|selector| selector.matches(meta::labels(pod)))
    };
    Ok(all.into_iter().filter(guards).collect())
}

/// Whether a pod that is not healthy costs nothing.
fn allows_unhealthy(budget: &Tree) -> bool {
    let (spec, status) = (budget.at("spec"), budget.at("status"));
    let (current, desired) = (status.int("currentHealthy"), status.int("desiredHealthy"));
    spec.text("unhealthyPodEvictionPolicy") == "AlwaysAllow" || (current >= desired && desired > 0)
}

/// 429: the budget has not been seen to.
pub(super) fn busy(budget: &str) -> Status {
    let why = format!("The disruption budget {budget} is still being processed by the server.");
    Status::too_many_requests(REFUSED, RETRY_AFTER).because(CAUSE, "", why)
}

/// A budget of which one disruption is spent for a pod.
fn spend(budget: &Tree, pod: &str, now: Time) -> Result<Tree, Status> {
    let (name, status) = (meta::name(budget), budget.at("status"));
    if status.int("observedGeneration") < meta::generation(budget) {
        return Err(busy(name));
    }
    let left = status.int("disruptionsAllowed");
    if left < 0 {
        let why = "pdb disruptions allowed is negative";
        return Err(Status::forbidden(&BUDGET, name, why));
    }
    if status.entries("disruptedPods").len() > UNSEEN_MAX {
        let why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller";
        return Err(Status::forbidden(&BUDGET, name, why));
    }
    if left == 0 {
        return Err(Status::too_many_requests(REFUSED, 0).because(CAUSE, "", why_nothing_is_left(name, status)));
    }
    let mut budget = budget.clone();
    let status = budget.child("status");
    status.set("disruptionsAllowed", left - 1);
    if left == 1 {
        note_nothing_left(status, now);
    }
    status.child("disruptedPods").set(pod, now.to_string());
    Ok(budget)
}

fn why_nothing_is_left(name: &str, status: &Tree) -> String {
    let conditions = status.items("conditions").iter();
    let told = conditions
        .clone()
        .find(|one| one.text("type") == ALLOWED)
        .filter(|one| one.text("status") == "False" && !one.text("message").is_empty());
    let (current, desired) = (status.int("currentHealthy"), status.int("desiredHealthy"));
    let head = format!("The disruption budget {name}");
    match told {
        // What the budget says of health is not to be trusted then.
        Some(told) if told.text("reason") == "SyncFailed" => format!(
            "{head} does not allow evicting pods currently because it failed sync: {}",
            told.text("message")
        ),
        _ if current <= desired => format!("{head} needs {desired} healthy pods and has {current} currently"),
        Some(told) => format!(
            "{head} does not allow evicting pods currently ({}): {}",
            told.text("reason"),
            told.text("message")
        ),
        None => format!("{head} does not allow evicting pods currently"),
    }
}

/// Says in the status of a budget that nothing is left of it (`UpdateDisruptionAllowedCondition`).
fn note_nothing_left(status: &mut Tree, now: Time) {
    let mut conditions = status.items("conditions").to_vec();
    let at = conditions.iter().position(|one| one.text("type") == ALLOWED);
    let at = at.unwrap_or_else(|| {
        let mut condition = Tree::map();
        condition.set("type", ALLOWED);
        conditions.push(condition);
        conditions.len() - 1
    });
    let generation = status.int("observedGeneration");
    let condition = &mut conditions[at];
    if condition.text("status") != "False" {
        condition.set("status", "False");
        condition.set("lastTransitionTime", now.to_string());
    }
    condition.set("reason", "InsufficientPods");
    condition.set("message", "");
    condition.set("observedGeneration", generation);
    status.set("conditions", conditions);
}

#[cfg(test)]
mod tests {
    use apiserver_api::time::Time;
    use apiserver_api::tree::{Tree, parse};

    use super::{allows_unhealthy, spend};

    fn budget(status: &str) -> Tree {
        let json = format!(r#"{{"metadata":{{"name":"b","generation":2}},"spec":{{}},"status":{status}}}"#);
        parse(json.as_bytes()).unwrap().tree
    }

    #[test]
    fn a_disruption_is_spent_and_the_last_is_told() {
        let before =
            budget(r#"{"observedGeneration":2,"disruptionsAllowed":2,"disruptedPods":{"o":"2026-01-01T00:00:00Z"}}"#);
        let now = Time::from_unix(0);
        let first = spend(&before, "p", now).unwrap();
        assert!(first.at("status").items("conditions").is_empty());
        let last = spend(&first, "q", now).unwrap();
        let expected = r#"{"conditions":[{"lastTransitionTime":"1970-01-01T00:00:00Z","message":"","observedGeneration":2,
            "reason":"InsufficientPods","status":"False","type":"DisruptionAllowed"}],"disruptedPods":{"o":"2026-01-01T00:00:00Z",
            "p":"1970-01-01T00:00:00Z","q":"1970-01-01T00:00:00Z"},"disruptionsAllowed":0,"observedGeneration":2}"#;
        assert_eq!(last.at("status"), &parse(expected.as_bytes()).unwrap().tree);
    }

    #[test]
    fn a_budget_that_has_nothing_left_says_why() {
        for (status, code, told) in [
            (
                r#"{"observedGeneration":1,"disruptionsAllowed":1}"#,
                429,
                "The disruption budget b is still being processed by the server.",
            ),
            (
                r#"{"observedGeneration":2,"disruptionsAllowed":-1}"#,
                403,
                r#"poddisruptionbudget.policy "b" is forbidden: pdb disruptions allowed is negative"#,
            ),
            (
                r#"{"observedGeneration":2,"currentHealthy":2,"desiredHealthy":2}"#,
                429,
                "The disruption budget b needs 2 healthy pods and has 2 currently",
            ),
            (
                r#"{"observedGeneration":2,"conditions":[{"type":"DisruptionAllowed","status":"False","reason":"SyncFailed","message":"m"}]}"#,
                429,
                "The disruption budget b does not allow evicting pods currently because it failed sync: m",
            ),
            (
                r#"{"observedGeneration":2,"currentHealthy":3,"conditions":[{"type":"DisruptionAllowed","status":"False","reason":"R","message":"m"}]}"#,
                429,
                "The disruption budget b does not allow evicting pods currently (R): m",
            ),
            (
                r#"{"observedGeneration":2,"currentHealthy":3}"#,
                429,
                "The disruption budget b does not allow evicting pods currently",
            ),
        ] {
            let refused = spend(&budget(status), "p", Time::from_unix(0)).unwrap_err();
            let cause = refused.details.and_then(|details| details.causes.first().cloned());
            let why = cause.map_or(refused.message, |cause| cause.message);
            assert_eq!((refused.code, why.as_str()), (code, told));
        }
    }

    #[test]
    fn a_pod_that_is_not_healthy_goes_where_enough_others_are() {
        assert!(allows_unhealthy(&budget(r#"{"currentHealthy":2,"desiredHealthy":2}"#)));
        assert!(!allows_unhealthy(&budget(r#"{"currentHealthy":1,"desiredHealthy":2}"#)));
        assert!(!allows_unhealthy(&budget("{}")));
        let mut always = budget("{}");
        always.child("spec").set("unhealthyPodEvictionPolicy", "AlwaysAllow");
        assert!(allows_unhealthy(&always));
    }
}
