//! The machine that figures come from: its parts, and what its disk can do, measured here.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::load::new_histogram;
use crate::report::Latency;

const BLOCK_BYTES: usize = 4096;
const PIECE_BYTES: usize = 1 << 20;
const SEQUENTIAL_BYTES: usize = 256 << 20;
const SYNC_TIME: Duration = Duration::from_secs(2);
/// So many syncs tell whether the disk is quiet.
const PROBE: usize = 50;
/// The disk is quiet when their median is this many times what it was before anything ran, or less.
const QUIET: f64 = 1.3;
const SETTLE_TIME: Duration = Duration::from_secs(15);

/// What the machine is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_bytes: u64,
    pub(crate) kernel: String,
    /// Load average before anything was started.
    pub(crate) load_average: f64,
}

impl Machine {
    /// This one.
    pub(crate) fn gather() -> Self {
        let load = read("/proc/loadavg");
        Self {
            cpu: value_of(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cores: cores(),
            memory_bytes: kilobytes(&read("/proc/meminfo"), "MemTotal") * 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_average: load.split(' ').next().and_then(|one| one.parse().ok()).unwrap_or(0.0),
        }
    }
}

/// What the machine is, and what its disk can do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Facts {
    #[serde(flatten)]
    pub(crate) machine: Machine,
    /// File system and device of the data.
    pub(crate) file_system: String,
    /// Appends of 4 KiB, each followed by fdatasync, a second.
    pub(crate) syncs_per_second: f64,
    /// Milliseconds of each.
    pub(crate) sync: Latency,
    /// Bytes a second of one long write with one fdatasync at its end.
    pub(crate) sequential_bytes_per_second: f64,
}

impl Facts {
    /// Of this machine, with its disk measured in `folder`.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(crate) fn gather(folder: &Path) -> anyhow::Result<Self> {
        let machine = Machine::gather();
        let (syncs_per_second, sync) = measure_syncs(folder).context("cannot measure the disk")?;
        Ok(Self {
            machine,
            file_system: file_system(folder, &read("/proc/self/mounts")),
            syncs_per_second,
            sync,
            sequential_bytes_per_second: measure_sequential(folder).context("cannot measure the disk")?,
        })
    }
}

/// Waits until the disk is as fast as it was, or for a while at most: a run that wrote much leaves work to the file system
/// and to whatever is below it, and the next run is not to pay for it. False where it did not become quiet.
///
/// # Errors
/// The folder cannot be written.
pub(crate) fn settle(folder: &Path, quiet: &Latency) -> anyhow::Result<bool> {
    let began = Instant::now();
    loop {
        rustix::fs::sync();
        let mut times = syncs(folder, |done, _| done < PROBE)?;
        times.sort_unstable();
        let median = times.get(PROBE / 2).map_or(0.0, |time| time.as_secs_f64() * 1e3);
        if median <= quiet.p50 * QUIET {
            return Ok(true);
        }
        if began.elapsed() > SETTLE_TIME {
            return Ok(false);
        }
    }
}

/// How many cores there are.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, Into::into)
}

/// Whether the folder is in memory, where nothing that is measured about a disk means anything.
pub(crate) fn is_in_memory(folder: &Path) -> bool {
    let kind = file_system(folder, &read("/proc/self/mounts"));
    kind.starts_with("tmpfs") || kind.starts_with("ramfs")
}

fn measure_syncs(folder: &Path) -> anyhow::Result<(f64, Latency)> {
    let mut histogram = new_histogram()?;
    let times = syncs(folder, |_, passed| passed < SYNC_TIME)?;
    for time in &times {
        histogram.saturating_record(time.as_nanos() as u64);
    }
    let total: Duration = times.iter().sum();
    Ok((times.len() as f64 / total.as_secs_f64(), Latency::of(&histogram)))
}

/// How long each append and sync takes, as long as `more` says so of their number and of the time.
fn syncs(folder: &Path, more: impl Fn(usize, Duration) -> bool) -> anyhow::Result<Vec<Duration>> {
    let path = folder.join("syncs");
    let mut file = File::create(&path)?;
    let began = Instant::now();
    let mut times = Vec::new();
    while more(times.len(), began.elapsed()) {
        let one = Instant::now();
        file.write_all(&[7; BLOCK_BYTES])?;
        file.sync_data()?;
        times.push(one.elapsed());
    }
    fs::remove_file(path)?;
    Ok(times)
}

fn measure_sequential(folder: &Path) -> anyhow::Result<f64> {
    let path = folder.join("sequential");
    let mut file = File::create(&path)?;
    let piece = vec![7; PIECE_BYTES];
    let began = Instant::now();
    for _ in 0..SEQUENTIAL_BYTES / PIECE_BYTES {
        file.write_all(&piece)?;
    }
    file.sync_data()?;
    let rate = SEQUENTIAL_BYTES as f64 / began.elapsed().as_secs_f64();
    fs::remove_file(path)?;
    Ok(rate)
}

/// Empty if it cannot be read.
fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn value_of(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn kilobytes(text: &str, name: &str) -> u64 {
    let value = value_of(text, name).unwrap_or_default();
    value.split(' ').next().and_then(|one| one.parse().ok()).unwrap_or(0)
}

/// The kind and device of the mount that holds the folder.
fn file_system(folder: &Path, mounts: &str) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    let mount = |line: &str| {
        let mut words = line.split(' ');
        let (device, place, kind) = (words.next()?, words.next()?, words.next()?);
        folder
            .starts_with(place)
            .then(|| (place.len(), format!("{kind} on {device}")))
    };
    // The last of several on one place is the one that is seen.
    let longest = mounts.lines().filter_map(mount).max_by_key(|(length, _)| *length);
    longest.map_or_else(|| "unknown".to_owned(), |(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_with_the_longest_path_holds_the_folder() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /usr tmpfs rw 0 0\n/dev/b /usr/lib xfs rw 0 0\n";
        assert_eq!(file_system(Path::new("/usr/lib"), mounts), "xfs on /dev/b");
        assert_eq!(file_system(Path::new("/usr"), mounts), "tmpfs on tmpfs");
        assert_eq!(file_system(Path::new("/etc"), mounts), "ext4 on /dev/a");
        assert_eq!(file_system(Path::new("/etc"), ""), "unknown");
    }

    #[test]
    fn a_disk_as_fast_as_before_is_settled() {
        let dir = tempfile::tempdir().unwrap();
        let quiet = Latency {
            p50: 1e6,
            ..measure_syncs(dir.path()).unwrap().1
        };
        assert!(settle(dir.path(), &quiet).unwrap());
        assert_eq!(syncs(dir.path(), |done, _| done < 3).unwrap().len(), 3);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_machine_says_what_it_is() {
        assert_eq!(
            value_of("a: b\nmodel name\t: Fast CPU\n", "model name").as_deref(),
            Some("Fast CPU")
        );
        assert_eq!(kilobytes("MemTotal:   24 kB\n", "MemTotal"), 24);
        assert!(cores() >= 1);
    }
}
