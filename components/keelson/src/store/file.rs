//! The configuration file: YAML with etcd's keys, which are the flags' names but for the TLS sections.

use std::path::Path;
use std::time::Duration;

use base::flags::{Kind, Parsed, Source, format_duration};
use serde_norway::{Mapping, Value};

use super::flags::TABLE;
use super::sources::Options;
use crate::error::{Error, Result};

/// Keys of a TLS section and the flags they stand for, without and with `peer-` in front.
const SECURITY: &[(&str, &str, &str)] = &[
    ("cert-file", "cert-file", "peer-cert-file"),
    ("key-file", "key-file", "peer-key-file"),
    ("client-cert-file", "client-cert-file", "peer-client-cert-file"),
    ("client-key-file", "client-key-file", "peer-client-key-file"),
    ("client-cert-auth", "client-cert-auth", "peer-client-cert-auth"),
    ("trusted-ca-file", "trusted-ca-file", "peer-trusted-ca-file"),
    ("client-crl-file", "client-crl-file", "peer-crl-file"),
    ("crl-file", "client-crl-file", "peer-crl-file"),
    ("auto-tls", "auto-tls", "peer-auto-tls"),
    ("allowed-cn", "", "peer-cert-allowed-cn"),
    (
        "allowed-hostname",
        "client-cert-allowed-hostname",
        "peer-cert-allowed-hostname",
    ),
    ("skip-client-san-verification", "", "peer-skip-client-san-verification"),
];

/// Reads the file at `path`.
///
/// Keys that mean nothing are noted and skipped, as upstream skips them. A duration is a number of nanoseconds, as
/// upstream has it, or a text such as `10m`.
///
/// # Errors
/// A file that cannot be read or is not YAML with keys and values, or a value that is not of its key's kind.
pub(crate) fn read(path: &Path) -> Result<Options> {
    let at = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Error::new(format!("cannot read the configuration file {at}: {error}")))?;
    parse(&at, &text)
}

fn parse(at: &str, text: &str) -> Result<Options> {
    let not_yaml = |why: &str| {
        Error::new(format!(
            "the configuration file {at} is not usable: {why}; expected YAML such as \"name: m1\""
        ))
    };
    let value: Value = serde_norway::from_str(text).map_err(|error| not_yaml(&error.to_string()))?;
    let mapping = match value {
        Value::Null => Mapping::new(),
        Value::Mapping(mapping) => mapping,
        _ => return Err(not_yaml("it holds no keys")),
    };
    let mut reader = Reader {
        at,
        parsed: Parsed::default(),
        notes: Vec::new(),
    };
    for (key, value) in &mapping {
        reader.entry(key.as_str().unwrap_or_default(), value)?;
    }
    Ok(Options {
        parsed: reader.parsed,
        from_file: true,
        notes: reader.notes,
    })
}

struct Reader<'a> {
    at: &'a str,
    parsed: Parsed,
    notes: Vec<String>,
}

