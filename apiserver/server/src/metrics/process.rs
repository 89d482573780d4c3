//! `process_*`: what the system says about this process. Linux only; elsewhere they stay 0.

use std::fs;

use prometheus::{Counter, Gauge};

use super::Make;
use super::requests::float;

pub(crate) struct Process {
    cpu: Counter,
    open_fds: Gauge,
    max_fds: Gauge,
    resident: Gauge,
    virtual_bytes: Gauge,
    virtual_max: Gauge,
    started: Gauge,
}

/// Clock ticks a second in /proc; fixed by the kernel's interface on every platform in use.
const TICKS: f64 = 100.0;
/// The fields of /proc/self/stat that are read, counted from 1 as its manual counts them.
const USER_TIME: usize = 14;
const SYSTEM_TIME: usize = 15;
const START_TIME: usize = 22;

impl Process {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        let float = |name: &str, help: &str| make.float(&format!("process_{name}"), help);
        let process = Self {
            cpu: make.add(Counter::new("process_cpu_seconds_total", "Processor time used.")?)?,
            open_fds: float("open_fds", "Open file descriptors.")?,
            max_fds: float("max_fds", "Limit of open file descriptors.")?,
            resident: float("resident_memory_bytes", "Resident memory.")?,
            virtual_bytes: float("virtual_memory_bytes", "Virtual memory.")?,
            virtual_max: float(
                "virtual_memory_max_bytes",
                "Limit of virtual memory; -1 where there is none.",
            )?,
            started: float("start_time_seconds", "When the process started, in seconds since 1970.")?,
        };
        process.refresh();
        Ok(process)
    }

    /// When the process started.
    pub(super) fn started(&self) -> Gauge {
        self.started.clone()
    }

    pub(super) fn refresh(&self) {
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            self.open_fds.set(float(entries.count() as u64));
        }
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        if let Some(limit) = soft(&limits, "Max open files").and_then(|limit| limit.parse().ok()) {
            self.max_fds.set(limit);
        }
        if let Some(limit) = soft(&limits, "Max address space") {
            // "unlimited" is no number.
            self.virtual_max.set(limit.parse().unwrap_or(-1.0));
        }
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        if let Some(bytes) = memory(&status, "VmRSS:") {
            self.resident.set(bytes);
        }
        if let Some(bytes) = memory(&status, "VmSize:") {
            self.virtual_bytes.set(bytes);
        }
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let used = (field(&stat, USER_TIME) + field(&stat, SYSTEM_TIME)) / TICKS;
        // Counters only grow, even where two refresh at once.
        self.cpu.inc_by((used - self.cpu.get()).max(0.0));
        let boot = fs::read_to_string("/proc/stat").unwrap_or_default();
        if let Some(boot) = boot_time(&boot) {
            self.started.set(boot + field(&stat, START_TIME) / TICKS);
        }
    }
}

/// The soft limit of this name, three words long.
fn soft<'a>(limits: &'a str, name: &str) -> Option<&'a str> {
    let line = limits.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(3)
}

/// An amount of memory, which is written in kilobytes.
fn memory(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024.0)
}

/// A number of /proc/self/stat; those that are read stand behind the program's name, which may hold blanks.
fn field(stat: &str, number: usize) -> f64 {
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = rest.split_whitespace().nth(number - 3);
    field.and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn boot_time(stat: &str) -> Option<f64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{boot_time, field, memory, soft};
    use crate::metrics::tests::Trial;

    #[test]
    fn the_kernel_s_tables_are_read() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max open files            1024                 524288               files\n";
        assert_eq!(soft(limits, "Max open files"), Some("1024"));
        assert_eq!(
            memory("VmSize:\t  100 kB\nVmRSS:\t   12 kB\n", "VmRSS:"),
            Some(12_288.0)
        );
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194304 95 0 0 0 11 22 0 0 20 0 1 0 5000 0 0";
        let read = [field(stat, 14), field(stat, 15), field(stat, 22)];
        assert_eq!(format!("{read:?}"), "[11.0, 22.0, 5000.0]");
        assert_eq!(boot_time("cpu 1\nbtime 1700000000\n"), Some(1_700_000_000.0));
        assert!(field("", 14).abs() < f64::EPSILON);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_knows_itself() {
        let trial = Trial::new();
        let process = &trial.metrics.process;
        assert!(process.resident.get() > 0.0 && process.open_fds.get() > 0.0 && process.max_fds.get() > 0.0);
        assert!(process.started.get() > 1.7e9);
        let before = process.cpu.get();
        process.refresh();
        assert!(process.cpu.get() >= before);
    }
}
