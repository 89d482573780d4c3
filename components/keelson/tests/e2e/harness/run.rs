//! Running a command to its end, or until it has said enough.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// No command may take longer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a command said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    /// `None` if it was stopped.
    pub(crate) code: Option<i32>,
    /// It was stopped because it did not end.
    pub(crate) timed_out: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Whether there is such a program.
pub(crate) fn exists(program: &str) -> bool {
    let found = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    found.is_ok()
}

/// A server that is not yet started: it will not outlive the thread that starts it, even when a test is killed.
pub(crate) fn bound(program: &Path) -> Command {
    let setpriv = Path::new("/usr/bin/setpriv");
    let mut command = if setpriv.exists() {
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", "KILL"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    // Go's proxy settings and ETCD_ variables of the developer's shell must not reach it.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ETCD") || name.ends_with("_proxy")) {
        command.env_remove(name);
    }
    command
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    run_with(command, "", None)
}

/// Runs a command that may take longer than others.
pub(crate) fn run_for(command: &mut Command, patience: Duration) -> Output {
    run_until(command, "", None, patience)
}

/// Runs a command with this input; if `lines` is set it is stopped once it has printed so many.
pub(crate) fn run_with(command: &mut Command, stdin: &str, lines: Option<usize>) -> Output {
    run_until(command, stdin, lines, PATIENCE)
}

/// Runs a command with this input, for no longer than this; if `lines` is set it is stopped once it has printed so many.
pub(crate) fn run_until(command: &mut Command, stdin: &str, lines: Option<usize>, patience: Duration) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut input = child.stdin.take().unwrap();
    let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        let mut err = err;
        // Bytes that are no text end the reading; the tools print none.
        let _ = err.read_to_string(&mut text);
        text
    });
    let (sender, printed) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(out).split(b'\n').map_while(Result::ok) {
            if sender.send(String::from_utf8_lossy(&line).into_owned() + "\n").is_err() {
                break;
            }
        }
    });
    // A command that does not read its input may end before it is written.
    let _ = input.write_all(stdin.as_bytes());
    if lines.is_none() {
        drop(input);
    }

    let deadline = Instant::now() + patience;
    let (mut stdout, mut count, mut timed_out) = (String::new(), 0, false);
    while lines.is_none_or(|lines| count < lines) {
        match printed.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => stdout += &line,
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                timed_out = true;
                break;
            }
        }
        count += 1;
    }
    let stopped = timed_out || lines.is_some_and(|lines| count >= lines);
    if stopped {
        let _ = child.kill();
    }
    let status = child.wait().unwrap();
    let stderr = errors.join().unwrap();
    Output {
        code: if stopped { None } else { status.code() },
        timed_out,
        stdout,
        stderr,
    }
}