impl Reader<'_> {
    fn entry(&mut self, key: &str, value: &Value) -> Result<()> {
        match key {
            "client-transport-security" => self.security(key, value, |row| row.1),
            "peer-transport-security" => self.security(key, value, |row| row.2),
            "discovery-config" if !is_empty(value) => Err(self.bad(
                key,
                "discovery services are not supported; list the members under initial-cluster",
            )),
            "discovery-config" | "socket-options" | "grpc-additional-server-options" => Ok(()),
            _ => self.flag(key, key, value),
        }
    }

    fn security(
        &mut self,
        section: &str,
        value: &Value,
        flag: impl Fn(&(&str, &'static str, &'static str)) -> &'static str,
    ) -> Result<()> {
        let mapping = match value {
            Value::Null => return Ok(()),
            Value::Mapping(mapping) => mapping,
            _ => return Err(self.bad(section, "expected keys such as cert-file below it")),
        };
        for (key, value) in mapping {
            let key = key.as_str().unwrap_or_default();
            let name = SECURITY.iter().find(|row| row.0 == key).map(&flag).unwrap_or_default();
            self.flag(&format!("{section}.{key}"), name, value)?;
        }
        Ok(())
    }

    fn flag(&mut self, key: &str, name: &str, value: &Value) -> Result<()> {
        let Some(row) = TABLE
            .find(name)
            .filter(|row| !matches!(row.name, "config-file" | "version"))
        else {
            self.notes
                .push(format!("unknown key {key} in {}; it is ignored", self.at));
            return Ok(());
        };
        let text = match value {
            Value::Null => return Ok(()),
            Value::Number(number) if row.kind == Kind::Duration => {
                let nanos = number
                    .as_u64()
                    .ok_or_else(|| self.bad(key, "expected nanoseconds, zero or more"))?;
                format_duration(Duration::from_nanos(nanos))
            }
            Value::Sequence(parts) => {
                let parts: Option<Vec<String>> = parts.iter().map(scalar).collect();
                parts
                    .ok_or_else(|| self.bad(key, "expected a list of texts"))?
                    .join(",")
            }
            value => scalar(value).ok_or_else(|| self.bad(key, "expected one value, found keys below it"))?,
        };
        let spelled = format!("{key} in {}", self.at);
        Ok(self.parsed.set(row, text, &spelled, Source::File)?)
    }

    fn bad(&self, key: &str, why: &str) -> Error {
        Error::new(format!("{key} in {} is not usable: {why}", self.at))
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_mapping().is_some_and(Mapping::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(options: &Options) -> Vec<(&'static str, String)> {
        options
            .parsed
            .given()
            .map(|(name, value)| (name, value.text.clone()))
            .collect()
    }

    #[test]
    fn the_shape_of_upstreams_sample_is_read() {
        let options = parse(
            "conf.yml",
            "# a comment\nname: 'm1'\ndata-dir:\nsnapshot-count: 10000\nlisten-peer-urls: http://localhost:2380\n\
             log-outputs: [stderr, /tmp/log]\npre-vote: false\nauto-compaction-retention: \"1\"\n\
             watch-progress-notify-interval: 600000000000\ncorrupt-check-time: 4h\ncipher-suites: [\n  A,\n  B\n]\n\
             client-transport-security:\n  cert-file: c.crt\n  client-cert-auth: true\n\
             peer-transport-security:\n  cert-file: p.crt\n  allowed-cn: [a, b]\n  auto-tls: false\n\
             made-up: 1\n",
        )
        .unwrap();
        let expected: Vec<(&str, String)> = [
            ("auto-compaction-retention", "1"),
            ("cert-file", "c.crt"),
            ("cipher-suites", "A,B"),
            ("client-cert-auth", "true"),
            ("corrupt-check-time", "4h"),
            ("listen-peer-urls", "http://localhost:2380"),
            ("log-outputs", "stderr,/tmp/log"),
            ("name", "m1"),
            ("peer-auto-tls", "false"),
            ("peer-cert-allowed-cn", "a,b"),
            ("peer-cert-file", "p.crt"),
            ("pre-vote", "false"),
            ("snapshot-count", "10000"),
            ("watch-progress-notify-interval", "10m0s"),
        ]
        .map(|(name, text)| (name, text.to_owned()))
        .into();
        assert_eq!(texts(&options), expected);
        assert_eq!(options.notes, ["unknown key made-up in conf.yml; it is ignored"]);
    }

    #[test]
    fn mistakes_name_key_and_file() {
        for (text, expected) in [
            (
                "- a\n",
                "the configuration file c.yml is not usable: it holds no keys; expected YAML such as \"name: m1\"",
            ),
            (
                "name: {a: b}\n",
                "name in c.yml is not usable: expected one value, found keys below it",
            ),
            (
                "max-txn-ops: many\n",
                "invalid value \"many\" for max-txn-ops in c.yml: expected a whole number, zero or more",
            ),
            (
                "corrupt-check-time: -1\n",
                "corrupt-check-time in c.yml is not usable: expected nanoseconds, zero or more",
            ),
            (
                "peer-transport-security: yes\n",
                "peer-transport-security in c.yml is not usable: expected keys such as cert-file below it",
            ),
        ] {
            assert_eq!(parse("c.yml", text).unwrap_err().text, expected);
        }
        assert!(
            parse("c.yml", "a: [")
                .unwrap_err()
                .text
                .starts_with("the configuration file c.yml is not usable: ")
        );
        assert!(parse("c.yml", "discovery-config: {endpoints: [a]}").is_err());
        assert!(parse("c.yml", "").unwrap().parsed.given().next().is_none());
        let missing = read(Path::new("/nowhere.yml")).unwrap_err().text;
        assert!(
            missing.starts_with("cannot read the configuration file /nowhere.yml: "),
            "{missing}"
        );
    }
}
