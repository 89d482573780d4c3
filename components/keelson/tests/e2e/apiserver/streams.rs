//! What goes through the apiserver to a kubelet: logs, commands, terminals, files and ports, by an old kubectl, which speaks
//! SPDY, and by a new one, which speaks in messages of a WebSocket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::apiserver::clients::kubectls;
use crate::apiserver::kubelet::{Kubelet, node};
use crate::apiserver::pair::Pair;
use crate::harness::{Kind, Output, free_ports, run, run_with, skip, until};

const PODS: &str = "/api/v1/namespaces/default/pods";

/// An apiserver with a node, a pod on it, and a kubectl.
struct World {
    pair: Pair,
    kubelet: Kubelet,
    kubectls: Vec<(u32, PathBuf)>,
}

impl World {
    /// None where there is no kubectl.
    fn start() -> Option<Self> {
        let all: Vec<(u32, PathBuf)> = kubectls().into_iter().collect();
        let (Some(oldest), Some(newest)) = (all.first(), all.last()) else {
            skip("there is no kubectl in PATH, nor was one fetched by deploy/clients.sh");
            return None;
        };
        let mut kubectls = vec![oldest.clone(), newest.clone()];
        kubectls.dedup();
        let kubelet = Kubelet::start();
        let flags = kubelet.flags();
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let pair = Pair::start_with(Kind::Keelson, &flags);
        pair.kubeconfig(&pair.folder().join("config"), "default");
        kubelet.register(&pair, "n1");
        let world = Self {
            pair,
            kubelet,
            kubectls,
        };
        world.pod("web", "n1");
        Some(world)
    }

    /// Makes a pod that runs on this node.
    fn pod(&self, name: &str, node: &str) {
        let containers = ["web", "side", "waiting"].map(|name| json!({"name": name, "image": "img"}));
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"nodeName": node, "containers": containers},
        });
        pod = self.pair.create(PODS, &pod);
        pod["status"]["phase"] = json!("Running");
        let answer = self
            .pair
            .send("PUT", &format!("{PODS}/{name}/status"), &[], &pod.to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    fn command(&self, kubectl: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(kubectl);
        command.args(words).env_clear().current_dir(self.pair.folder());
        command.env("PATH", "/usr/bin:/bin").env("HOME", self.pair.folder());
        command.env("KUBECONFIG", self.pair.folder().join("config"));
        command
    }

    fn play(&self, kubectl: &Path, words: &[&str]) -> Output {
        run(&mut self.command(kubectl, words))
    }

    /// Each command must print this and end so, whoever plays it.
    fn expect(&self, words: &[&str], stdout: &str, code: i32) {
        for (minor, kubectl) in &self.kubectls {
            let output = self.play(kubectl, words);
            let got = (output.code, output.stdout.as_str());
            assert_eq!(got, (Some(code), stdout), "1.{minor} {words:?}: {}", output.stderr);
        }
    }

    /// Each command must fail with these words: of the oldest, and of the newest.
    fn refused(&self, words: &[&str], old: &str, new: &str) {
        for (minor, kubectl) in &self.kubectls {
            let output = self.play(kubectl, words);
            let told = if *minor < 30 { old } else { new };
            // A hint may stand before it.
            let last = output.stderr.lines().last().unwrap_or_default();
            assert_eq!((output.code, last), (Some(1), told), "1.{minor} {words:?}");
        }
    }
}

