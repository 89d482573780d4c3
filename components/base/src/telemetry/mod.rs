//! Logs: one line an event, with the field names of zap, as etcd's operators and tools expect them.

mod format;
mod output;

use std::str::FromStr;

use tracing::{Event, Level as Severity, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt};

use output::Output;
pub use output::Rotation;

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A value that is not one of those known.
    #[error("{what} {got:?} is not known; accepted: {accepted}")]
    Unknown {
        /// `log level`, `log format` or `log rotation`.
        what: &'static str,
        /// What was given.
        got: String,
        /// What can be given.
        accepted: &'static str,
    },
    /// A log file could not be opened.
    #[error("cannot open the log file {path}: {source}; give another --log-outputs")]
    Open {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Options that do not fit together.
    #[error("{0}")]
    Options(&'static str),
    /// Logging was set up before in this process.
    #[error("logging is set up already")]
    Twice,
}

/// The least severe events that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Everything, and more of what libraries say.
    Debug,
    /// What an operator wants to see.
    #[default]
    Info,
    /// What may need a look.
    Warn,
    /// What went wrong.
    Error,
    /// Only panics.
    Panic,
    /// As [`Level::Panic`]; upstream's name for it.
    Fatal,
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "debug" => Self::Debug,
            "" | "info" => Self::Info,
            "warn" => Self::Warn,
            "error" => Self::Error,
            "panic" | "dpanic" => Self::Panic,
            "fatal" => Self::Fatal,
            _ => {
                let accepted = "debug, info, warn, error, panic, fatal";
                return Err(Error::Unknown {
                    what: "log level",
                    got: text.to_owned(),
                    accepted,
                });
            }
        })
    }
}

/// How a line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Json,
    /// Tabs between time, level, caller, message and the fields.
    Console,
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "json" => Ok(Self::Json),
            "console" => Ok(Self::Console),
            _ => Err(Error::Unknown {
                what: "log format",
                got: text.to_owned(),
                accepted: "json, console",
            }),
        }
    }
}

/// What [`init`] is told.
#[derive(Clone, Debug, Default)]
pub struct LogOptions {
    /// The least severe events that are written.
    pub level: Level,
    /// How a line is written.
    pub format: Format,
    /// `default` and `stderr`, `stdout`, or files that are appended to; none means `default`.
    pub outputs: Vec<String>,
    /// Starts a new file when one is full; needs exactly one output, a file.
    pub rotation: Option<Rotation>,
}

/// Sets up logging for the whole process, and has panics logged with the name of their task.
///
/// # Errors
/// A file that cannot be opened, or a second call.
pub fn init(options: &LogOptions) -> Result<(), Error> {
    let layer = Lines::new(options)?.with_filter(filter(options.level));
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| Error::Twice)?;
    std::panic::set_hook(Box::new(|info| {
        let task = crate::task::current_name().unwrap_or("none");
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let text = crate::task::text_of(info.payload());
        tracing::error!(target: PANIC, task, place, panic = text, "panic");
    }));
    Ok(())
}

const PANIC: &str = "panic";

/// Libraries that say too much for their level.
const LOUD: &[&str] = &[
    "h2",
    "hyper",
    "hyper_util",
    "loona_hpack",
    "openraft",
    "rustls",
    "tokio_util",
    "tonic",
    "tower",
];

/// Their errors say that the core of a member has ended, which happens at every orderly end, or that it refused a change of
/// members, which is tried again; an end that is none, and what was refused for good, is told by who asked the core, and
/// with its reason.
const SILENT: &[&str] = &[
    "openraft::core::heartbeat",
    "openraft::core::sm",
    "openraft::raft::api::management",
    "openraft::raft::raft_inner",
    "openraft::raft::stream_append",
];

fn filter(level: Level) -> Targets {
    let (ours, theirs) = match level {
        Level::Debug => (LevelFilter::DEBUG, LevelFilter::INFO),
        Level::Info => (LevelFilter::INFO, LevelFilter::ERROR),
        Level::Warn => (LevelFilter::WARN, LevelFilter::ERROR),
        Level::Error => (LevelFilter::ERROR, LevelFilter::ERROR),
        Level::Panic | Level::Fatal => (LevelFilter::OFF, LevelFilter::OFF),
    };
    Targets::new()
        .with_default(ours)
        .with_target(PANIC, LevelFilter::ERROR)
        .with_targets(LOUD.iter().map(|name| (*name, theirs)))
        .with_targets(SILENT.iter().map(|name| (*name, LevelFilter::OFF)))
}

