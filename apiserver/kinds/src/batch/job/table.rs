//! What tables show of jobs.

use apiserver_api::meta;
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;

use super::SPEC;
use crate::column::{AGE, Ago, Cell, Column, NAME, Words};
use crate::template_columns;

/// The columns.
pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column {
        name: "Status",
        words: Words::Text("Status of the job."),
        cell: Cell::Is(|object| state(object).into()),
        ..AGE
    },
    Column {
        name: "Completions",
        words: Words::Of("io.k8s.api.batch.v1.JobStatus", "succeeded"),
        cell: Cell::Is(|object| completions(object).into()),
        ..AGE
    },
    Column {
        name: "Duration",
        words: Words::Text("Time required to complete the job."),
        cell: Cell::Ages(duration),
        ..AGE
    },
    AGE,
    template_columns::CONTAINERS,
    template_columns::IMAGES,
    Column {
        words: Words::Of(SPEC, "selector"),
        ..template_columns::SELECTOR
    },
];

fn state(object: &Tree) -> &'static str {
    let finished = ["Complete", "Failed"].into_iter().find(|state| has(object, state));
    finished.unwrap_or_else(|| {
        if meta::is_deleting(object) {
            return "Terminating";
        }
        let later = ["Suspended", "FailureTarget", "SuccessCriteriaMet"];
        later.into_iter().find(|state| has(object, state)).unwrap_or("Running")
    })
}

/// Whether a condition holds, of which only the first counts here.
fn has(job: &Tree, condition: &str) -> bool {
    let conditions = job.at("status").items("conditions");
    let first = conditions.iter().find(|one| one.text("type") == condition);
    first.is_some_and(|one| one.text("status") == "True")
}

fn completions(object: &Tree) -> String {
    let (spec, succeeded) = (object.at("spec"), object.at("status").int("succeeded"));
    let parallelism = spec.int("parallelism");
    match spec.at("completions").as_int() {
        Some(completions) => format!("{succeeded}/{completions}"),
        None if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        None => format!("{succeeded}/1"),
    }
}

fn duration(object: &Tree) -> Ago {
    let status = object.at("status");
    let Some(start) = status.at("startTime").as_str() else {
        return Ago::Never("".into());
    };
    let ago = Ago::of(Some(start));
    let end = status.at("completionTime").as_str();
    match end.and_then(|end| Time::parse(end).ok()) {
        Some(end) => Ago::Never(ago.shown(end)),
        None => ago,
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::time::Time;
    use apiserver_api::tree::parse;

    #[test]
    fn a_job_shows_how_far_it_is() {
        let now = Time::parse("2026-01-01T00:01:00Z").unwrap();
        for (job, shown) in [
            (
                r#"{"spec":{"completions":2},"status":{"succeeded":1}}"#,
                ["Running", "1/2", ""],
            ),
            (r#"{"spec":{"parallelism":3}}"#, ["Running", "0/1 of 3", ""]),
            (
                r#"{"status":{"startTime":"2026-01-01T00:00:00Z","conditions":[{"type":"Failed","status":"True"}]}}"#,
                ["Failed", "0/1", "60s"],
            ),
            // Only the first condition of a type counts.
            (
                r#"{"status":{"conditions":[{"type":"Failed","status":"False"},{"type":"Failed","status":"True"}]}}"#,
                ["Running", "0/1", ""],
            ),
            (
                r#"{"status":{"startTime":"2026-01-01T00:00:00Z","completionTime":"2026-01-01T00:00:05Z"}}"#,
                ["Running", "0/1", "5s"],
            ),
        ] {
            let job = parse(job.as_bytes()).unwrap().tree;
            let found = [
                super::state(&job).to_owned(),
                super::completions(&job),
                super::duration(&job).shown(now).into(),
            ];
            assert_eq!(found, shown);
        }
    }
}
