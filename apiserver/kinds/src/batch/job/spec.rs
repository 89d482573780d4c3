//! What is asked of a job, wherever it stands: in a Job or in a template of jobs.

use apiserver_api::names;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{policies, status};
use crate::check::{immutable, immutable_struct, non_negative};
use crate::internal::LABEL_SELECTOR;
use crate::{pod, workload};

const TEMPLATE: &str = "io.k8s.api.core.v1.PodTemplateSpec";
const INDEXED_MAX: i64 = 100_000;
/// More completions than this are many, for which limits are lower.
const MANY: i64 = 100_000;
const MAX_OF_MANY: i64 = 10_000;
const MANAGER_MAX: usize = 63;

/// Warns of a job that cannot be kept track of, and of its template.
pub(in crate::batch) fn warnings(path: &Path<'_>, spec: &Tree, old: Option<&Tree>) -> Vec<String> {
    let mut warnings = Vec::new();
    let is_large = spec.int("completions") > MANY && spec.int("parallelism") > MAX_OF_MANY;
    if spec.text("completionMode") == "Indexed" && is_large {
        let text = "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, \
                    Kubernetes might not be able to track completedIndexes when a big number of indexes fail";
        warnings.push(format!("{path}: {text}"));
    }
    let old = old.map(|old| old.at("template"));
    warnings.extend(pod::template_warnings(
        &path.field("template"),
        spec.at("template"),
        old,
    ));
    warnings
}

/// Checks a job but for its selector.
pub(in crate::batch) fn validate_job(path: &Path<'_>, spec: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    validate_numbers(path, spec, refusals);
    if let Some(manager) = spec.at("managedBy").as_str() {
        let path = path.field("managedBy");
        names::domain_prefixed_path(&path, manager, refusals);
        if manager.len() > MANAGER_MAX {
            refusals.too_long(&path, MANAGER_MAX);
        }
    }
    let mode = spec.at("completionMode").as_str();
    if let Some(mode) = mode.filter(|mode| !matches!(*mode, "NonIndexed" | "Indexed")) {
        refusals.not_supported(&path.field("completionMode"), mode, &["NonIndexed", "Indexed"]);
    }
    match mode {
        Some("Indexed") => validate_indexed(path, spec, refusals),
        None | Some("NonIndexed") => {
            for field in ["backoffLimitPerIndex", "maxFailedIndexes"] {
                if let Some(value) = spec.at(field).as_int() {
                    refusals.invalid(&path.field(field), value, "requires indexed completion mode");
                }
            }
        }
        Some(_) => {}
    }
    if spec.has("podFailurePolicy") {
        policies::validate_failure(&path.field("podFailurePolicy"), spec, refusals);
    }
    if spec.has("successPolicy") {
        policies::validate_success(&path.field("successPolicy"), spec, refusals);
    }
    if let Some(policy) = spec.at("podReplacementPolicy").as_str() {
        let known = ["Failed", "TerminatingOrFailed"];
        let known = if spec.has("podFailurePolicy") {
            &known[..1]
        } else {
            &known
        };
        if !known.contains(&policy) {
            refusals.not_supported(&path.field("podReplacementPolicy"), policy, known);
        }
    }
    validate_template(path, spec, old, refusals);
}

fn validate_numbers(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let counts = [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
    ];
    workload::validate_counts(path, spec, &counts, refusals);
    if let Some(most) = spec.at("maxFailedIndexes").as_int() {
        non_negative(&path.field("maxFailedIndexes"), most, refusals);
        if !spec.has("backoffLimitPerIndex") {
            let detail = "when maxFailedIndexes is specified";
            refusals.required(&path.field("backoffLimitPerIndex"), detail);
        }
    }
}

