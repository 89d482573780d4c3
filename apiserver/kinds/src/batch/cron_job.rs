//! `CronJob`: jobs of a template, made by a schedule.

use apiserver_api::meta;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::{GROUP, job, schedule, time_zones};
use crate::check::{count_generation, one_of};
use crate::column::{AGE, Ago, Cell, Column, NAME, Words};
use crate::core::metadata::validate_metadata_update;
use crate::internal::{LABEL_SELECTOR, shown};
use crate::kind::{Asked, Kind, Rules, StatusRules, Subresource, Version, keep, validate_metadata};
use crate::{pod, template_columns, workload};

const TYPE: &str = "io.k8s.api.batch.v1.CronJob";
const SPEC: &str = "io.k8s.api.batch.v1.CronJobSpec";
const STATUS: &str = "io.k8s.api.batch.v1.CronJobStatus";
const TEMPLATE: [&str; 4] = ["spec", "jobTemplate", "spec", "template"];
/// The most bytes of a name: the names of its jobs have eleven more, and a label has 63.
const NAME_MAX: usize = 52;

/// The entry of the table.
pub(crate) const CRON_JOB: Kind = Kind {
    group: GROUP,
    kind: "CronJob",
    plural: "cronjobs",
    singular: "cronjob",
    short_names: &["cj"],
    categories: &["all"],
    versions: &[Version::stored("v1", TYPE)],
    subresources: &[Subresource::STATUS],
    folder: "cronjobs",
    rules: &CronJob,
    columns: &[
        NAME,
        Column {
            name: "Schedule",
            words: Words::Of(SPEC, "schedule"),
            cell: Cell::Is(|object| object.at("spec").text("schedule").into()),
            ..AGE
        },
        Column {
            name: "Timezone",
            words: Words::Of(SPEC, "timeZone"),
            cell: Cell::Is(|object| object.at("spec").at("timeZone").as_str().unwrap_or("<none>").into()),
            ..AGE
        },
        Column {
            name: "Suspend",
            kind: "boolean",
            words: Words::Of(SPEC, "suspend"),
            cell: Cell::Is(|object| shown_flag(object.at("spec").at("suspend")).into()),
            ..AGE
        },
        Column {
            name: "Active",
            kind: "integer",
            words: Words::Of(STATUS, "active"),
            cell: Cell::Is(|object| (object.at("status").items("active").len() as i64).into()),
            ..AGE
        },
        Column {
            name: "Last Schedule",
            words: Words::Of(STATUS, "lastScheduleTime"),
            cell: Cell::Ages(last_schedule),
            ..AGE
        },
        AGE,
        template_columns::INNER_CONTAINERS,
        template_columns::INNER_IMAGES,
        Column {
            words: Words::Of(job::SPEC, "selector"),
            cell: Cell::Is(|object| {
                let selector = object.below(&["spec", "jobTemplate", "spec", "selector"]);
                apiserver_api::labels::format(selector).into()
            }),
            ..template_columns::SELECTOR
        },
    ],
    ..Kind::PLAIN
};

fn shown_flag(flag: &Tree) -> &'static str {
    match flag {
        Tree::Bool(true) => "True",
        Tree::Bool(false) => "False",
        _ => "<unset>",
    }
}

fn last_schedule(object: &Tree) -> Ago {
    match object.at("status").at("lastScheduleTime").as_str() {
        Some(last) => Ago::of(Some(last)),
        None => Ago::Never("<none>".into()),
    }
}

struct CronJob;

impl Rules for CronJob {
    fn default(&self, object: &mut Tree) {
        let spec = object.child("spec");
        spec.set_default("concurrencyPolicy", "Allow");
        spec.set_default("suspend", false);
        spec.set_default("successfulJobsHistoryLimit", 3_i64);
        spec.set_default("failedJobsHistoryLimit", 1_i64);
        let job = spec.child("jobTemplate").child("spec");
        job::default_pod_conditions(job);
        pod::default_template(job.child("template"));
    }

    fn prepare_create(&self, _asked: &Asked<'_>, object: &mut Tree) {
        workload::clear_status(object, &[]);
        meta::set_generation(object, 1);
        pod::drop_disabled(template_mut(object), None);
    }

    fn prepare_update(&self, _asked: &Asked<'_>, object: &mut Tree, old: &Tree) {
        keep(object, old, "status");
        pod::drop_disabled(template_mut(object), Some(old.below(&TEMPLATE)));
        count_generation(&CRON_JOB, object, old, "spec");
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        validate_metadata(self.name(), true, object, refusals);
        validate_spec(object.at("spec"), None, refusals);
        let name = meta::name(object);
        if name.len() > NAME_MAX {
            let path = Path::of("metadata");
            refusals.invalid(&path.field("name"), name, "must be no more than 52 characters");
        }
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        validate_metadata_update(object, old, refusals);
        validate_spec(object.at("spec"), Some(old.at("spec")), refusals);
    }

