//! Playing a transcript: each command in a folder and a namespace of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};

use super::normal::Masks;
use super::parse::{Script, Step, words};
use crate::apiserver::pair::Pair;
use crate::harness::{LONG, Output, run, run_with, until};

/// What each step printed, as it stands in the file.
pub(super) fn play(pair: &Pair, kubectl: &Path, name: &str, script: &Script) -> Vec<String> {
    pair.namespace(name);
    let home = tempfile::tempdir().unwrap();
    pair.kubeconfig(&home.path().join("config"), name);
    // Under its own name: it is what kubectl calls itself as manager of fields.
    let program = home.path().join("kubectl");
    std::os::unix::fs::symlink(kubectl, &program).unwrap();
    let mut player = Player {
        pair,
        kubectl: &program,
        home: home.path(),
        masks: Masks::new(pair, home.path()),
        names: Vec::new(),
        started: None,
    };
    script.steps().map(|step| player.step(step)).collect()
}

/// How many watches of a resource the apiserver serves, as its metrics say.
fn watches(pair: &Pair, resource: &str) -> usize {
    let metrics = pair.send("GET", "/metrics", &[], "").body;
    let of = format!(r#"resource="{resource}""#);
    let lines = metrics
        .lines()
        .filter(|line| line.starts_with("apiserver_longrunning_requests{") && line.contains(&of));
    lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok())
        .sum()
}

struct Player<'p> {
    pair: &'p Pair,
    kubectl: &'p Path,
    home: &'p Path,
    masks: Masks,
    names: Vec<(String, String)>,
    started: Option<Started>,
}

/// A command that runs beside the others.
struct Started {
    child: Child,
    lines: Receiver<String>,
    printed: Vec<String>,
}

impl Started {
    /// Waits until it has printed so many lines.
    fn wait_for(&mut self, count: usize) {
        while self.printed.len() < count {
            match self.lines.recv_timeout(LONG) {
                Ok(line) => self.printed.push(line),
                Err(error) => panic!("{count} lines were expected: {error}: {:?}", self.printed),
            }
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Player<'_> {
    fn step(&mut self, step: &Step) -> String {
        let mut words = words(&step.command);
        for word in &mut words {
            for (name, value) in &self.names {
                *word = word.replace(&format!("${name}"), value);
            }
        }
        let (program, rest) = words.split_first().unwrap();
        match program.as_str() {
            "write" => {
                let mut text = step.stdin.clone();
                for (name, value) in &self.names {
                    text = text.replace(&format!("${name}"), value);
                }
                fs::write(self.home.join(&rest[0]), text).unwrap();
                String::new()
            }
            "cat" => {
                let stdout = fs::read_to_string(self.home.join(&rest[0])).unwrap();
                self.shown(step, Some(0), &stdout, "")
            }
            "start" => {
                let before = step.watches.as_deref().map(|resource| watches(self.pair, resource));
                let mut started = self.start(rest);
                started.wait_for(step.until.unwrap_or(0));
                if let (Some(resource), Some(before)) = (&step.watches, before) {
                    until("it watches", || (watches(self.pair, resource) > before).then_some(()));
                }
                self.started = Some(started);
                String::new()
            }
            "stop" => {
                let mut started = self.started.take().unwrap();
                started.wait_for(step.until.unwrap_or(0));
                let stdout: String = std::mem::take(&mut started.printed).concat();
                drop(started);
                self.shown(step, Some(0), &stdout, "")
            }
            _ => {
                let output = self.run(&words, &step.stdin);
                if let Some(name) = &step.save {
                    self.masks.add(&format!("<{name}>"), output.stdout.trim());
                    self.names.push((name.clone(), output.stdout.trim().to_owned()));
                }
                self.shown(step, output.code, &output.stdout, &output.stderr)
            }
        }
    }

    fn run(&self, words: &[String], stdin: &str) -> Output {
        let mut command = self.command(words);
        if stdin.is_empty() {
            run(&mut command)
        } else {
            run_with(&mut command, stdin, None)
        }
    }

    /// Variables stand in front of the program.
    fn command(&self, words: &[String]) -> Command {
        let is_variable = |word: &&String| word.split_once('=').is_some_and(|(name, _)| is_name(name));
        let variables = words.iter().take_while(is_variable).count();
        let (program, rest) = words[variables..].split_first().unwrap();
        assert_eq!(program, "kubectl", "no other program is played");
        let mut command = Command::new(self.kubectl);
        command.args(rest).current_dir(self.home).env_clear();
        command
            .env("HOME", self.home)
            .env("KUBECONFIG", self.home.join("config"));
        command.env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
        for word in &words[..variables] {
            let (name, value) = word.split_once('=').unwrap();
            command.env(name, value);
        }
        command
    }

    fn start(&self, words: &[String]) -> Started {
        let mut command = self.command(words);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if sender.send(line + "\n").is_err() {
                    break;
                }
            }
        });
        Started {
            child,
            lines,
            printed: Vec::new(),
        }
    }

    /// As it stands in the file.
    fn shown(&self, step: &Step, code: Option<i32>, stdout: &str, stderr: &str) -> String {
        let mut text = String::new();
        for (mark, stream) in [('|', stdout), ('!', stderr)] {
            let stream = self.masks.put_on(stream);
            let mut lines: Vec<&str> = stream.lines().collect();
            if step.sort {
                lines.sort_unstable();
            }
            for line in lines {
                text += format!("{mark} {line}").trim_end();
                text.push('\n');
            }
        }
        match code {
            Some(0) => text,
            Some(code) => format!("{text}= {code}\n"),
            None => format!("{text}= it did not end\n"),
        }
    }
}

fn is_name(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}
