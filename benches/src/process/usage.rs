//! What processes use: CPU, memory, bytes written to disk, as the kernel counts them.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What one process has used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Reading {
    cpu_seconds: f64,
    rss_bytes: u64,
    rss_peak_bytes: u64,
    written_bytes: u64,
}

/// What one server used while something was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServerUse {
    pub(crate) pid: u32,
    /// User and system time.
    pub(crate) cpu_seconds: f64,
    /// Resident memory at the end (`VmRSS`).
    pub(crate) rss_bytes: u64,
    /// The most it was while measured (`VmHWM`, reset before where the kernel allows it).
    pub(crate) rss_peak_bytes: u64,
    /// `write_bytes`: what it caused to be written to disk.
    pub(crate) written_bytes: u64,
}

/// What was used while something was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Used {
    pub(crate) servers: Vec<ServerUse>,
    /// CPU seconds of the load generator itself.
    pub(crate) generator_cpu_seconds: f64,
    /// CPU seconds of everything else on the machine; more than a few percent make a figure doubtful.
    pub(crate) others_cpu_seconds: f64,
}

impl Used {
    /// CPU seconds of all servers.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        self.servers.iter().map(|one| one.cpu_seconds).sum()
    }

    /// Bytes that all servers wrote to disk.
    pub(crate) fn written_bytes(&self) -> u64 {
        self.servers.iter().map(|one| one.written_bytes).sum()
    }

    /// Memory of the largest server at the end.
    pub(crate) fn rss_bytes(&self) -> u64 {
        self.servers.iter().map(|one| one.rss_bytes).max().unwrap_or(0)
    }

    /// Memory of the largest server at its most.
    pub(crate) fn rss_peak_bytes(&self) -> u64 {
        self.servers.iter().map(|one| one.rss_peak_bytes).max().unwrap_or(0)
    }
}

/// Measures the processes of the servers, if they are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    pids: Vec<u32>,
}

/// A measurement that has begun.
pub(crate) struct Begun {
    meter: Meter,
    servers: Vec<Reading>,
    own: f64,
    machine: f64,
}

impl Meter {
    /// Of these processes.
    pub(crate) fn of(pids: Vec<u32>) -> Self {
        Self { pids }
    }

    /// Begins.
    pub(crate) fn begin(&self) -> Begun {
        for pid in &self.pids {
            // Resets the peak of the memory; a container may forbid it, then the peak is that since the start.
            let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
        }
        Begun {
            servers: self.pids.iter().map(|pid| read(*pid)).collect(),
            own: cpu_seconds("self"),
            machine: machine_cpu_seconds(),
            meter: self.clone(),
        }
    }

    /// Memory of the largest server now.
    pub(crate) fn rss_bytes(&self) -> u64 {
        let status = |pid: &u32| text(&pid.to_string(), "status");
        let sizes = self.pids.iter().map(|pid| kilobytes(&status(pid), "VmRSS:"));
        sizes.max().unwrap_or(0)
    }
}

impl Begun {
    /// Goes on with the processes of `meter`, which were started after this began: all that they used counts.
    pub(crate) fn restarted(self, meter: &Meter) -> Self {
        Self {
            servers: vec![Reading::default(); meter.pids.len()],
            meter: meter.clone(),
            ..self
        }
    }

    /// Ends; what was used since it began.
    pub(crate) fn end(self) -> Used {
        let servers = self.meter.pids.iter().zip(&self.servers).map(|(pid, before)| {
            let after = read(*pid);
            ServerUse {
                pid: *pid,
                cpu_seconds: after.cpu_seconds - before.cpu_seconds,
                rss_bytes: after.rss_bytes,
                rss_peak_bytes: after.rss_peak_bytes,
                written_bytes: after.written_bytes.saturating_sub(before.written_bytes),
            }
        });
        let servers: Vec<ServerUse> = servers.collect();
        let own = cpu_seconds("self") - self.own;
        let known = own + servers.iter().map(|one| one.cpu_seconds).sum::<f64>();
        Used {
            generator_cpu_seconds: own,
            others_cpu_seconds: (machine_cpu_seconds() - self.machine - known).max(0.0),
            servers,
        }
    }
}

fn read(pid: u32) -> Reading {
    let pid = pid.to_string();
    let status = text(&pid, "status");
    Reading {
        cpu_seconds: cpu_seconds(&pid),
        rss_bytes: kilobytes(&status, "VmRSS:"),
        rss_peak_bytes: kilobytes(&status, "VmHWM:"),
        written_bytes: number_after(&text(&pid, "io"), "write_bytes:"),
    }
}

/// Empty when the process is gone or may not be read: its figures are then zero.
fn text(pid: &str, file: &str) -> String {
    fs::read_to_string(PathBuf::from("/proc").join(pid).join(file)).unwrap_or_default()
}

fn kilobytes(text: &str, name: &str) -> u64 {
    number_after(text, name) * 1024
}

fn number_after(text: &str, name: &str) -> u64 {
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

fn cpu_seconds(pid: &str) -> f64 {
    ticks_of(&text(pid, "stat")) as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// User and system time; the name before them may hold anything but ends with the last bracket.
fn ticks_of(stat: &str) -> u64 {
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let mut words = after.split_whitespace().skip(11);
    let mut next = || words.next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
    next() + next()
}

/// CPU seconds of everything on the machine: user, nice, system, interrupts.
fn machine_cpu_seconds() -> f64 {
    busy_ticks(&fs::read_to_string("/proc/stat").unwrap_or_default()) as f64
        / rustix::param::clock_ticks_per_second() as f64
}

fn busy_ticks(stat: &str) -> u64 {
    let words: Vec<u64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|word| word.parse().ok())
        .collect();
    // user nice system idle iowait irq softirq
    [0, 1, 2, 5, 6].iter().filter_map(|&at| words.get(at)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_texts_are_read() {
        let stat = "7 (a) b) R 1 2 3 4 5 6 7 8 9 10 300 45 1 1 20 0 9 0";
        assert_eq!(ticks_of(stat), 345);
        assert_eq!(busy_ticks("cpu  1 2 4 1000 1000 8 16 1000 0 0\ncpu0 1"), 31);
        assert_eq!(kilobytes("VmPeak: 9 kB\nVmRSS:\t  12 kB\n", "VmRSS:"), 12 * 1024);
        assert_eq!(
            number_after("write_bytes: 4096\ncancelled_write_bytes: 7\n", "write_bytes:"),
            4096
        );
    }

    #[test]
    fn this_process_can_be_measured() {
        let meter = Meter::of(vec![std::process::id()]);
        let begun = meter.begin();
        let used = begun.end();
        assert!(used.rss_bytes() > 1 << 20, "{used:?}");
        assert!(used.rss_peak_bytes() >= used.rss_bytes() / 2, "{used:?}");
        assert_eq!(Meter::default().begin().end().servers, []);
    }
}
