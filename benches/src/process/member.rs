//! One process of a cluster.

use std::path::PathBuf;

use anyhow::bail;

use super::{Process, Program};

/// A member and where it is reached. Its process is gone when it is dropped.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) client_url: String,
    pub(crate) peer_url: String,
    pub(crate) data: PathBuf,
    pub(crate) flags: Vec<String>,
    pub(crate) log: PathBuf,
    pub(crate) process: Option<Process>,
}

impl Member {
    /// Starts it.
    ///
    /// # Errors
    /// The program or its log file cannot be used.
    pub(crate) fn start(&mut self, program: &Program) -> anyhow::Result<()> {
        let mut command = program.command();
        command.args(&self.flags);
        let name = format!("{} ({})", self.name, program.path.display());
        self.process = Some(Process::start(&name, command, &self.log)?);
        Ok(())
    }

    /// The id of its process.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// Fails if the process has ended.
    ///
    /// # Errors
    /// It has; with the end of its log.
    pub(crate) fn check_alive(&mut self) -> anyhow::Result<()> {
        match &mut self.process {
            Some(process) => process.check_alive(),
            None => bail!("{} was not started", self.name),
        }
    }

    /// Asks it to end and waits for that.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        match self.process.take() {
            Some(process) => process.stop().await,
            None => Ok(()),
        }
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }
}
