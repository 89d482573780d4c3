//! `keelson up` as a user meets it: what it prints can be typed, Ctrl-C ends it, and it goes on where it was.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use crate::harness::{Output, free_ports, run, run_with, skip, tools, until};

/// `keelson up` while it runs.
struct Up {
    process: Child,
    stdout: BufReader<ChildStdout>,
    /// What it said when it was up.
    greeting: String,
}

/// How it ended.
struct Ended {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

/// A shell that finds our program and etcd's.
fn shell(line: &str) -> Command {
    let binary = Path::new(env!("CARGO_BIN_EXE_keelson")).parent().unwrap();
    let etcd = tools().unwrap().etcdctl.parent().unwrap();
    let path = format!("{}:{}:/usr/bin:/bin", binary.display(), etcd.display());
    let mut command = Command::new("sh");
    // Without the shell in between, so that who is killed is the program itself.
    command
        .args(["-c", &format!("exec {line}")])
        .env_clear()
        .env("PATH", path);
    command
}

impl Up {
    /// Runs the line as a user would, and waits for the last line of the greeting.
    fn start(line: &str) -> Self {
        let dies_with_us = if Path::new("/usr/bin/setpriv").exists() {
            "setpriv --pdeathsig KILL "
        } else {
            ""
        };
        let mut process = shell(&format!("{dies_with_us}{line}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut greeting = String::new();
        while !greeting.contains("Ctrl-C stops it") {
            if stdout.read_line(&mut greeting).unwrap() == 0 {
                let mut said = String::new();
                process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                panic!("{line} ended:\n{greeting}\n{said}");
            }
        }
        Self {
            process,
            stdout,
            greeting,
        }
    }

    /// The lines that a user is told to try on the store.
    fn commands(&self) -> Vec<&str> {
        let lines = self.greeting.lines().filter_map(|line| line.strip_prefix("  "));
        lines.filter(|line| line.starts_with("etcdctl")).collect()
    }

    fn interrupt(&self) {
        let id = self.process.id().to_string();
        assert_eq!(run(Command::new("kill").args(["-s", "INT", &id])).code, Some(0));
    }

    /// Ctrl-C.
    fn stop(mut self) -> Ended {
        self.interrupt();
        let status = until("keelson up ends", || self.process.try_wait().unwrap());
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).unwrap();
        let mut errors = self.process.stderr.take().unwrap();
        errors.read_to_string(&mut stderr).unwrap();
        Ended { status, stdout, stderr }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port with `count - 1` free ones behind it.
fn ports(count: u16) -> u16 {
    loop {
        let base = free_ports(1)[0];
        if (base..base + count).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return base;
        }
    }
}

fn said(output: &Output) -> &str {
    assert_eq!(output.code, Some(0), "{output:?}");
    &output.stdout
}

/// Runs what the greeting offers, in its order.
fn try_commands(up: &Up, members: usize) {
    let commands = up.commands();
    let [put, get, watch, status] = commands[..] else {
        panic!("{}", up.greeting);
    };
    assert_eq!(said(&run(&mut shell(put))), "OK\n");
    assert_eq!(said(&run(&mut shell(get))), "greeting\nhello\n");
    let status = run(&mut shell(status));
    assert_eq!(
        said(&status).matches("http://127.0.0.1:").count(),
        members,
        "{status:?}"
    );
    // A watch sees what is written after it began, and does not say when that is.
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| run_with(&mut shell(watch), "", Some(3)));
        while !watching.is_finished() {
            said(&run(&mut shell(put)));
        }
        assert_eq!(watching.join().unwrap().stdout, "PUT\ngreeting\nhello\n");
    });
}

fn lives(members: usize, flags: &str) {
    if let Err(why) = tools() {
        return skip(why);
    }
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data").display().to_string();
    let base = ports(2 * members as u16 + 1);
    let up = Up::start(&format!("keelson up {flags} --data-dir {data} --port-base {base}"));
    let endpoints: Vec<String> = (0..members)
        .map(|n| format!("http://127.0.0.1:{}", usize::from(base) + 2 * n))
        .collect();
    let count = if members == 1 { "1 member is" } else { "3 members are" };
    let kubernetes = format!("https://127.0.0.1:{}", usize::from(base) + 2 * members);
    let first = format!(
        "{count} up: {}\nThe Kubernetes API is up: {kubernetes}\n",
        endpoints.join(",")
    );
    assert!(up.greeting.starts_with(&first), "{}", up.greeting);
    try_commands(&up, members);
    let get = up.commands()[1].to_owned();
    let again = up.greeting.split('`').nth(1).unwrap().to_owned();

    let ended = up.stop();
    assert!(ended.status.success(), "{}\n{}", ended.status, ended.stderr);
    assert!(
        ended
            .stdout
            .ends_with(&format!("Stopping ...\nStopped. The data are in {data}.\n")),
        "{}",
        ended.stdout
    );
    assert_eq!(ended.stderr, "", "nothing is wrong, so nothing is said");
    assert!(TcpListener::bind(("127.0.0.1", base)).is_ok(), "the port is free again");

    let up = Up::start(&again);
    assert!(up.greeting.starts_with(&first), "{}", up.greeting);
    assert_eq!(said(&run(&mut shell(&get))), "greeting\nhello\n");
    let ended = up.stop();
    assert!(ended.status.success() && ended.stderr.is_empty(), "{}", ended.stderr);
}

#[test]
fn one_member_says_what_to_do_stops_and_goes_on() {
    lives(1, "");
}

#[test]
fn three_members_say_what_to_do_stop_and_go_on() {
    lives(3, "--members 3");
}

#[test]
fn an_interrupt_before_it_is_up_ends_it_too() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut process = Command::new(env!("CARGO_BIN_EXE_keelson"))
        .args(["up", "--members=3", &format!("--port-base={}", ports(7))])
        .arg(format!("--data-dir={}", data.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The plan is written before the first member starts.
    until("the plan is there", || data.join("m1").exists().then_some(()));
    let id = process.id().to_string();
    assert_eq!(run(Command::new("kill").args(["-s", "INT", &id])).code, Some(0));
    let status = until("keelson up ends", || process.try_wait().unwrap());
    assert!(status.success(), "{status}");
}