/// Writes each event as one line to every output.
struct Lines {
    format: Format,
    outputs: Vec<Output>,
}

impl Lines {
    fn new(options: &LogOptions) -> Result<Self, Error> {
        Ok(Self {
            format: options.format,
            outputs: output::open(&options.outputs, options.rotation.as_ref())?,
        })
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let line = format::line(self.format, event, now_micros());
        for output in &self.outputs {
            output.write(&line);
        }
    }
}

fn now_micros() -> u64 {
    std::time::UNIX_EPOCH
        .elapsed()
        .map_or(0, |since| since.as_micros() as u64)
}

fn severity(event: &Event<'_>) -> &'static str {
    let meta = event.metadata();
    match *meta.level() {
        Severity::ERROR if meta.target() == PANIC => "panic",
        Severity::ERROR => "error",
        Severity::WARN => "warn",
        Severity::INFO => "info",
        _ => "debug",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(options: &LogOptions, act: impl FnOnce()) -> Vec<String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("log");
        let options = LogOptions {
            outputs: vec![file.display().to_string()],
            ..options.clone()
        };
        let layer = Lines::new(&options).unwrap().with_filter(filter(options.level));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), act);
        std::fs::read_to_string(file)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_json_line_has_zaps_fields() {
        let lines = logged(&LogOptions::default(), || {
            tracing::warn!(member = 7, name = "a\"b", ratio = 0.5, ok = true, list = ?[1, 2], "slow apply");
        });
        let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["level"], "warn");
        assert_eq!(line["msg"], "slow apply");
        assert_eq!(
            (&line["member"], &line["name"], &line["ok"]),
            (&7.into(), &"a\"b".into(), &true.into())
        );
        assert_eq!((&line["ratio"], &line["list"]), (&0.5.into(), &"[1, 2]".into()));
        assert!(
            line["caller"].as_str().unwrap().starts_with("telemetry/mod.rs:"),
            "{line}"
        );
        assert!(line["ts"].as_str().unwrap().ends_with('Z'));
        assert!(lines[0].starts_with("{\"level\":\"warn\",\"ts\":\""), "{}", lines[0]);
    }

    #[test]
    fn a_console_line_is_for_eyes() {
        let options = LogOptions {
            format: Format::Console,
            ..LogOptions::default()
        };
        let lines = logged(&options, || tracing::info!(member = 7, "ready"));
        let parts: Vec<&str> = lines[0].split('\t').collect();
        assert_eq!((parts[1], parts[3], parts[4]), ("INFO", "ready", "{\"member\":7}"));
    }

    #[test]
    fn levels_and_loud_libraries_are_filtered() {
        let say = || {
            tracing::debug!("one");
            tracing::info!("two");
            tracing::error!("three");
            tracing::info!(target: "openraft::core", "four");
            tracing::error!(target: "openraft::core::heartbeat::worker", "never");
            tracing::error!(target: "openraft::core::sm::worker", "never");
            tracing::error!(target: "openraft::raft::api::management", "never");
            tracing::error!(target: "openraft::raft::raft_inner", "never");
            tracing::error!(target: "openraft::raft::stream_append", "never");
            tracing::error!(target: "panic", "five");
        };
        let count = |level| {
            logged(
                &LogOptions {
                    level,
                    ..LogOptions::default()
                },
                say,
            )
            .len()
        };
        assert_eq!(count(Level::Debug), 5);
        assert_eq!(count(Level::Info), 3);
        assert_eq!(count(Level::Error), 2);
        assert_eq!(count(Level::Panic), 1);
    }

    #[test]
    fn names_are_read_and_wrong_ones_refused() {
        assert_eq!("fatal".parse::<Level>().unwrap(), Level::Fatal);
        let error = "loud".parse::<Level>().unwrap_err().to_string();
        assert_eq!(
            error,
            "log level \"loud\" is not known; accepted: debug, info, warn, error, panic, fatal"
        );
        assert_eq!("console".parse::<Format>().unwrap(), Format::Console);
        assert!("xml".parse::<Format>().is_err());
    }
}
