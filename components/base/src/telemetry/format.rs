//! One event as one line, as JSON or for eyes.

use std::fmt;

use serde_json::{Map, Value};
use tracing::Event;
use tracing::field::{Field, Visit};

use super::{Format, severity};
use crate::date::rfc3339_micros;

/// The line of `event`, which happened `micros` after 1970, with its newline.
pub(super) fn line(format: Format, event: &Event<'_>, micros: u64) -> String {
    let mut seen = Seen::default();
    event.record(&mut seen);
    let (level, time, caller) = (severity(event), rfc3339_micros(micros), caller(event));
    match format {
        Format::Json => {
            let quote = |text: &str| Value::from(text).to_string();
            let (caller, message) = (quote(&caller), quote(&seen.message));
            let mut line = format!("{{\"level\":\"{level}\",\"ts\":\"{time}\",\"caller\":{caller},\"msg\":{message}");
            for (name, value) in seen.fields {
                line.extend([",", &quote(&name), ":", &value.to_string()]);
            }
            line += "}\n";
            line
        }
        Format::Console => {
            let mut line = format!("{time}\t{}\t{caller}\t{}", level.to_ascii_uppercase(), seen.message);
            if !seen.fields.is_empty() {
                line.extend(["\t", &Value::Object(seen.fields).to_string()]);
            }
            line += "\n";
            line
        }
    }
}

/// Folder, file and line, as zap's short caller; a crate's `src` says nothing and is left out.
fn caller(event: &Event<'_>) -> String {
    let meta = event.metadata();
    let path = meta.file().unwrap_or(meta.target()).replacen("/src/", "/", 1);
    let mut slashes = path.rmatch_indices('/').map(|(at, _)| at);
    let short = match (slashes.next(), slashes.next()) {
        (Some(_), Some(second)) => &path[second + 1..],
        _ => path.as_str(),
    };
    format!("{short}:{}", meta.line().unwrap_or(0))
}

#[derive(Default)]
struct Seen {
    message: String,
    fields: Map<String, Value>,
}

impl Seen {
    fn keep(&mut self, field: &Field, value: impl Into<Value>) {
        self.fields.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.keep(field, format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.keep(field, value);
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.keep(field, value.to_string());
    }
}