    fn warnings(&self, object: &Tree, old: Option<&Tree>) -> Vec<String> {
        let mut warnings = Vec::new();
        if old.is_none() {
            warnings.extend(workload::name_warning(object));
        }
        if old.is_none_or(|old| meta::generation(old) != meta::generation(object)) {
            let job = |object: &Tree| object.below(&["spec", "jobTemplate", "spec"]).clone();
            let spec = Path::of("spec");
            let template = spec.field("jobTemplate");
            let old = old.map(job);
            warnings.extend(job::spec_warnings(&template.field("spec"), &job(object), old.as_ref()));
        }
        if object.at("spec").text("schedule").contains("TZ") {
            // Upstream writes the path with one step too many.
            let text = "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see \
                        https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details";
            warnings.push(text.to_owned());
        }
        warnings
    }

    fn canonicalize(&self, object: &mut Tree) {
        job::canonicalize_rules(object.child("spec").child("jobTemplate").child("spec"));
    }

    fn status(&self) -> Option<&dyn StatusRules> {
        Some(self)
    }

    fn reset(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }
}

fn template_mut(object: &mut Tree) -> &mut Tree {
    TEMPLATE.iter().fold(object, |tree, field| tree.child(field))
}

fn validate_spec(spec: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let path = Path::of("spec");
    validate_schedule(&path.field("schedule"), spec, old, refusals);
    workload::validate_counts(&path, spec, &["startingDeadlineSeconds"], refusals);
    let zone = spec.at("timeZone");
    if let Some(name) = zone
        .as_str()
        .filter(|_| old.is_none_or(|old| old.at("timeZone") != zone))
    {
        validate_zone(&path.field("timeZone"), name, refusals);
    }
    let policy = spec.text("concurrencyPolicy");
    let known = ["Allow", "Forbid", "Replace"];
    one_of(&path.field("concurrencyPolicy"), policy, &known, true, refusals);
    let (template, old) = (
        spec.at("jobTemplate").at("spec"),
        old.map(|old| old.at("jobTemplate").at("spec")),
    );
    let job_path = path.field("jobTemplate");
    let job_path = job_path.field("spec");
    job::validate_job(&job_path, template, old, refusals);
    if template.has("selector") {
        let selector = shown(LABEL_SELECTOR, template.at("selector"));
        refusals.invalid(
            &job_path.field("selector"),
            selector,
            "`selector` will be auto-generated",
        );
    }
    if template.flag("manualSelector") {
        refusals.not_supported(&job_path.field("manualSelector"), true, &["nil", "false"]);
    }
    let limits = ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"];
    workload::validate_counts(&path, spec, &limits, refusals);
}

fn validate_schedule(path: &Path<'_>, spec: &Tree, old: Option<&Tree>, refusals: &mut Refusals) {
    let text = spec.text("schedule");
    if text.is_empty() {
        refusals.required(path, "");
        return;
    }
    if let Err(error) = schedule::validate(text) {
        refusals.invalid(path, text, &error);
    }
    let allowed = old.is_some_and(|old| old.text("schedule").contains("TZ"));
    if !text.contains("TZ") {
        return;
    }
    if !allowed {
        let detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
        refusals.invalid(path, text, detail);
    } else if spec.has("timeZone") {
        let detail = "cannot use both timeZone field and TZ or CRON_TZ in schedule";
        refusals.invalid(path, text, detail);
    }
}

fn validate_zone(path: &Path<'_>, zone: &str, refusals: &mut Refusals) {
    if zone.is_empty() {
        refusals.invalid(path, zone, "timeZone must be nil or non-empty string");
        return;
    }
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte);
    let is_part = |part: &str| {
        let plain = (1..=14).contains(&part.len()) && part.bytes().all(is_letter);
        plain && part != "." && part != ".." && !part.starts_with('-')
    };
    if !zone.split('/').all(is_part) {
        refusals.invalid(path, zone, &format!("unknown time zone {zone}"));
        return;
    }
    if zone.eq_ignore_ascii_case("local") {
        let detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        refusals.invalid(path, zone, detail);
    }
    if let Err(error) = time_zones::check(zone) {
        refusals.invalid(path, zone, &error);
    }
}

impl StatusRules for CronJob {
    // What the controller writes of it is not checked.
    fn validate(&self, _asked: &Asked<'_>, _object: &Tree, _old: &Tree, _refusals: &mut Refusals) {}
}

#[cfg(test)]
mod tests {
    use apiserver_api::path::Path;
    use apiserver_api::refusal::Refusals;
    use apiserver_api::tree::parse;

    #[test]
    fn a_time_zone_is_one_that_is_known() {
        for (zone, refused) in [
            ("Europe/Berlin", 0),
            ("", 1),
            ("Local", 1),
            ("local", 2),
            ("../UTC", 1),
            ("Mars/One", 1),
            ("a..b", 1),
        ] {
            let mut refusals = Refusals::new();
            super::validate_zone(&Path::of("timeZone"), zone, &mut refusals);
            assert_eq!(refusals.len(), refused, "{zone}: {refusals}");
        }
    }

    #[test]
    fn a_schedule_has_no_zone_unless_it_had_one() {
        let spec = parse(br#"{"schedule":"TZ=UTC 0 0 * * *"}"#).unwrap().tree;
        for (old, refused) in [(None, 1), (Some(&spec), 0)] {
            let mut refusals = Refusals::new();
            super::validate_schedule(&Path::of("schedule"), &spec, old, &mut refusals);
            assert_eq!(refusals.len(), refused, "{refusals}");
        }
    }
}