fn validate_indexed(path: &Path<'_>, spec: &Tree, refusals: &mut Refusals) {
    let completions = spec.at("completions").as_int();
    let (parallel, failed) = (spec.at("parallelism").as_int(), spec.at("maxFailedIndexes").as_int());
    let (parallel_path, failed_path) = (path.field("parallelism"), path.field("maxFailedIndexes"));
    if completions.is_none() {
        refusals.required(&path.field("completions"), "when completion mode is Indexed");
    }
    if let Some(parallel) = parallel.filter(|parallel| *parallel > INDEXED_MAX) {
        let detail = "must be less than or equal to 100000 when completion mode is Indexed";
        refusals.invalid(&parallel_path, parallel, detail);
    }
    if let Some(failed) = failed {
        if completions.is_some_and(|completions| failed > completions) {
            refusals.invalid(&failed_path, failed, "must be less than or equal to completions");
        }
        if failed > INDEXED_MAX {
            refusals.invalid(&failed_path, failed, "must be less than or equal to 100000");
        }
    }
    if completions.is_none_or(|completions| completions <= MANY) || !spec.has("backoffLimitPerIndex") {
        return;
    }
    if failed.is_none() {
        refusals.required(&failed_path, "must be specified when completions is above 100000");
    }
    for (path, count) in [(parallel_path, parallel), (failed_path, failed)] {
        if let Some(count) = count.filter(|count| *count > MAX_OF_MANY) {
            let detail = "must be less than or equal to 10000 when completions are above 100000 and used with backoff \
                          limit per index";
            refusals.invalid(&path, count, detail);
        }
    }
}

fn validate_template(path: &Path<'_>, spec: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let (path, template) = (path.field("template"), spec.at("template"));
    match old {
        Some(old) => pod::validate_template_update(&path, template, old.at("template"), refusals),
        None => pod::validate_template(&path, template, refusals),
    }
    let path = path.field("spec");
    let (path, policy) = (path.field("restartPolicy"), template.at("spec").text("restartPolicy"));
    match policy {
        "" | "Always" => refusals.required(&path, "valid values: \"OnFailure\", \"Never\""),
        "OnFailure" if spec.has("podFailurePolicy") => {
            let detail = "only \"Never\" is supported when podFailurePolicy is specified";
            refusals.invalid(&path, policy, detail);
        }
        "OnFailure" | "Never" => {}
        _ => refusals.not_supported(&path, policy, &["OnFailure", "Never"]),
    }
}

/// Checks that a job keeps what it was made with.
pub(super) fn validate_kept(spec: &Tree, old_job: &Tree, refusals: &mut Refusals) {
    let (path, old) = (Path::of("spec"), old_job.at("spec"));
    validate_completions(&path.field("completions"), spec, old, refusals);
    let kept_struct = |field: &str, of: &str, old: &Tree, refusals: &mut Refusals| {
        immutable_struct(&path.field(field), of, spec.at(field), old, refusals);
    };
    kept_struct("selector", LABEL_SELECTOR, old.at("selector"), refusals);
    kept_struct(
        "template",
        TEMPLATE,
        &changeable(spec.at("template"), old_job),
        refusals,
    );
    let kept = |field: &str, refusals: &mut Refusals| {
        immutable(&path.field(field), spec.at(field), old.at(field), refusals);
    };
    kept("completionMode", refusals);
    kept_struct(
        "podFailurePolicy",
        policies::FAILURE,
        old.at("podFailurePolicy"),
        refusals,
    );
    kept("backoffLimitPerIndex", refusals);
    kept("managedBy", refusals);
    kept_struct("successPolicy", policies::SUCCESS, old.at("successPolicy"), refusals);
}

/// A job with indexes may grow and shrink, if all of them run at once.
fn validate_completions(path: &Path<'_>, spec: &Tree, old: &Tree, refusals: &mut Refusals) {
    let (new, old) = (spec.at("completions"), old.at("completions"));
    if spec.text("completionMode") != "Indexed" {
        immutable(path, new, old, refusals);
    } else if new != old && !new.is_null() && new != spec.at("parallelism") {
        refusals.invalid(path, new, "can only be modified in tandem with spec.parallelism");
    }
}

