//! What /metrics holds.

use std::collections::BTreeMap;

use base::flags::pflag::Parsed;
use regex::Regex;
use serde_json::json;

use super::Findings;

/// The version before this one, the only one whose hidden metrics can be shown.
const PREVIOUS: &str = "1.35";
const LABEL: &str = "[a-zA-Z_][a-zA-Z0-9_]*";
const METRIC: &str = "[a-zA-Z_:][a-zA-Z0-9_:]*";

/// What /metrics holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Metrics {
    /// `--allow-metric-labels` or the file of `--allow-metric-labels-manifest`: by metric and label the values that are
    /// written as they are.
    pub(crate) allowed: BTreeMap<(String, String), Vec<String>>,
    /// `--disabled-metrics`: full names.
    pub(crate) disabled: Vec<String>,
    /// `--show-hidden-metrics-for-version`
    pub(crate) show_hidden: bool,
}

impl Metrics {
    pub(super) fn read(parsed: &Parsed, found: &mut Findings) -> Self {
        let hidden = parsed.text("show-hidden-metrics-for-version");
        if !matches!(hidden, "" | PREVIOUS) {
            found.error(format!(
                "metrics.showHiddenMetricsForVersion: Invalid value: {hidden:?}: must be omitted or have the value \
                 '{PREVIOUS}'; only the previous minor version is allowed"
            ));
        }
        let disabled = parsed.texts("disabled-metrics");
        if let Some(name) = disabled.iter().find(|name| !matches_all(METRIC, name)) {
            found.error(format!(
                "metrics.disabledMetrics: Invalid value: {}: must be fully qualified metric names matching \"^{METRIC}$\", \
                 got {name:?}",
                json!(disabled)
            ));
        }
        let given = parsed.pairs("allow-metric-labels");
        let manifest = parsed.text("allow-metric-labels-manifest");
        found.errors.extend(check_keys("metrics.allowListMapping", &given));
        let from_file = file(manifest).unwrap_or_else(|error| {
            found.error(error);
            BTreeMap::new()
        });
        let is_given = parsed.is_given("allow-metric-labels");
        if is_given && !manifest.is_empty() {
            found.error(format!(
                "metrics: Invalid value: {}: cannot specify both allowListMapping and allowListMappingManifest",
                configuration(hidden, disabled, &given, manifest)
            ));
        }
        Self {
            allowed: allowed(if is_given { given } else { from_file }),
            disabled: disabled.to_vec(),
            show_hidden: !hidden.is_empty(),
        }
    }
}

fn matches_all(pattern: &str, text: &str) -> bool {
    Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|regex| regex.is_match(text))
}

/// What is wrong with the keys of a mapping.
fn check_keys(field: &str, mapping: &BTreeMap<String, String>) -> Option<String> {
    let good = |key: &String| matches_all(&format!("{METRIC},{LABEL}"), key);
    let wrong = !mapping.keys().all(good);
    wrong.then(|| {
        format!(
            "{field}: Invalid value: {}: must have keys with format `metricName,labelName` where metricName matches \
             {METRIC:?} and labelName matches {LABEL:?}",
            json!(mapping)
        )
    })
}

/// The mapping in a file; none without a path.
fn file(path: &str) -> Result<BTreeMap<String, String>, String> {
    const FIELD: &str = "metrics.allowListMappingManifest";
    if path.is_empty() {
        return Ok(BTreeMap::new());
    }
    let wrong = |what: &str, why: &dyn std::fmt::Display| {
        format!("{FIELD}: Invalid value: {path:?}: failed to {what} allow list manifest: {why}")
    };
    let text = std::fs::read_to_string(path).map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
            _ => error.to_string(),
        };
        wrong("read", &format!("open {path}: {why}"))
    })?;
    let mapping: BTreeMap<String, String> = serde_norway::from_str(&text).map_err(|error| wrong("parse", &error))?;
    match check_keys(FIELD, &mapping) {
        None => Ok(mapping),
        Some(error) => Err(format!(
            "{FIELD}: Invalid value: {path:?}: invalid allow list mapping in manifest: {error}"
        )),
    }
}

/// All of it as JSON, without what is empty.
fn configuration(hidden: &str, disabled: &[String], given: &BTreeMap<String, String>, manifest: &str) -> String {
    let fields = [
        ("showHiddenMetricsForVersion", json!(hidden), hidden.is_empty()),
        ("disabledMetrics", json!(disabled), disabled.is_empty()),
        ("allowListMapping", json!(given), given.is_empty()),
        ("allowListMappingManifest", json!(manifest), false),
    ];
    let fields: Vec<String> = fields
        .into_iter()
        .filter(|(.., empty)| !empty)
        .map(|(name, value, _)| format!("{name:?}:{value}"))
        .collect();
    format!("{{{}}}", fields.join(","))
}

fn allowed(mapping: BTreeMap<String, String>) -> BTreeMap<(String, String), Vec<String>> {
    let mut allowed = BTreeMap::new();
    for (key, values) in mapping {
        if let Some((metric, label)) = key.split_once(',') {
            let values = values.split(',').map(str::to_owned).collect();
            allowed.insert((metric.to_owned(), label.to_owned()), values);
        }
    }
    allowed
}
