//! What a job's controller says of it, which must go from state to state as jobs do.

use std::collections::BTreeSet;

use apiserver_api::path::Path;
use apiserver_api::refusal::{Refusals, Shown};
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;

use super::indexes;
use crate::core::metadata::validate_metadata_update;
use crate::kind::{Asked, StatusRules};
use crate::workload;

/// Whether a condition of a job is true.
pub(super) fn has(job: &Tree, condition: &str) -> bool {
    let conditions = job.at("status").items("conditions");
    let mut named = conditions.iter().filter(|one| one.text("type") == condition);
    named.any(|one| one.text("status") == "True")
}

fn is_finished(job: &Tree) -> bool {
    has(job, "Complete") || has(job, "Failed")
}

/// The rules of the status.
pub(super) struct JobStatus;

impl StatusRules for JobStatus {
    fn validate(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        validate_counts(object.at("status"), refusals);
        let change = Change { new: object, old };
        change.validate_completion(refusals);
        change.validate_finish(refusals);
        change.validate_indexes(refusals);
        change.validate_pods(refusals);
        change.validate_success(refusals);
        change.validate_progress(refusals);
    }
}

fn validate_counts(status: &Tree, refusals: &mut Refusals) {
    let path = Path::of("status");
    let counts = ["active", "succeeded", "failed", "ready", "terminating"];
    workload::validate_counts(&path, status, &counts, refusals);
    let (path, pods) = (
        path.field("uncountedTerminatedPods"),
        status.at("uncountedTerminatedPods"),
    );
    let mut seen = BTreeSet::new();
    for field in ["succeeded", "failed"] {
        let path = path.field(field);
        for (at, uid) in pods.items(field).iter().enumerate() {
            let uid = uid.as_str().unwrap_or_default();
            if uid.is_empty() {
                refusals.invalid(&path.index(at), uid, "must not be empty");
            } else if !seen.insert(uid) {
                refusals.duplicate(&path.index(at), uid);
            }
        }
    }
}

/// A status and the one before it. Most rules look only at what has changed, so that a status that is wrong already can
/// change otherwise.
struct Change<'j> {
    new: &'j Tree,
    old: &'j Tree,
}

