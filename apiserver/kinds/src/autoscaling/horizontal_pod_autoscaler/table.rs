//! What tables show of autoscalers.

use apiserver_api::tree::Tree;

use super::{SPEC, STATUS};
use crate::column::{AGE, Cell, Column, NAME, Words};

/// The most metrics that are shown.
const SHOWN_MAX: usize = 2;
/// What is shown where nothing was measured yet.
const UNKNOWN: &str = "<unknown>";

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
    let (source, measured) = (metric.at(field), state.at(field));
    let (target, current) = (source.at("target"), measured.at("current"));
    // What was measured and has no such amount shows as Go shows nothing.
    let amount = |of: &Tree, field: &str| of.at(field).as_str().unwrap_or("<nil>").to_owned();
    let found = |field: &str| {
        if measured.is_null() {
            UNKNOWN.to_owned()
        } else {
            amount(current, field)
        }
    };
    let share = |of: &Tree, missing: &str| {
        let share = of.at("averageUtilization").as_int();
        share.map_or_else(|| missing.to_owned(), |share| format!("{share}%"))
    };
    let is_average = target.has("averageValue");
    if names {
        let (current, target) = if is_average {
            (found("averageValue"), amount(target, "averageValue"))
        } else {
            (share(current, UNKNOWN), share(target, "<auto>"))
        };
        return format!("{}: {current}/{target}", source.text("name"));
    }
    if field == "pods" {
        return format!("{}/{}", found("averageValue"), amount(target, "averageValue"));
    }
    if is_average {
        let current = current.at("averageValue").as_str().unwrap_or(UNKNOWN);
        return format!("{current}/{} (avg)", amount(target, "averageValue"));
    }
    format!("{}/{}", found("value"), amount(target, "value"))
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::parse;

    #[test]
    fn what_was_measured_without_the_amount_shows_as_nothing() {
        for (metric, state, shown) in [
            (
                r#""Pods","pods":{"target":{"averageValue":"5"}}"#,
                r#""pods":{"current":{}}"#,
                "<nil>/5",
            ),
            (
                r#""External","external":{"target":{"value":"5"}}"#,
                r#""external":{"current":{}}"#,
                "<nil>/5",
            ),
            (
                r#""External","external":{"target":{"averageValue":"5"}}"#,
                r#""external":{"current":{"value":"1"}}"#,
                "<unknown>/5 (avg)",
            ),
            (
                r#""Object","object":{"target":{"value":"5"}}"#,
                r#""object":{"current":{}}"#,
                "<nil>/5",
            ),
            (
                r#""Object","object":{"target":{"averageValue":"5"}}"#,
                r#""object":{"current":{}}"#,
                "<unknown>/5 (avg)",
            ),
            (
                r#""Resource","resource":{"name":"cpu","target":{"averageValue":"5"}}"#,
                r#""resource":{"current":{}}"#,
                "cpu: <nil>/5",
            ),
            (
                r#""ContainerResource","containerResource":{"name":"cpu","target":{"averageUtilization":5}}"#,
                r#""containerResource":{"current":{}}"#,
                "cpu: <unknown>/5%",
            ),
            (
                r#""Object","object":{"target":{"value":"5"}}"#,
                r#""pods":{}"#,
                "<unknown>/5",
            ),
        ] {
            let read = |json: String| parse(json.as_bytes()).unwrap().tree;
            let (metric, state) = (read(format!(r#"{{"type":{metric}}}"#)), read(format!("{{{state}}}")));
            assert_eq!(super::target(&metric, &state), shown, "{metric:?} {state:?}");
        }
    }

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
