//! What is logged and in which form.

use std::time::Duration;

use base::flags::pflag::Parsed;
use base::telemetry::{Format, Level, LogOptions};

use super::Findings;
use crate::apiserver::gates::Gates;

/// From this level on, what is for debugging is logged too.
const DEBUG: i64 = 4;

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Logging {
    /// `--logging-format=json`; text otherwise.
    pub(crate) json: bool,
    /// `-v`
    pub(crate) verbosity: i64,
    /// `--log-flush-frequency`; lines do not wait here.
    pub(crate) flush_frequency: Duration,
}

impl Logging {
    pub(super) fn read(parsed: &Parsed) -> Self {
        Self {
            json: parsed.text("logging-format") == "json",
            verbosity: parsed.int("v"),
            flush_frequency: parsed.span("log-flush-frequency").as_duration(),
        }
    }

    /// Reads the flags before all others, so that what is wrong with those can be logged.
    ///
    /// # Errors
    /// Everything that is wrong with them, in upstream's words.
    pub(crate) fn checked(parsed: &Parsed, gates: &Gates) -> Result<Self, Vec<String>> {
        let mut found = Findings::default();
        let flush = parsed.span("log-flush-frequency");
        if flush.nanos() <= 0 {
            let flush = flush.to_string();
            found.error(format!(
                "flushFrequency: Invalid value: {flush:?}: Must be greater than zero"
            ));
        }
        let format = parsed.text("logging-format");
        if !matches!(format, "text" | "json") {
            found.error(format!("format: Invalid value: {format:?}: Unsupported log format"));
        }
        if !gates.on("LoggingAlphaOptions") {
            for kind in ["text", "json"] {
                let disabled =
                    |field: &str| format!("options.{kind}.{field}: Forbidden: Feature LoggingAlphaOptions is disabled");
                if parsed.bool(&format!("log-{kind}-split-stream")) {
                    found.error(disabled("splitStream"));
                }
                let size = parsed.text(&format!("log-{kind}-info-buffer-size"));
                if size.contains(|c: char| ('1'..='9').contains(&c)) {
                    found.error(disabled("infoBufferSize"));
                }
            }
        }
        if found.errors.is_empty() {
            Ok(Self::read(parsed))
        } else {
            Err(found.errors)
        }
    }

    /// What logging is set up with.
    pub(crate) fn options(&self) -> LogOptions {
        LogOptions {
            level: if self.verbosity >= DEBUG {
                Level::Debug
            } else {
                Level::Info
            },
            format: if self.json { Format::Json } else { Format::Console },
            ..LogOptions::default()
        }
    }
}