impl Change<'_> {
    fn status(&self) -> &Tree {
        self.new.at("status")
    }

    /// Whether a field of the status is another than before.
    fn of(&self, field: &str) -> bool {
        self.status().at(field) != self.old.at("status").at(field)
    }

    /// Whether a condition is another than before.
    fn of_condition(&self, condition: &str) -> bool {
        has(self.new, condition) != has(self.old, condition)
    }

    fn finish(&self) -> bool {
        is_finished(self.new) != is_finished(self.old)
    }

    fn refuse_conditions(detail: &str, refusals: &mut Refusals) {
        let path = Path::of("status");
        refusals.invalid_unseen(&path.field("conditions"), detail);
    }

    /// When it was complete.
    fn validate_completion(&self, refusals: &mut Refusals) {
        let (path, status) = (Path::of("status"), self.status());
        let (complete, completion) = (has(self.new, "Complete"), status.at("completionTime"));
        let path = path.field("completionTime");
        let changed = self.of_condition("Complete");
        if (changed || self.of_condition("Failed")) && complete && has(self.new, "Failed") {
            Self::refuse_conditions("cannot set Complete=True and Failed=true conditions", refusals);
        }
        if (changed || self.of_condition("FailureTarget")) && complete && has(self.new, "FailureTarget") {
            Self::refuse_conditions("cannot set Complete=True and FailureTarget=true conditions", refusals);
        }
        if changed || self.of("completionTime") {
            if !completion.is_null() && !complete {
                let detail = "cannot set completionTime when there is no Complete=True condition";
                refusals.invalid(&path, completion, detail);
            }
            if completion.is_null() && complete {
                refusals.required(&path, "completionTime is required for Complete jobs");
            }
        }
        let time = |field: &str| status.at(field).as_str().and_then(|text| Time::parse(text).ok());
        let is_before = matches!((time("completionTime"), time("startTime")), (Some(end), Some(start)) if end < start);
        if (self.of("startTime") || self.of("completionTime")) && is_before {
            refusals.invalid(&path, completion, "completionTime cannot be set before startTime");
        }
    }

    /// Whether it is complete without ever having begun: it is suspended, and no pod has to succeed.
    fn is_nothing_to_do(&self) -> bool {
        let spec = self.new.at("spec");
        spec.flag("suspend") && spec.at("completions").as_int() == Some(0)
    }

    /// What must be and what may not be once it is finished.
    fn validate_finish(&self, refusals: &mut Refusals) {
        let changed = self.of_condition("Failed") || self.of_condition("FailureTarget");
        if changed && has(self.new, "Failed") && !has(self.new, "FailureTarget") {
            let detail = "cannot set Failed=True condition without the FailureTarget=true condition";
            Self::refuse_conditions(detail, refusals);
        }
        let changed = self.of_condition("Complete") || self.of_condition("SuccessCriteriaMet");
        if changed && has(self.new, "Complete") && !has(self.new, "SuccessCriteriaMet") {
            let detail = "cannot set Complete=True condition without the SuccessCriteriaMet=true condition";
            Self::refuse_conditions(detail, refusals);
        }
        if !is_finished(self.new) {
            return;
        }
        let (path, status) = (Path::of("status"), self.status());
        let active = status.int("active");
        if (self.finish() || self.of("active")) && active > 0 {
            refusals.invalid(&path.field("active"), active, "active>0 is invalid for finished job");
        }
        if (self.finish() || self.of("startTime")) && !status.has("startTime") && !self.is_nothing_to_do() {
            refusals.required(&path.field("startTime"), "startTime is required for finished job");
        }
        let pods = status.at("uncountedTerminatedPods");
        let uncounted = pods.items("failed").len() + pods.items("succeeded").len();
        if (self.finish() || self.of("uncountedTerminatedPods")) && uncounted > 0 {
            let list = |field: &str| String::from_utf8_lossy(&pods.at(field).to_json()).into_owned();
            let shown = format!("{{\"Succeeded\":{},\"Failed\":{}}}", list("succeeded"), list("failed"));
            let shown = Shown::raw(shown);
            let detail = "uncountedTerminatedPods needs to be empty for finished job";
            refusals.invalid(&path.field("uncountedTerminatedPods"), shown, detail);
        }
    }

    /// Which indexes are complete, and which failed.
    fn validate_indexes(&self, refusals: &mut Refusals) {
        let (path, status, spec) = (Path::of("status"), self.status(), self.new.at("spec"));
        let (completed_path, failed_path) = (path.field("completedIndexes"), path.field("failedIndexes"));
        let (completed, failed) = (status.text("completedIndexes"), status.at("failedIndexes").as_str());
        let completions = spec.at("completions").as_int();
        let (completed_changed, failed_changed) = (self.of("completedIndexes"), self.of("failedIndexes"));
        let parse = |text: &str| indexes::count(text, completions?).err();
        if let Some(error) = parse(completed).filter(|_| completed_changed) {
            let detail = format!("error parsing completedIndexes: {error}");
            refusals.invalid(&completed_path, completed, &detail);
        }
        let limited = spec.has("backoffLimitPerIndex");
        let unread = failed.filter(|_| failed_changed && limited).and_then(parse);
        if let Some(error) = unread {
            let detail = format!("error parsing failedIndexes: {error}");
            refusals.invalid(&failed_path, failed.unwrap_or_default(), &detail);
        }
        if completed_changed && !completed.is_empty() && spec.text("completionMode") != "Indexed" {
            let detail = "cannot set non-empty completedIndexes when non-indexed completion mode";
            refusals.invalid(&completed_path, completed, detail);
        }
        let Some(failed) = failed else {
            return;
        };
        if failed_changed && !limited {
            let detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
            refusals.invalid(&failed_path, failed, detail);
        }
        let shared = completions.and_then(|completions| indexes::overlap(completed, failed, completions));
        if let Some(index) = shared.filter(|_| completed_changed || failed_changed) {
            let detail = format!("failedIndexes and completedIndexes overlap at index: {index}");
            refusals.invalid(&failed_path, failed, &detail);
        }
    }

    /// How many pods run.
    fn validate_pods(&self, refusals: &mut Refusals) {
        let (path, status) = (Path::of("status"), self.status());
        let terminating = status.int("terminating");
        if (self.finish() || self.of("terminating")) && terminating > 0 && is_finished(self.new) {
            let detail = "terminating>0 is invalid for finished job";
            refusals.invalid(&path.field("terminating"), terminating, detail);
        }
        let ready = status.at("ready").as_int();
        let active = status.int("active");
        if let Some(ready) = ready.filter(|ready| *ready > active && (self.of("ready") || self.of("active"))) {
            refusals.invalid(&path.field("ready"), ready, "cannot set more ready pods than active");
        }
    }

    /// Whether enough has succeeded.
    fn validate_success(&self, refusals: &mut Refusals) {
        let met = has(self.new, "SuccessCriteriaMet");
        for (condition, name) in [("Failed", "Failed=true"), ("FailureTarget", "FailureTarget=true")] {
            if met && has(self.new, condition) {
                let detail = format!("cannot set SuccessCriteriaMet=True and {name} conditions");
                Self::refuse_conditions(&detail, refusals);
            }
        }
        if self.new.at("spec").has("successPolicy") && !met && has(self.new, "Complete") {
            let detail = "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True";
            Self::refuse_conditions(detail, refusals);
        }
    }

    /// That it does not go back.
    fn validate_progress(&self, refusals: &mut Refusals) {
        let (path, status, old) = (Path::of("status"), self.status(), self.old.at("status"));
        for condition in ["Failed", "Complete", "FailureTarget"] {
            if has(self.old, condition) && !has(self.new, condition) {
                let detail = format!("cannot disable the terminal {condition}=True condition");
                Self::refuse_conditions(&detail, refusals);
            }
        }
        let spec = self.new.at("spec");
        let elastic = spec.text("completionMode") == "Indexed" && spec.at("completions") == spec.at("parallelism");
        for (field, checked) in [("failed", true), ("succeeded", !elastic)] {
            let count = status.int(field);
            if checked && count < old.int(field) {
                let detail = format!("cannot decrease the {field} counter");
                refusals.invalid(&path.field(field), count, &detail);
            }
        }
        let completion = status.at("completionTime");
        if !completion.is_null() && old.has("completionTime") && self.of("completionTime") {
            refusals.invalid(
                &path.field("completionTime"),
                completion,
                "completionTime cannot be mutated",
            );
        }
        if old.has("startTime") && self.of("startTime") && !spec.flag("suspend") {
            let detail = "startTime cannot be removed for unsuspended job";
            refusals.required(&path.field("startTime"), detail);
        }
        let (met, was_met) = (has(self.new, "SuccessCriteriaMet"), has(self.old, "SuccessCriteriaMet"));
        if was_met && !met {
            Self::refuse_conditions("cannot disable the SuccessCriteriaMet=True condition", refusals);
        }
        if has(self.old, "Complete") && !was_met && met {
            let detail = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions";
            Self::refuse_conditions(detail, refusals);
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::{Tree, parse};

    use super::Change;

    fn job(conditions: &[&str], rest: &str) -> Tree {
        let conditions: Vec<String> = conditions
            .iter()
            .map(|condition| format!(r#"{{"type":"{condition}","status":"True"}}"#))
            .collect();
        let conditions = conditions.join(",");
        let json = format!(r#"{{"spec":{{"completions":3}},"status":{{"conditions":[{conditions}]{rest}}}}}"#);
        parse(json.as_bytes()).unwrap().tree
    }

    fn refused(new: &Tree, old: &Tree) -> usize {
        let mut refusals = Refusals::new();
        let change = Change { new, old };
        change.validate_completion(&mut refusals);
        change.validate_finish(&mut refusals);
        change.validate_indexes(&mut refusals);
        change.validate_pods(&mut refusals);
        change.validate_success(&mut refusals);
        change.validate_progress(&mut refusals);
        refusals.len()
    }

    #[test]
    fn a_suspended_job_without_completions_is_complete_without_a_start() {
        let end = r#","completionTime":"2026-01-01T00:00:01Z""#;
        for (spec, expected) in [
            (r#"{"completions":0,"suspend":true}"#, 0),
            (r#"{"completions":1,"suspend":true}"#, 1),
            (r#"{"completions":0}"#, 1),
        ] {
            let mut complete = job(&["SuccessCriteriaMet", "Complete"], end);
            complete.set("spec", parse(spec.as_bytes()).unwrap().tree);
            assert_eq!(refused(&complete, &job(&[], "")), expected, "{spec}");
        }
    }

    #[test]
    fn a_job_goes_from_state_to_state() {
        let start = r#","startTime":"2026-01-01T00:00:00Z""#;
        let end = r#","completionTime":"2026-01-01T00:00:01Z""#;
        let both = format!("{start}{end}");
        let running = job(&[], start);
        let complete = job(&["SuccessCriteriaMet", "Complete"], &both);
        for (new, old, expected) in [
            (&complete, &running, 0),
            (&job(&["Failed", "FailureTarget"], start), &running, 0),
            (&job(&["Complete"], &both), &running, 1),
            (&job(&["Failed"], start), &running, 1),
            (&job(&["SuccessCriteriaMet", "Complete"], start), &running, 1),
            (&job(&[], &both), &running, 1),
            (&job(&[], ""), &running, 1),
            (
                &job(&["SuccessCriteriaMet", "Complete"], &format!(r#"{both},"active":1"#)),
                &running,
                1,
            ),
            (&job(&[], &both), &complete, 3),
            (&job(&[], r#","ready":1"#), &job(&[], ""), 1),
            (&job(&[], ""), &job(&[], r#","failed":1"#), 1),
            (&job(&[], r#","completedIndexes":"0""#), &job(&[], ""), 1),
            (&job(&[], r#","failedIndexes":"0""#), &job(&[], ""), 1),
        ] {
            assert_eq!(refused(new, old), expected, "{new:?}");
        }
    }
}
