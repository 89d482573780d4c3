//! What recorded requests cost our apiserver and a kube-apiserver, turn by turn on one machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, ensure};

use super::server::{Programs, Server};
use super::{Recordings, build};
use crate::workspace::Workspace;

/// The programs that are compared with ours.
pub(crate) struct Peer {
    pub(crate) kube_apiserver: PathBuf,
    pub(crate) etcd: PathBuf,
}

/// What a run cost the apiserver.
#[derive(Clone, Copy, Debug)]
struct Cost {
    cpu_seconds: f64,
    resident_mib: f64,
    seconds: f64,
}

/// Plays the recorded fields of all kinds that both know to one and to the other, and tells costs and their ratios.
///
/// # Errors
/// A server that does not start, or a player that fails.
pub(crate) fn run(workspace: &Workspace, folder: &Path, peer: &Peer, rounds: usize) -> anyhow::Result<()> {
    let recordings = Recordings::below(folder)?;
    let ours = Programs::ours(&build(&workspace.root, "release")?);
    let theirs = Programs::upstream(&peer.kube_apiserver, &peer.etcd);
    let files = known(&recordings, &theirs)?;
    let (mut costs, mut played) = ([Vec::new(), Vec::new()], None);
    for round in 0..rounds.max(1) {
        for turn in 0..2 {
            // Each goes first in every other round.
            let side = (turn + round) % 2;
            let programs = [&ours, &theirs][side];
            let (cost, requests) = play(&recordings, programs, &files)?;
            println!(
                "{}: {requests} requests, {}",
                ["keelson", "kube-apiserver"][side],
                told(cost)
            );
            // A server that ended on the way answers faster.
            ensure!(
                *played.get_or_insert(requests) == requests,
                "not all was played: {requests} requests instead of {played:?}"
            );
            costs[side].push(cost);
        }
    }
    let [ours, theirs] = costs.map(|costs| {
        let median = |of: fn(&Cost) -> f64| {
            let mut all: Vec<f64> = costs.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        Cost {
            cpu_seconds: median(|cost| cost.cpu_seconds),
            resident_mib: median(|cost| cost.resident_mib),
            seconds: median(|cost| cost.seconds),
        }
    });
    println!(
        "keelson over kube-apiserver, medians, {} kinds: {:.3} of the CPU, {:.3} of the memory, {:.3} of the time",
        files.len(),
        ours.cpu_seconds / theirs.cpu_seconds,
        ours.resident_mib / theirs.resident_mib,
        ours.seconds / theirs.seconds
    );
    Ok(())
}

fn told(cost: Cost) -> String {
    format!(
        "{:.2} CPU s, {:.0} MiB, {:.1} s",
        cost.cpu_seconds, cost.resident_mib, cost.seconds
    )
}

/// The recordings of fields whose kinds a server has; an older one lacks some.
fn known(recordings: &Recordings, programs: &Programs) -> anyhow::Result<Vec<PathBuf>> {
    let server = Server::start(programs)?;
    let mut files = Vec::new();
    for entry in fs::read_dir(recordings.answers.join("fields"))? {
        let file = entry?.path();
        let text = fs::read_to_string(&file)?;
        let head: serde_json::Value = serde_json::from_str(text.lines().next().unwrap_or_default())
            .with_context(|| format!("{}: its first line is no JSON", file.display()))?;
        let path = head["path"].as_str();
        let path = path.with_context(|| format!("{}: its first line has no path", file.display()))?;
        if server.serves(path)? {
            files.push(file);
        }
    }
    files.sort();
    ensure!(!files.is_empty(), "the peer has none of the recorded kinds");
    Ok(files)
}

fn play(recordings: &Recordings, programs: &Programs, files: &[PathBuf]) -> anyhow::Result<(Cost, u64)> {
    let server = Server::start(programs)?;
    let (before, begun) = (cpu_seconds(server.pid())?, Instant::now());
    let counts = server.play(recordings, files)?;
    let cost = Cost {
        cpu_seconds: cpu_seconds(server.pid())? - before,
        resident_mib: resident_mib(server.pid())?,
        seconds: begun.elapsed().as_secs_f64(),
    };
    Ok((cost, counts.values().map(|(_, all)| all).sum()))
}

/// User and system time of a process until now (`proc_pid_stat(5)`, fields 14 and 15).
fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("the apiserver has ended")?;
    // The name of the program, in parentheses, may have spaces.
    let (_, after) = stat.rsplit_once(") ").context("a stat of a process without a name")?;
    let ticks = after.split(' ').skip(11).take(2).map(str::parse::<f64>);
    let ticks: f64 = ticks.sum::<Result<f64, _>>()?;
    let per_second = Command::new("getconf").arg("CLK_TCK").output()?.stdout;
    Ok(ticks / String::from_utf8(per_second)?.trim().parse::<f64>()?)
}

fn resident_mib(pid: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("the apiserver has ended")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    Ok(kib.context("a status of a process without VmRSS")?.parse::<f64>()? / 1024.0)
}
