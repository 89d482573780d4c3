//! `os_fd_*` and `process_*`: what the system says about this process. Linux only; elsewhere they stay 0.

use std::fs;

use prometheus::{Counter, Gauge};

use super::{Make, float};

pub(crate) struct Process {
    fd_used: Gauge,
    fd_limit: Gauge,
    open_fds: Gauge,
    max_fds: Gauge,
    resident: Gauge,
    virtual_bytes: Gauge,
    started: Gauge,
    cpu: Counter,
    virtual_max: Gauge,
}

/// Clock ticks a second in /proc; fixed by the kernel's interface on every platform in use.
const TICKS: f64 = 100.0;
/// Bytes of a page where the kernel does not say otherwise.
const PAGE: u64 = 4096;

impl Process {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            fd_used: make.float("os_fd_used", "Open file descriptors.")?,
            fd_limit: make.float("os_fd_limit", "Limit of open file descriptors.")?,
            open_fds: make.float("process_open_fds", "Open file descriptors.")?,
            max_fds: make.float("process_max_fds", "Limit of open file descriptors.")?,
            resident: make.float("process_resident_memory_bytes", "Resident memory.")?,
            virtual_bytes: make.float("process_virtual_memory_bytes", "Virtual memory.")?,
            started: make.float("process_start_time_seconds", "When the process started, Unix time.")?,
            cpu: make.add(Counter::new("process_cpu_seconds_total", "Processor time used.")?)?,
            virtual_max: make.float(
                "process_virtual_memory_max_bytes",
                "Limit of virtual memory; -1 = none.",
            )?,
        })
    }

    pub(super) fn refresh(&self) {
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            let used = float(entries.count() as u64);
            self.fd_used.set(used);
            self.open_fds.set(used);
        }
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        if let Some(limit) = soft(&limits, "Max open files").and_then(|limit| limit.parse().ok()) {
            self.fd_limit.set(limit);
            self.max_fds.set(limit);
        }
        if let Some(limit) = soft(&limits, "Max address space") {
            // "unlimited" is no number; upstream's library shows the C library's word for it.
            self.virtual_max.set(limit.parse().unwrap_or(-1.0));
        }
        self.refresh_stat();
    }

    fn refresh_stat(&self) {
        let Ok(text) = fs::read_to_string("/proc/self/stat") else {
            return;
        };
        // Fields are counted from the closing parenthesis of the program's name, which may hold blanks.
        let Some((_, rest)) = text.rsplit_once(')') else { return };
        let fields: Vec<u64> = rest
            .split_whitespace()
            .map(|field| field.parse().unwrap_or(0))
            .collect();
        let field = |number: usize| fields.get(number - 3).copied().unwrap_or(0);
        let used = float(field(14) + field(15)) / TICKS;
        self.cpu.inc_by((used - self.cpu.get()).max(0.0));
        self.virtual_bytes.set(float(field(23)));
        self.resident.set(float(field(24) * PAGE));
        if let Some(boot) = boot_time() {
            self.started.set(boot + float(field(22)) / TICKS);
        }
    }
}

/// The soft limit of this name, three words long.
fn soft<'a>(limits: &'a str, name: &str) -> Option<&'a str> {
    let line = limits.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(3)
}

fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()
}
