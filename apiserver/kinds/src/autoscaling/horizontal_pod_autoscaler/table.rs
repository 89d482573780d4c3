//! What tables show of autoscalers.

use apiserver_api::tree::Tree;

use super::{SPEC, STATUS};
use crate::column::{AGE, Cell, Column, NAME, Words};

const SHOWN_MAX: usize = 2;

/// The columns.
pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column {
        name: "Reference",
        words: Words::Of(SPEC, "scaleTargetRef"),
        cell: Cell::Is(|object| {
            let target = object.at("spec").at("scaleTargetRef");
            format!("{}/{}", target.text("kind"), target.text("name")).into()
        }),
        ..AGE
    },
    Column {
        name: "Targets",
        words: Words::Of(SPEC, "metrics"),
        cell: Cell::Is(|object| targets(object).into()),
        ..AGE
    },
    Column {
        name: "MinPods",
        words: Words::Of(SPEC, "minReplicas"),
        cell: Cell::Is(|object| {
            let min = object.at("spec").at("minReplicas").as_int();
            min.map_or_else(|| "<unset>".to_owned(), |min| min.to_string()).into()
        }),
        ..AGE
    },
    Column {
        name: "MaxPods",
        words: Words::Of(SPEC, "maxReplicas"),
        cell: Cell::Is(|object| object.at("spec").int("maxReplicas").into()),
        ..AGE
    },
    Column {
        name: "Replicas",
        words: Words::Of(STATUS, "currentReplicas"),
        cell: Cell::Is(|object| object.at("status").int("currentReplicas").into()),
        ..AGE
    },
    AGE,
];

fn targets(object: &Tree) -> String {
    let metrics = object.at("spec").items("metrics");
    let states = object.at("status").items("currentMetrics");
    if metrics.is_empty() {
        return "<none>".to_owned();
    }
    let shown = metrics.iter().enumerate().take(SHOWN_MAX);
    let shown: Vec<String> = shown
        .map(|(at, metric)| target(metric, states.get(at).unwrap_or(&Tree::Null)))
        .collect();
    let shown = shown.join(", ");
    match metrics.len().saturating_sub(SHOWN_MAX) {
        0 => shown,
        more => format!("{shown} + {more} more..."),
    }
}

fn target(metric: &Tree, state: &Tree) -> String {
    let (field, names) = match metric.text("type") {
        "External" => ("external", false),
        "Pods" => ("pods", false),
        "Object" => ("object", false),
        "Resource" => ("resource", true),
        "ContainerResource" => ("containerResource", true),
        _ => return "<unknown type>".to_owned(),
    };
    let (source, current) = (metric.at(field), state.at(field).at("current"));
    let target = source.at("target");
    let amount = |of: &Tree, field: &str| of.at(field).as_str().unwrap_or("<unknown>").to_owned();
    let share = |of: &Tree, missing: &str| {
        let share = of.at("averageUtilization").as_int();
        share.map_or_else(|| missing.to_owned(), |share| format!("{share}%"))
    };
    if names {
        let (current, target) = if target.has("averageValue") {
            (amount(current, "averageValue"), amount(target, "averageValue"))
        } else {
            (share(current, "<unknown>"), share(target, "<auto>"))
        };
        return format!("{}: {current}/{target}", source.text("name"));
    }
    if field == "pods" {
        return format!("{}/{}", amount(current, "averageValue"), amount(target, "averageValue"));
    }
    if target.has("averageValue") {
        return format!(
            "{}/{} (avg)",
            amount(current, "averageValue"),
            amount(target, "averageValue")
        );
    }
    format!("{}/{}", amount(current, "value"), amount(target, "value"))
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::parse;

    #[test]
    fn targets_are_shown_beside_what_is_measured() {
        let cpu = r#"{"type":"Resource","resource":{"name":"cpu","target":{"averageUtilization":80}}}"#;
        let pods = r#"{"type":"Pods","pods":{"target":{"averageValue":"5"}}}"#;
        let state = r#"{"resource":{"current":{"averageUtilization":33}}}"#;
        for (metrics, states, shown) in [
            (String::new(), "", "<none>"),
            (cpu.to_owned(), "", "cpu: <unknown>/80%"),
            (
                format!("{cpu},{pods},{pods}"),
                state,
                "cpu: 33%/80%, <unknown>/5 + 1 more...",
            ),
        ] {
            let json = format!(r#"{{"spec":{{"metrics":[{metrics}]}},"status":{{"currentMetrics":[{states}]}}}}"#);
            assert_eq!(super::targets(&parse(json.as_bytes()).unwrap().tree), shown);
        }
    }
}