/// The old template with what may change of it as the new one has it: while a job is suspended and none of its pods runs,
/// where they are placed and what they ask for.
fn changeable(new: &Tree, old_job: &Tree) -> Tree {
    let mut old = old_job.below(&["spec", "template"]).clone();
    let has_run = old_job.at("status").has("startTime") && !status::has(old_job, "Suspended");
    if !old_job.at("spec").flag("suspend") || has_run || old_job.at("status").int("active") > 0 {
        return old;
    }
    for field in ["annotations", "labels"] {
        take(old.child("metadata"), new.at("metadata"), field);
    }
    if old.entries("metadata").is_empty() && !new.has("metadata") {
        old.remove("metadata");
    }
    let (pod, new) = (old.child("spec"), new.at("spec"));
    take(pod.child("affinity"), new.at("affinity"), "nodeAffinity");
    if pod.entries("affinity").is_empty() && !new.has("affinity") {
        pod.remove("affinity");
    }
    for field in ["nodeSelector", "tolerations", "schedulingGates"] {
        take(pod, new, field);
    }
    for containers in ["containers", "initContainers"] {
        let others = new.items(containers);
        let Some(own) = pod.get_mut(containers).and_then(Tree::as_list_mut) else {
            continue;
        };
        if own.len() == others.len() {
            for (one, other) in own.iter_mut().zip(others) {
                take(one, other, "resources");
            }
        }
    }
    old
}

fn take(into: &mut Tree, from: &Tree, field: &str) {
    crate::kind::keep(into, from, field);
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::{Tree, parse};

    fn tree(json: &str) -> Tree {
        parse(json.as_bytes()).unwrap().tree
    }

    #[test]
    fn indexes_have_their_limits() {
        for (spec, refused) in [
            (r#"{"completions":3,"backoffLimitPerIndex":1,"maxFailedIndexes":3}"#, 0),
            ("{}", 1),
            (r#"{"completions":3,"maxFailedIndexes":4}"#, 1),
            (r#"{"completions":3,"parallelism":100001}"#, 1),
            (r#"{"completions":100001,"backoffLimitPerIndex":1}"#, 1),
            (
                r#"{"completions":100001,"backoffLimitPerIndex":1,"maxFailedIndexes":10001,"parallelism":10001}"#,
                2,
            ),
        ] {
            let mut refusals = Refusals::new();
            super::validate_indexed(&Path::of("spec"), &tree(spec), &mut refusals);
            assert_eq!(refusals.len(), refused, "{spec}: {refusals}");
        }
    }

    #[test]
    fn a_template_changes_only_while_nothing_runs() {
        let template = |selector: &str, image: &str| {
            format!(
                r#"{{"template":{{"spec":{{"containers":[{{"image":"{image}"}}],"nodeSelector":{{"a":"{selector}"}}}}}}}}"#
            )
        };
        let old = template("b", "x");
        let suspended = old.replacen('{', "{\"suspend\":true,", 1);
        for (old, status, new, refused) in [
            (&old, "{}", template("b", "x"), 0),
            (&old, "{}", template("c", "x"), 1),
            (&suspended, "{}", template("c", "x"), 0),
            (&suspended, "{}", template("c", "y"), 1),
            (&suspended, r#"{"active":1}"#, template("c", "x"), 1),
            (
                &suspended,
                r#"{"startTime":"2026-01-01T00:00:00Z"}"#,
                template("c", "x"),
                1,
            ),
        ] {
            let job = tree(&format!(r#"{{"spec":{old},"status":{status}}}"#));
            let mut refusals = Refusals::new();
            super::validate_kept(&tree(&new), &job, &mut refusals);
            assert_eq!(refusals.len(), refused, "{new}: {refusals}");
        }
    }

    #[test]
    fn a_job_keeps_its_mode_and_its_policies() {
        let old = tree(r#"{"spec":{"completionMode":"Indexed","completions":2,"parallelism":2}}"#);
        for (new, refused) in [
            (r#"{"completionMode":"Indexed","completions":3,"parallelism":3}"#, 0),
            (r#"{"completionMode":"Indexed","completions":3,"parallelism":2}"#, 1),
            (r#"{"completionMode":"NonIndexed","completions":2}"#, 1),
            (
                r#"{"completionMode":"Indexed","completions":2,"successPolicy":{},"managedBy":"a/b"}"#,
                2,
            ),
        ] {
            let mut refusals = Refusals::new();
            super::validate_kept(&tree(new), &old, &mut refusals);
            assert_eq!(refusals.len(), refused, "{new}: {refusals}");
        }
    }
}
