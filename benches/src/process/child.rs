//! One process that was started here: watched, asked to end, and gone when this program is.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

/// A process that was asked to end and has not after this time is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// The command that runs a program which must not outlive this one, even when this one is killed.
pub(crate) fn guarded(path: impl AsRef<OsStr>) -> Command {
    let setpriv = Path::new("/usr/bin/setpriv");
    let mut command = if setpriv.exists() {
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", "KILL"]).arg(path);
        command
    } else {
        Command::new(path)
    };
    // Settings and proxies of the user's shell must not reach it.
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("ETCD_") || name_text.to_ascii_lowercase().ends_with("_proxy") {
            command.env_remove(&name);
        }
    }
    command
}

/// A started process. It is gone when this is dropped.
pub(crate) struct Process {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// Starts `command`, whose words are appended to the file `log`. `name` is what errors call it.
    ///
    /// # Errors
    /// The program or its log file cannot be used.
    pub(crate) fn start(name: &str, mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let file = File::options()
            .append(true)
            .create(true)
            .open(log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        command
            // Its own group: Ctrl-C is for this program, which ends it in order.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            log: log.to_path_buf(),
            child,
        })
    }

    /// Its id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Fails if it has ended.
    ///
    /// # Errors
    /// It has; with the end of its log.
    pub(crate) fn check_alive(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
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
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        if let Some(pid) = Pid::from_raw(self.child.id() as i32) {
            // It may have ended by itself; the wait below sees it.
            let _ = kill_process(pid, Signal::TERM);
        }
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            if asked.elapsed() > STOP_TIMEOUT {
                self.child.kill()?;
                self.child.wait()?;
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// The last lines that it has logged.
    fn log_end(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(text: &str) -> Command {
        let mut command = guarded("sh");
        command.args(["-c", text]);
        command
    }

    async fn ended(process: &mut Process) -> String {
        loop {
            if let Err(error) = process.check_alive() {
                return error.to_string();
            }
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_process_that_ended_says_its_last_words() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let mut process = Process::start("the shell", shell("echo no such luck; exit 3"), &log).unwrap();
        let error = ended(&mut process).await;
        assert!(error.starts_with("the shell ended with exit status: 3"), "{error}");
        assert!(error.contains("no such luck"), "{error}");
    }

    #[tokio::test]
    async fn a_process_is_asked_to_end() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let text = "trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.01; done";
        let mut process = Process::start("the shell", shell(text), &log).unwrap();
        while !std::fs::read_to_string(&log).unwrap().contains("ready") {
            process.check_alive().unwrap();
            tokio::task::yield_now().await;
        }
        process.stop().await.unwrap();
        assert!(std::fs::read_to_string(&log).unwrap().contains("asked"));
    }
}