/// A command that runs beside the test.
struct Running {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn logs_are_told_in_all_forms() {
    let Some(world) = World::start() else { return };
    let logs = |flags: &[&str], text: &str| world.expect(&[&["logs", "web"], flags].concat(), text, 0);
    logs(&["-c", "web"], "one\ntwo\nthree\n");
    logs(&["web", "--tail=2"], "two\nthree\n");
    logs(
        &["-c", "web", "--tail=1", "--timestamps"],
        "2026-01-01T00:00:00Z three\n",
    );
    logs(&["-c", "web", "--limit-bytes=4"], "one\n");
    logs(&["-c", "web", "--previous"], "before\n");
    logs(&["-c", "side", "--since=1h"], "beside\n");
    logs(&["--prefix", "-c", "side"], "[pod/web/side] beside\n");
    // Which containers a pod has is known before its kubelet is asked.
    world.kubelet.heard();
    world.refused(
        &["logs", "web", "-c", "nope"],
        "error: container nope is not valid for pod web",
        "error: container nope is not valid for pod web out of: web, side, waiting",
    );
    assert_eq!(world.kubelet.heard(), Vec::<String>::new());
    let waiting =
        r#"Error from server (BadRequest): container "waiting" in pod "web" is waiting to start: ContainerCreating"#;
    world.refused(&["logs", "web", "-c", "waiting"], waiting, waiting);
    let previous = r#"Error from server (BadRequest): previous terminated container "side" in pod "web" not found"#;
    world.refused(&["logs", "web", "-c", "side", "-p"], previous, previous);
}

#[test]
fn a_log_that_is_followed_goes_on_until_it_ends() {
    let Some(world) = World::start() else { return };
    for (minor, kubectl) in &world.kubectls {
        let mut running = Running::start(&mut world.command(kubectl, &["logs", "-f", "web", "-c", "web", "--tail=1"]));
        assert_eq!(running.line(), "three", "1.{minor}");
        for line in ["four", "five"] {
            world.kubelet.say(Some(line));
            assert_eq!(running.line(), line, "1.{minor}");
        }
        world.kubelet.say(None);
        assert_eq!(running.line(), "", "1.{minor}");
        assert_eq!(running.child.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn commands_have_streams_and_exit_codes() {
    let Some(world) = World::start() else { return };
    let exec = ["exec", "web", "-c", "web", "--"];
    world.expect(&[&exec[..], &["echo", "a b", "c"]].concat(), "a b c\n", 0);
    world.expect(&[&exec[..], &["true"]].concat(), "", 0);
    let large = "x".repeat(3_000_000);
    for (minor, kubectl) in &world.kubectls {
        let both = world.play(
            kubectl,
            &[&exec[..], &["sh", "-c", "echo out; echo err >&2; exit 7"]].concat(),
        );
        assert_eq!((both.code, both.stdout.as_str()), (Some(7), "out\n"), "1.{minor}");
        assert_eq!(both.stderr, "err\ncommand terminated with exit code 7\n", "1.{minor}");
        let mut counts = world.command(kubectl, &["exec", "-i", "web", "-c", "web", "--", "wc", "-c"]);
        let counted = run_with(&mut counts, &large, None);
        assert_eq!(
            (counted.code, counted.stdout.trim()),
            (Some(0), "3000000"),
            "1.{minor}: {}",
            counted.stderr
        );
        let mut echoes = world.command(kubectl, &["exec", "-i", "web", "-c", "web", "--", "cat"]);
        let echoed = run_with(&mut echoes, &large, None);
        assert!(
            echoed.code == Some(0) && echoed.stdout.trim_end() == large,
            "1.{minor}: {}",
            echoed.stderr
        );
        let mut attached = world.command(kubectl, &["attach", "-i", "web", "-c", "web"]);
        let attached = run_with(&mut attached, "hello\n", None);
        assert_eq!(
            (attached.code, attached.stdout.as_str()),
            (Some(0), "hello\n"),
            "1.{minor}: {}",
            attached.stderr
        );
    }
    world.kubelet.heard();
    world.expect(&[&exec[..], &["nope-nope"]].concat(), "", 1);
    let asked = "POST /exec/default/web/web?command=nope-nope&error=1&output=1".to_owned();
    assert_eq!(world.kubelet.heard(), vec![asked; world.kubectls.len()]);
}

#[test]
fn a_terminal_has_a_size_and_one_output() {
    let Some(world) = World::start() else { return };
    for (minor, kubectl) in &world.kubectls {
        let line = format!(
            "stty cols 100 rows 30; {} exec -it web -c web -- sh -c 'echo $COLUMNS $LINES; echo err >&2; exit 5'",
            kubectl.display()
        );
        let mut command = world.command(Path::new("/usr/bin/script"), &["-qec", &line, "/dev/null"]);
        let output = run(&mut command);
        assert_eq!(output.code, Some(5), "1.{minor}: {output:?}");
        let lines: Vec<&str> = output.stdout.lines().map(str::trim).collect();
        assert!(
            lines.contains(&"100 30") && lines.contains(&"err"),
            "1.{minor}: {output:?}"
        );
    }
    let heard = world.kubelet.heard();
    assert!(heard.iter().all(|asked| asked.ends_with("&tty=1")), "{heard:?}");
}

#[test]
fn a_command_ends_when_its_client_goes() {
    let Some(world) = World::start() else { return };
    for (minor, kubectl) in &world.kubectls {
        let words = [
            "exec",
            "web",
            "-c",
            "web",
            "--",
            "sh",
            "-c",
            "echo begun; exec sleep 600",
        ];
        let mut running = Running::start(&mut world.command(kubectl, &words));
        assert_eq!(running.line(), "begun", "1.{minor}");
        drop(running);
        until("the kubelet is told", || {
            world.kubelet.heard().contains(&"cut off".to_owned()).then_some(())
        });
    }
}

#[test]
fn files_are_copied_both_ways() {
    let Some(world) = World::start() else { return };
    let inside = tempfile::tempdir().unwrap();
    let text = "a line\n".repeat(50_000);
    for (minor, kubectl) in &world.kubectls {
        let (here, back) = (
            world.pair.folder().join("here"),
            world.pair.folder().join(format!("back-{minor}")),
        );
        std::fs::write(&here, &text).unwrap();
        let there = inside.path().join(format!("there-{minor}"));
        let to = world.play(
            kubectl,
            &["cp", "here", &format!("web:{}", there.display()), "-c", "web"],
        );
        assert_eq!((to.code, to.stderr.as_str()), (Some(0), ""), "1.{minor}");
        assert!(std::fs::read_to_string(&there).unwrap() == text, "1.{minor}");
        let from = world.play(
            kubectl,
            &[
                "cp",
                &format!("default/web:{}", there.display()),
                &format!("back-{minor}"),
                "-c",
                "web",
            ],
        );
        assert_eq!(from.code, Some(0), "1.{minor}: {}", from.stderr);
        assert!(std::fs::read_to_string(&back).unwrap() == text, "1.{minor}");
        let missing = world.play(kubectl, &["cp", "web:/nope/nope", "none", "-c", "web"]);
        // It ends with the archive, which is empty, and may do so before it says all that it was told of the file.
        let said = missing.stdout + &missing.stderr;
        assert!(
            "tar: Removing leading `/' from member names\n".starts_with(&said)
                || said.contains("No such file or directory")
                || *minor < 30,
            "1.{minor}: {said}"
        );
        assert!(!world.pair.folder().join("none").exists(), "1.{minor}");
    }
}

#[test]
fn ports_are_forwarded_to_pods_and_closed_ones_are_told() {
    let Some(world) = World::start() else { return };
    world.pod("mute", "n1");
    for (minor, kubectl) in &world.kubectls {
        let mut running =
            Running::start(&mut world.command(kubectl, &["port-forward", "web", ":80", "--address=127.0.0.1"]));
        let line = running.line();
        let port = line
            .strip_prefix("Forwarding from 127.0.0.1:")
            .and_then(|rest| rest.strip_suffix(" -> 80"));
        let port: u16 = port
            .and_then(|port| port.parse().ok())
            .unwrap_or_else(|| panic!("1.{minor}: {line}"));
        let large = "x".repeat(1_000_000);
        for text in ["hello", &large] {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let mut writer = stream.try_clone().unwrap();
            let sent = text.to_owned();
            let writing = std::thread::spawn(move || {
                writer.write_all(sent.as_bytes()).unwrap();
                writer.shutdown(Shutdown::Write).unwrap();
            });
            let mut back = String::new();
            stream.read_to_string(&mut back).unwrap();
            writing.join().unwrap();
            assert!(back == text.to_uppercase(), "1.{minor}: {} bytes", back.len());
        }
        drop(running);
        until("the kubelet is told", || {
            world.kubelet.heard().contains(&"ports end".to_owned()).then_some(())
        });

        let mut command = world.command(kubectl, &["port-forward", "mute", ":80", "--address=127.0.0.1"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let port: u16 = line
            .trim_end_matches(" -> 80")
            .rsplit(':')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        // Whatever this ends with: nobody is there.
        let _ = stream.read_to_end(&mut Vec::new());
        let mut told = String::new();
        BufReader::new(child.stderr.take().unwrap())
            .read_line(&mut told)
            .unwrap();
        let _ = child.kill();
        let _ = child.wait();
        assert!(
            told.contains("occurred forwarding") && told.contains("connection refused"),
            "1.{minor}: {told}"
        );
    }
}

#[test]
fn what_cannot_be_reached_is_told_in_upstreams_words() {
    let Some(world) = World::start() else { return };
    node(&world.pair, "bare", json!([]), 1);
    node(&world.pair, "odd", json!([{"type": "Odd", "address": "a"}]), 1);
    let closed = free_ports(1)[0];
    node(
        &world.pair,
        "closed",
        json!([{"type": "InternalIP", "address": "127.0.0.1"}]),
        closed,
    );
    for (pod, node) in [
        ("on-bare", "bare"),
        ("on-odd", "odd"),
        ("on-none", "none"),
        ("on-closed", "closed"),
    ] {
        world.pod(pod, node);
    }
    let none = "no preferred addresses found; known addresses: []";
    let odd = "no preferred addresses found; known addresses: [{Odd a}]";
    let refused = format!("dial tcp 127.0.0.1:{closed}: connect: connection refused");
    for (pod, why) in [("on-bare", none), ("on-odd", odd)] {
        let words = format!("Error from server: {why}");
        world.refused(&["logs", pod, "-c", "web"], &words, &words);
        let upgrade = format!("error: unable to upgrade connection: {why}");
        for asked in [
            &["exec", pod, "-c", "web", "--", "ls"][..],
            &["attach", pod, "-c", "web"],
        ] {
            world.refused(asked, &words, &upgrade);
        }
        world.refused(
            &["port-forward", pod, ":80"],
            &format!("error: error upgrading connection: {why}"),
            &format!("error: error upgrading connection: unable to upgrade connection: {why}"),
        );
    }
    // Upstream names the resource that was asked for.
    let gone = r#"pods "none" not found"#;
    world.refused(
        &["logs", "on-none", "-c", "web"],
        &format!("Error from server (NotFound): {gone}"),
        &format!("Error from server (NotFound): {gone}"),
    );
    world.refused(
        &["exec", "on-none", "-c", "web", "--", "ls"],
        &format!("Error from server (NotFound): {gone}"),
        &format!("error: unable to upgrade connection: {gone}"),
    );
    world.refused(
        &["port-forward", "on-none", ":80"],
        &format!("error: error upgrading connection: {gone}"),
        &format!("error: error upgrading connection: unable to upgrade connection: {gone}"),
    );
    let log =
        format!("Error from server: Get \"https://127.0.0.1:{closed}/containerLogs/default/on-closed/web\": {refused}");
    world.refused(&["logs", "on-closed", "-c", "web"], &log, &log);
    let dialing = format!("error dialing backend: {refused}");
    let asked = format!("https://127.0.0.1:{closed}/exec/default/on-closed/web?command=ls&error=1&output=1");
    world.refused(
        &["exec", "on-closed", "-c", "web", "--", "ls"],
        &format!("Error from server: {dialing}"),
        &format!(r#"error: Internal error occurred: error sending request: Post "{asked}": {refused}"#),
    );
    world.refused(
        &["port-forward", "on-closed", ":80"],
        &format!("error: error upgrading connection: {dialing}"),
        &format!("error: error upgrading connection: unable to upgrade connection: {dialing}"),
    );
}

#[test]
fn containers_that_are_not_there_are_told_in_upstreams_words() {
    let Some(world) = World::start() else { return };
    // Or not yet.
    let nope = "container nope is not valid for pod web";
    world.refused(
        &["exec", "web", "-c", "nope", "--", "ls"],
        &format!("Error from server (BadRequest): {nope}"),
        &format!("error: {nope} out of: web, side, waiting"),
    );
    world.refused(
        &["exec", "web", "-c", "waiting", "--", "ls"],
        r#"error: unable to upgrade connection: container not found ("waiting")"#,
        r#"error: Internal error occurred: unable to upgrade connection: container not found ("waiting")"#,
    );
}
