//! All flags and their values as pflag writes them, which `/flagz` shows.

use std::collections::BTreeMap;
use std::fmt::Display;

use base::flags::pflag::{CertKey, Kind, Parsed, Value};

use super::TABLE;

/// Every flag by name. `completed` are those whose value was found since.
pub(crate) fn shown(parsed: &Parsed, completed: &[(&str, String)]) -> BTreeMap<String, String> {
    let written = |name: &str, kind| parsed.value(name).map_or_else(String::new, |value| write(value, kind));
    let rows = TABLE
        .rows()
        .map(|row| (row.name.to_owned(), written(row.name, row.kind)));
    let completed = completed
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    rows.chain(completed).collect()
}

fn write(value: &Value, kind: Kind) -> String {
    match value {
        Value::Bool(on) => on.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Ints(numbers) => format!("[{}]", joined(numbers.iter(), ",")),
        Value::Float(number) => number.to_string(),
        Value::Span(span) => span.to_string(),
        Value::Text(text) if kind == Kind::Version && text.is_empty() => "false".to_owned(),
        Value::Text(text) => text.clone(),
        Value::Ip(ip) => ip.map_or_else(|| "<nil>".to_owned(), |ip| ip.to_string()),
        Value::Texts(texts) => format!("[{}]", line(texts.iter().cloned())),
        Value::Pairs(pairs) if kind == Kind::Pairs => {
            format!("[{}]", line(pairs.iter().map(|(key, value)| format!("{key}={value}"))))
        }
        Value::Pairs(pairs) => joined(pairs.iter().map(|(key, value)| format!("{key}={value}")), ","),
        Value::Lists(lists) => {
            let all = lists
                .iter()
                .flat_map(|(key, values)| values.iter().map(move |value| (key, value)));
            joined(all.map(|(key, value)| format!("{key}:{value}")), ",")
        }
        Value::CertKeys(pairs) => format!("[{}]", joined(pairs.iter().map(files), ";")),
        Value::Ports(range) => range.to_string(),
        Value::Patterns(pairs) => joined(pairs.iter().map(|(pattern, level)| format!("{pattern}={level}")), ","),
    }
}

fn files(pair: &CertKey) -> String {
    let names = if pair.names.is_empty() { "" } else { ":" };
    format!("{},{}{names}{}", pair.cert, pair.key, pair.names.join(","))
}

fn joined(parts: impl Iterator<Item = impl Display>, separator: &str) -> String {
    parts.map(|part| part.to_string()).collect::<Vec<_>>().join(separator)
}

/// Values as a line of a table, those quoted that would read otherwise.
fn line(values: impl Iterator<Item = String>) -> String {
    let quoted = values.map(|value| {
        let needs = value.starts_with(char::is_whitespace) || value.contains([',', '"', '\r', '\n']) || value == "\\.";
        if needs {
            format!("\"{}\"", value.replace('"', "\"\""))
        } else {
            value
        }
    });
    joined(quoted, ",")
}

#[cfg(test)]
mod tests {
    use super::{TABLE, shown};

    #[test]
    fn values_are_written_as_pflag_writes_them() {
        let line = "--etcd-servers=http://a:1,http://b:2 --v=3 --tls-sni-cert-key=a.crt,a.key:x,y --profiling=false \
                    --tls-sni-cert-key=b.crt,b.key --feature-gates=kube:B=true,kube:A=false --runtime-config=b=1,a=2 \
                    --tls-curve-preferences=29,23 --allow-metric-labels=m,l='a,b' --event-ttl=90s --cors-allowed-origins=\"a,b\"";
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let shown = shown(
            &TABLE.parse(&args).unwrap(),
            &[("advertise-address", "10.0.0.1".to_owned())],
        );
        assert_eq!(shown.len(), TABLE.rows().count());
        for (name, value) in [
            ("etcd-servers", "[http://a:1,http://b:2]"),
            ("v", "3"),
            ("tls-sni-cert-key", "[a.crt,a.key:x,y;b.crt,b.key]"),
            ("profiling", "false"),
            ("feature-gates", "kube:B=true,kube:A=false"),
            ("runtime-config", "a=2,b=1"),
            ("tls-curve-preferences", "[29,23]"),
            ("allow-metric-labels", "[\"m,l='a,b'\"]"),
            ("event-ttl", "1m30s"),
            ("cors-allowed-origins", "[\"a,b\"]"),
            ("advertise-address", "10.0.0.1"),
            ("bind-address", "0.0.0.0"),
            ("version", "false"),
            ("service-node-port-range", "30000-32767"),
            ("help", "false"),
            ("goaway-chance", "0"),
            ("tls-cipher-suites", "[]"),
        ] {
            assert_eq!(shown.get(name).map(String::as_str), Some(value), "{name}");
        }
    }
}
