//! Running a script against one cluster.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use regex::Regex;

use super::compare::WRONG;
use super::normal::Names;
use super::parse::{Script, Step, words};
use crate::harness::{Cluster, Kind, Output, Setup, run_with, tools, until};

/// What every step said, with all that may differ put aside.
pub(super) fn execute(kind: Kind, script: &Script) -> Vec<String> {
    let setup = script
        .flags
        .iter()
        .fold(Setup::of(script.members), |setup, flag| setup.flag(flag.clone()));
    let cluster = Cluster::start(kind, setup);
    let mut names = Names::of(&cluster);
    let mut background = Background(Vec::new());
    let run = |step: &Step| {
        if step.background {
            background.start(&mut command(&cluster, &words(&names.put_in(&step.command))));
            return "started".to_owned();
        }
        run_step(&cluster, &mut names, step)
    };
    script.steps.iter().map(run).collect()
}

/// Commands that run to the end of the script.
struct Background(Vec<Child>);

impl Background {
    fn start(&mut self, command: &mut Command) {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.0.push(command.spawn().unwrap());
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn run_step(cluster: &Cluster, names: &mut Names, step: &Step) -> String {
    let line = names.put_in(&step.command);
    let attempt = || {
        let mut command = command(cluster, &words(&line));
        run_with(&mut command, &step.stdin, step.lines)
    };
    let output = match &step.until {
        None => attempt(),
        Some(wanted) => until(&step.command, || {
            let output = attempt();
            wanted.is_match(&output.stdout).then_some(output)
        }),
    };
    let mut missing = String::new();
    let mut found = |name: &str, regex: &Regex| {
        // The script goes on, so that one mistake shows no more and no less than itself.
        let found = regex.captures(&output.stdout).map(|found| found[1].to_owned());
        found.unwrap_or_else(|| {
            missing.extend(["\n", WRONG, " no ", name, " in it"]);
            "1111111111111111".to_owned()
        })
    };
    step.saves
        .iter()
        .for_each(|(name, regex)| names.save(name, &found(name, regex)));
    step.ids
        .iter()
        .for_each(|(name, regex)| names.save_id(name, &found(name, regex)));
    shown(&output, names, step) + &missing
}

/// What is compared.
fn shown(output: &Output, names: &Names, step: &Step) -> String {
    let code = match output.code {
        Some(code) => format!("exit {code}"),
        None if output.timed_out => format!("{WRONG} it did not end"),
        None => "stopped".to_owned(),
    };
    let mut text = String::new();
    for (name, stream) in [("out", &output.stdout), ("err", &output.stderr)] {
        let stream = names.take_out(stream, &step.masks);
        let mut lines: Vec<&str> = stream.lines().collect();
        if step.sort {
            lines.sort_unstable();
        }
        for line in lines {
            text.extend([name, ": ", line, "\n"]);
        }
    }
    text + &code
}

/// The command itself.
fn command(cluster: &Cluster, words: &[String]) -> Command {
    let tools = tools().unwrap();
    let (program, rest) = words.split_first().unwrap();
    let ctl = |path: &PathBuf| {
        let mut command = Command::new(path);
        command.env("ETCDCTL_API", "3");
        if !rest.iter().any(|word| word.starts_with("--endpoints")) {
            command.arg(format!("--endpoints={}", cluster.endpoints().join(",")));
        }
        command.args(rest);
        command
    };
    let curl = |path: &str| {
        let mut command = Command::new("curl");
        // The status code stands in the last line.
        command.args(["-sS", "--max-time", "20", "-w", "\nHTTP %{http_code}\n"]);
        command.arg(format!("{}{path}", cluster.members[0].client_url));
        command
    };
    match program.as_str() {
        "etcdctl" => ctl(&tools.etcdctl),
        "old-etcdctl" => ctl(tools.old_etcdctl.as_ref().unwrap_or(&tools.etcdctl)),
        "etcdutl" => {
            let mut command = Command::new(&tools.etcdutl);
            command.args(rest);
            command
        }
        "post" => {
            let mut command = curl(&rest[0]);
            command
                .args(["-X", "POST", "-d", rest.get(1).map_or("{}", String::as_str)])
                .args(&rest[2.min(rest.len())..]);
            command
        }
        "fetch" => {
            let mut command = curl(&rest[0]);
            command.args(&rest[1..]);
            command
        }
        other => panic!("no command {other:?}"),
    }
}
