//! Metrics in the form of version 1, which knows them only as annotations.

use apiserver_api::tree::{Tree, quoted};

/// JSON whose fields stand in the order in which they are written.
struct Json(String);

impl Json {
    fn new() -> Self {
        Self("{".to_owned())
    }

    fn raw(mut self, key: &str, json: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(key);
        self.0.push_str("\":");
        self.0.push_str(json);
        self
    }

    /// A field that is left out where it is absent.
    fn some(self, key: &str, value: &Tree) -> Self {
        if value.is_null() {
            self
        } else {
            self.raw(key, &json(value))
        }
    }

    fn text(self, key: &str, text: &str) -> Self {
        let mut out = Vec::new();
        quoted(text, &mut out);
        self.raw(key, &String::from_utf8_lossy(&out))
    }

    /// A quantity that is always written.
    fn amount(self, key: &str, value: &Tree) -> Self {
        self.text(key, value.as_str().unwrap_or("0"))
    }

    fn selector(self, key: &str, selector: &Tree) -> Self {
        if selector.is_null() {
            return self;
        }
        let fields = ["matchLabels", "matchExpressions"];
        let shown = fields
            .iter()
            .fold(Self::new(), |shown, field| shown.some(field, selector.at(field)));
        self.raw(key, &shown.end())
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

fn json(value: &Tree) -> String {
    String::from_utf8_lossy(&value.to_json()).into_owned()
}

fn reference(of: &Tree) -> String {
    let start = Json::new().text("kind", of.text("kind")).text("name", of.text("name"));
    start.some("apiVersion", of.at("apiVersion")).end()
}

/// Metrics or what was measured of them as version 1 writes them; `target` or `current` says which.
pub(super) fn write(metrics: &[&Tree], part: &str) -> String {
    let shown: Vec<String> = metrics.iter().map(|metric| write_one(metric, part)).collect();
    // Go escapes these, since JSON may stand in HTML.
    let shown = shown.join(",").replace('<', "\\u003c").replace('>', "\\u003e");
    format!("[{}]", shown.replace('&', "\\u0026"))
}

/// The names that version 1 has for a value, its average and its share.
struct Words {
    value: &'static str,
    average: &'static str,
    utilization: &'static str,
}

const TARGET: Words = Words {
    value: "targetValue",
    average: "targetAverageValue",
    utilization: "targetAverageUtilization",
};
const CURRENT: Words = Words {
    value: "currentValue",
    average: "currentAverageValue",
    utilization: "currentAverageUtilization",
};

fn words(part: &str) -> Words {
    if part == "target" { TARGET } else { CURRENT }
}

fn write_one(metric: &Tree, part: &str) -> String {
    let words = words(part);
    let mut out = Json::new().text("type", metric.text("type"));
    for field in ["object", "pods", "resource", "containerResource", "external"] {
        let source = metric.at(field);
        if !source.is_null() {
            out = out.raw(field, &write_source(field, source, source.at(part), &words));
        }
    }
    out.end()
}

fn write_source(field: &str, source: &Tree, values: &Tree, words: &Words) -> String {
    let (name, selector) = (source.at("metric").text("name"), source.at("metric").at("selector"));
    let (value, average) = (values.at("value"), values.at("averageValue"));
    let out = Json::new();
    let out = match field {
        "object" => {
            let out = out
                .raw("target", &reference(source.at("describedObject")))
                .text("metricName", name);
            let out = out.amount(words.value, value).selector("selector", selector);
            out.some("averageValue", average)
        }
        "pods" => {
            let out = out.text("metricName", name).amount(words.average, average);
            out.selector("selector", selector)
        }
        "external" => {
            let out = out.text("metricName", name).selector("metricSelector", selector);
            let out = if words.value == CURRENT.value {
                out.amount(words.value, value)
            } else {
                out.some(words.value, value)
            };
            out.some(words.average, average)
        }
        _ => {
            let out = out.text("name", source.text("name"));
            let out = out.some(words.utilization, values.at("averageUtilization"));
            let out = if words.value == CURRENT.value {
                out.amount(words.average, average)
            } else {
                out.some(words.average, average)
            };
            match field {
                "containerResource" => out.text("container", source.text("container")),
                _ => out,
            }
        }
    };
    out.end()
}

/// A metric as this version has it, made of what version 1 wrote.
pub(super) fn read(old: &Tree, part: &str) -> Tree {
    let words = words(part);
    let mut metric = Tree::map();
    metric.set("type", old.text("type"));
    for field in ["object", "pods", "resource", "containerResource", "external"] {
        if old.has(field) {
            metric.set(field, read_source(field, old.at(field), part, &words));
        }
    }
    metric
}

fn copy(into: &mut Tree, field: &str, value: &Tree) {
    if !value.is_null() {
        into.set(field, value.clone());
    }
}

fn read_source(field: &str, old: &Tree, part: &str, words: &Words) -> Tree {
    let mut source = Tree::map();
    let average = if field == "object" {
        "averageValue"
    } else {
        words.average
    };
    let (value, average) = (old.at(words.value), old.at(average));
    let utilization = old.at(words.utilization);
    match field {
        "resource" | "containerResource" => {
            copy(&mut source, "name", old.at("name"));
            copy(&mut source, "container", old.at("container"));
        }
        _ => {
            let selector = if field == "external" {
                "metricSelector"
            } else {
                "selector"
            };
            copy(source.child("metric"), "name", old.at("metricName"));
            copy(source.child("metric"), "selector", old.at(selector));
        }
    }
    if field == "object" {
        source.set("describedObject", old.at("target").clone());
    }
    let values = source.child(part);
    if part == "target" {
        let kind = match field {
            "object" if average.is_null() => "Value",
            "external" if !value.is_null() => "Value",
            "resource" | "containerResource" if !utilization.is_null() => "Utilization",
            _ => "AverageValue",
        };
        values.set("type", kind);
    }
    copy(values, "value", value);
    copy(values, "averageValue", average);
    copy(values, "averageUtilization", utilization);
    // What version 1 always has is never absent.
    let is_current = part == "current";
    let always = match field {
        "object" => Some("value"),
        "external" if is_current => Some("value"),
        "pods" => Some("averageValue"),
        "resource" | "containerResource" if is_current => Some("averageValue"),
        _ => None,
    };
    if let Some(field) = always {
        values.set_default(field, "0");
    }
    source
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::parse;

    #[test]
    fn metrics_become_version_1_and_come_back() {
        let metric = r#"{"type":"Object","object":{"describedObject":{"kind":"K","name":"n"},"metric":{"name":"m"},"target":{"type":"Value","value":"5"}}}"#;
        let metric = parse(metric.as_bytes()).unwrap().tree;
        let written = super::write(&[&metric], "target");
        let expected =
            r#"[{"type":"Object","object":{"target":{"kind":"K","name":"n"},"metricName":"m","targetValue":"5"}}]"#;
        assert_eq!(written, expected);
        let read = parse(written.as_bytes()).unwrap().tree;
        assert_eq!(super::read(&read.as_list().unwrap()[0], "target"), metric);
    }

    #[test]
    fn what_was_measured_always_has_an_amount() {
        let metric = r#"{"type":"Resource","resource":{"name":"cpu","current":{"averageUtilization":33}}}"#;
        let metric = parse(metric.as_bytes()).unwrap().tree;
        let expected = r#"[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":33,"currentAverageValue":"0"}}]"#;
        assert_eq!(super::write(&[&metric], "current"), expected);
    }
}
