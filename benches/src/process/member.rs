//! One process of a cluster.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::Program;

/// A process that was asked to end and has not after this time is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// A member and where it is reached. Its process is gone when it is dropped.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) client_url: String,
    pub(crate) peer_url: String,
    pub(crate) data: PathBuf,
    pub(crate) flags: Vec<String>,
    pub(crate) log: PathBuf,
    pub(crate) process: Option<Child>,
}

impl Member {
    /// Starts it.
    ///
    /// # Errors
    /// The program or its log file cannot be used.
    pub(crate) fn start(&mut self, program: &Program) -> anyhow::Result<()> {
        let log = File::options()
            .append(true)
            .create(true)
            .open(&self.log)
            .with_context(|| format!("cannot write {}", self.log.display()))?;
        let mut command = program.command();
        command
            .args(&self.flags)
            // Its own group: Ctrl-C is for this program, which ends it in order.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let process = command
            .spawn()
            .with_context(|| format!("cannot start {}", program.path.display()))?;
        self.process = Some(process);
        Ok(())
    }

    /// The id of its process.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Fails if the process has ended.
    ///
    /// # Errors
    /// It has; with the end of its log.
    pub(crate) fn check_alive(&mut self) -> anyhow::Result<()> {
        let Some(process) = &mut self.process else {
            bail!("{} was not started", self.name);
        };
        if let Some(status) = process.try_wait()? {
            bail!(
                "{} ended with {status}; its log ends with:\n{}",
                self.name,
                self.log_end()
            );
        }
        Ok(())
    }

    /// Asks it to end and waits for that.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        if let Some(pid) = Pid::from_raw(process.id() as i32) {
            // It may have ended by itself; the wait below sees it.
            let _ = kill_process(pid, Signal::TERM);
        }
        let asked = Instant::now();
        while process.try_wait()?.is_none() {
            if asked.elapsed() > STOP_TIMEOUT {
                process.kill()?;
                process.wait()?;
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// The last lines that it has logged.
    pub(crate) fn log_end(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
    }
}
