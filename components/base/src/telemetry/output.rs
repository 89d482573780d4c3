//! Where lines go: the standard streams, or files that may start anew when full.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use serde::Deserialize;

use super::{Error, now_micros};
use crate::date::rfc3339_micros;

/// When a log file is full and how many full ones are kept; the value of etcd's `--log-rotation-config-json`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// Megabytes after which a new file is begun.
    #[serde(default = "default_size")]
    pub maxsize: u64,
    /// Days after which a full file is removed; 0 keeps them.
    #[serde(default)]
    pub maxage: u64,
    /// How many full files are kept; 0 keeps all.
    #[serde(default)]
    pub maxbackups: usize,
    /// Upstream names full files by local time with this; names are always in UTC here.
    #[serde(default)]
    pub localtime: bool,
    /// Not offered: full files stay as they are.
    #[serde(default)]
    pub compress: bool,
}

fn default_size() -> u64 {
    100
}

impl Rotation {
    /// Reads the JSON text of the flag.
    ///
    /// # Errors
    /// Text that is no such JSON, or a wish that is not offered.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let rotation: Self = serde_json::from_str(text).map_err(|_| Error::Unknown {
            what: "log rotation",
            got: text.to_owned(),
            accepted: r#"JSON such as {"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}"#,
        })?;
        if rotation.compress {
            return Err(Error::Options(
                "log rotation does not compress; set \"compress\": false in --log-rotation-config-json",
            ));
        }
        Ok(rotation)
    }
}

/// One place that lines are written to. Failures to write are not reported: there is nowhere to report them.
pub(super) enum Output {
    Stderr,
    Stdout,
    File(Mutex<LogFile>),
}

impl Output {
    pub(super) fn write(&self, line: &str) {
        let _ = match self {
            Self::Stderr => io::stderr().write_all(line.as_bytes()),
            Self::Stdout => io::stdout().write_all(line.as_bytes()),
            Self::File(file) => file.lock().write(line),
        };
    }
}

/// Opens the outputs named by the flag.
pub(super) fn open(names: &[String], rotation: Option<&Rotation>) -> Result<Vec<Output>, Error> {
    let is_file = |name: &String| !matches!(name.as_str(), "default" | "stderr" | "stdout" | "systemd/journal");
    if rotation.is_some() && (names.len() != 1 || !names.iter().all(is_file)) {
        return Err(Error::Options(
            "--log-outputs requires a single file path when --enable-log-rotation is set",
        ));
    }
    if names.is_empty() {
        return Ok(vec![Output::Stderr]);
    }
    let mut outputs = Vec::new();
    for name in names {
        outputs.push(match name.as_str() {
            // Under systemd the journal reads the standard error stream.
            "default" | "stderr" | "systemd/journal" => Output::Stderr,
            "stdout" => Output::Stdout,
            path => {
                let file = LogFile::open(Path::new(path), rotation.cloned());
                let file = file.map_err(|source| Error::Open {
                    path: path.to_owned(),
                    source,
                })?;
                Output::File(Mutex::new(file))
            }
        });
    }
    Ok(outputs)
}

pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    rotation: Option<Rotation>,
}

impl LogFile {
    fn open(path: &Path, rotation: Option<Rotation>) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self {
            path: path.to_path_buf(),
            file,
            bytes,
            rotation,
        })
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        let limit = self
            .rotation
            .as_ref()
            .map_or(u64::MAX, |rotation| rotation.maxsize.max(1) << 20);
        if self.bytes > 0 && self.bytes + line.len() as u64 > limit {
            self.begin_anew()?;
        }
        self.bytes += line.len() as u64;
        self.file.write_all(line.as_bytes())
    }

    fn begin_anew(&mut self) -> io::Result<()> {
        let stamp = rfc3339_micros(now_micros()).trim_end_matches('Z').replace(':', "-");
        fs::rename(&self.path, self.full_name(&stamp))?;
        *self = Self::open(&self.path, self.rotation.take())?;
        self.prune()
    }

    /// `dir/name-<stamp>.ext` for `dir/name.ext`.
    fn full_name(&self, stamp: &str) -> PathBuf {
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let extension = self
            .path
            .extension()
            .map(|ext| format!(".{}", ext.to_string_lossy()))
            .unwrap_or_default();
        self.path.with_file_name(format!("{stem}-{stamp}{extension}"))
    }

    fn prune(&self) -> io::Result<()> {
        let Some(rotation) = &self.rotation else { return Ok(()) };
        let prefix = format!("{}-", self.path.file_stem().unwrap_or_default().to_string_lossy());
        let dir = self
            .path
            .parent()
            .filter(|dir| !dir.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let mut full: Vec<PathBuf> = fs::read_dir(dir)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with(&prefix))
            })
            .collect();
        // The stamp in the name sorts by time; the newest come first.
        full.sort_unstable_by(|a, b| b.cmp(a));
        let oldest = SystemTime::now() - Duration::from_secs(rotation.maxage * 24 * 60 * 60);
        for (place, path) in full.iter().enumerate() {
            let too_many = rotation.maxbackups > 0 && place >= rotation.maxbackups;
            let modified = fs::metadata(path).and_then(|meta| meta.modified());
            let too_old = rotation.maxage > 0 && modified.is_ok_and(|modified| modified < oldest);
            if too_many || too_old {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_set_aside_and_old_ones_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("server.log");
        let rotation = Rotation::parse(r#"{"maxsize": 1, "maxbackups": 2}"#).unwrap();
        let outputs = open(&[path.display().to_string()], Some(&rotation)).unwrap();
        let line = "x".repeat(700_000);
        for _ in 0..5 {
            outputs[0].write(&line);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
        assert_eq!(fs::metadata(&path).unwrap().len(), 700_000);
    }

    #[test]
    fn wishes_that_cannot_be_met_are_refused() {
        assert!(Rotation::parse("{").is_err());
        assert!(Rotation::parse(r#"{"maxsise": 1}"#).is_err());
        assert!(
            Rotation::parse(r#"{"compress": true}"#)
                .unwrap_err()
                .to_string()
                .contains("\"compress\": false")
        );
        let rotation = Rotation::parse("{}").unwrap();
        assert!(open(&["stderr".into()], Some(&rotation)).is_err());
        let error = open(&["/nowhere/at/all.log".into()], None).err().unwrap().to_string();
        assert!(
            error.starts_with("cannot open the log file /nowhere/at/all.log: "),
            "{error}"
        );
    }
}
