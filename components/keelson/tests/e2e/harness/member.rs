//! One process of a cluster: started, stopped, frozen, killed.

use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use super::{Output, bound, get, run, until};

/// A member and where it is reached.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) client_port: u16,
    pub(crate) peer_port: u16,
    pub(crate) metrics_port: u16,
    pub(crate) client_url: String,
    pub(crate) peer_url: String,
    pub(crate) data: PathBuf,
    /// Replaced by a test that starts it otherwise.
    pub(crate) arguments: Vec<String>,
    pub(crate) program: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) process: Option<Child>,
}

impl Member {
    /// Starts it; it must not run yet.
    pub(crate) fn start(&mut self) {
        assert!(self.process.is_none(), "{} runs already", self.name);
        let log = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.log)
            .unwrap();
        let mut command = self.command();
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        self.process = Some(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")));
    }

    /// Starts it and waits for its end, for starts that must fail.
    pub(crate) fn run_to_end(&self) -> Output {
        run(&mut self.command())
    }

    fn command(&self) -> Command {
        let mut command = bound(&self.program);
        command.args(&self.arguments);
        command
    }

    /// Waits until it serves linearizable reads, so there is a leader too.
    pub(crate) fn wait_healthy(&mut self) {
        let what = format!("{} is healthy", self.name);
        until(&what, || {
            if let Some(status) = self.process.as_mut().and_then(|process| process.try_wait().unwrap()) {
                panic!("{} ended with {status}:\n{}", self.name, self.log());
            }
            self.is_healthy().then_some(())
        });
    }

    pub(crate) fn is_healthy(&self) -> bool {
        get(self.metrics_port, "/health").is_some_and(|(status, body)| status == 200 && body.contains("\"true\""))
    }

    /// Whether the process is there.
    pub(crate) fn is_running(&mut self) -> bool {
        self.process
            .as_mut()
            .is_some_and(|process| process.try_wait().unwrap().is_none())
    }

    /// A power cut, as far as a process can have one.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            process.wait().unwrap();
        }
    }

    /// Asks it to end, and waits for that.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait_ended()
    }

    /// Waits until the process ends by itself.
    pub(crate) fn wait_ended(&mut self) -> ExitStatus {
        let mut process = self.process.take().unwrap();
        until(&format!("{} ends", self.name), || process.try_wait().unwrap())
    }

    /// Stops the process where it is; its connections stay open.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets a frozen process go on.
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let id = self.process.as_ref().unwrap().id().to_string();
        assert_eq!(run(Command::new("kill").args(["-s", name, &id])).code, Some(0));
    }

    /// All that it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let tail = log.len().saturating_sub(6000);
            let tail = (tail..log.len())
                .find(|&at| log.is_char_boundary(at))
                .unwrap_or(log.len());
            eprintln!("--- log of {} {}\n{}", self.program.display(), self.name, &log[tail..]);
        }
    }
}
