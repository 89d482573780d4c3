//! A profile of the processors' time: samples of all threads, taken by a timer's signal, with the names of their functions.

use std::collections::HashMap;
use std::io::Write;
use std::time::SystemTime;

use flate2::Compression;
use flate2::write::GzEncoder;
use pprof::{ProfilerGuard, ProfilerGuardBuilder, Report};
use prost::Message;

use super::wire::{Function, Line, Location, Profile, Sample, ValueType};

/// Samples a second of each processor; Go's default.
const FREQUENCY: i32 = 100;
/// Time of one sample.
const PERIOD_NANOS: i64 = 1_000_000_000 / FREQUENCY as i64;
/// Where the signal finds a thread in one of these it leaves it alone: walking up its stack might wait for itself.
const LEFT_ALONE: [&str; 4] = ["libc", "libgcc", "pthread", "vdso"];

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// Another client takes one; there is one timer in a process.
    #[error("cpu profiling already in use")]
    InUse,
    /// The system refused the signal or the timer.
    #[error("{0}")]
    Profiler(pprof::Error),
    /// It could not be compressed.
    #[error("{0}")]
    Written(#[from] std::io::Error),
}

/// A profile that is being taken, until it is finished or dropped.
pub(super) struct Running(ProfilerGuard<'static>);

impl Running {
    pub(super) fn start() -> Result<Self, Error> {
        let builder = ProfilerGuardBuilder::default().frequency(FREQUENCY);
        match builder.blocklist(&LEFT_ALONE).build() {
            Ok(guard) => Ok(Self(guard)),
            Err(pprof::Error::Running) => Err(Error::InUse),
            Err(error) => Err(Error::Profiler(error)),
        }
    }

    /// The profile, compressed as `pprof` reads it.
    pub(super) fn finish(self) -> Result<Vec<u8>, Error> {
        let report = self.0.report().build().map_err(Error::Profiler)?;
        drop(self);
        let bytes = Writer::write(&report).encode_to_vec();
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(&bytes)?;
        Ok(packed.finish()?)
    }
}

/// The function at an address, where it is one of this program.
pub(super) fn name_at(address: usize) -> Option<String> {
    let mut name = None;
    // It looks one before, for it takes addresses for those that calls return to.
    let address = address.wrapping_add(1);
    backtrace::resolve(address as *mut std::ffi::c_void, |symbol| {
        // Of several that were made one, the last is the one that was called.
        name = symbol.name().map(|found| format!("{found:#}"));
    });
    name
}

/// Strings, functions and places that were written, by what they are.
#[derive(Default)]
struct Writer {
    profile: Profile,
    strings: HashMap<String, i64>,
    functions: HashMap<(String, String), u64>,
    locations: HashMap<Vec<(u64, i64)>, u64>,
}

impl Writer {
    fn write(report: &Report) -> Profile {
        let mut writer = Self::default();
        // The first string is empty by definition.
        writer.string("");
        let kinds = [writer.kind("samples", "count"), writer.kind("cpu", "nanoseconds")];
        writer.profile.period_type = Some(kinds[1]);
        writer.profile.sample_type = kinds.to_vec();
        writer.profile.period = PERIOD_NANOS;
        let since = report.timing.start_time.duration_since(SystemTime::UNIX_EPOCH);
        writer.profile.time_nanos = nanos(since.unwrap_or_default());
        writer.profile.duration_nanos = nanos(report.timing.duration);
        for (stack, count) in &report.data {
            let location_id = stack.frames.iter().map(|frame| writer.location(frame)).collect();
            let count = *count as i64;
            writer.profile.sample.push(Sample {
                location_id,
                value: vec![count, count.saturating_mul(PERIOD_NANOS)],
            });
        }
        writer.profile
    }

    fn string(&mut self, text: &str) -> i64 {
        if let Some(known) = self.strings.get(text) {
            return *known;
        }
        let number = self.profile.string_table.len() as i64;
        self.profile.string_table.push(text.to_owned());
        self.strings.insert(text.to_owned(), number);
        number
    }

    fn kind(&mut self, kind: &str, unit: &str) -> ValueType {
        ValueType {
            kind: self.string(kind),
            unit: self.string(unit),
        }
    }

    /// A place in a stack: the function, and before it those that were made part of it.
    fn location(&mut self, frame: &[pprof::Symbol]) -> u64 {
        let mut lines = Vec::with_capacity(frame.len());
        for symbol in frame {
            let function = self.function(symbol);
            lines.push((function, i64::from(symbol.lineno())));
        }
        if let Some(known) = self.locations.get(&lines) {
            return *known;
        }
        let id = self.profile.location.len() as u64 + 1;
        let line = lines.iter().map(|(function_id, line)| Line {
            function_id: *function_id,
            line: *line,
        });
        self.profile.location.push(Location {
            id,
            line: line.collect(),
        });
        self.locations.insert(lines, id);
        id
    }

    fn function(&mut self, symbol: &pprof::Symbol) -> u64 {
        let system_name = symbol.sys_name().into_owned();
        let key = (system_name, symbol.filename().into_owned());
        if let Some(known) = self.functions.get(&key) {
            return *known;
        }
        let id = self.profile.function.len() as u64 + 1;
        let function = Function {
            id,
            name: self.string(&symbol.name()),
            system_name: self.string(&key.0),
            filename: self.string(&key.1),
        };
        self.profile.function.push(function);
        self.functions.insert(key, id);
        id
    }
}

fn nanos(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
